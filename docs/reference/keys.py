"""The keys of a Config, or of the sizes of a model: type, default, meaning."""

import ast
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from docs.reference.docstrings import read_docstring
from pydantic import TypeAdapter

from headwater.config import Config


class Key(NamedTuple):
    """What is said of a key, as it is shown in Markdown but for the meaning."""

    name: str
    type: str
    default: str
    meaning: str


_NONSENSE = 10**9

Linked = Callable[[str], str]
"""Returns how the table of a Config is named, with a link, by the name of the class."""


def keys_of(
    kind: type[Config], linked: Linked, shared: Mapping[str, str] | None = None
) -> Iterator[Key]:
    """Yield the keys of a Config.

    Args:
        shared: what a name means that the class does not explain itself.
    """
    schema = kind.model_json_schema()
    own = schema.get("$defs", {}).get(kind.__name__, schema)  # a class that holds itself
    inner = {key: summary_of(each) for key, each, _ in tables_in(kind)}
    said = {**inner, **(shared or {}), **meanings_of(kind)}
    for name, field in kind.model_fields.items():
        usual = (
            "required"
            if field.is_required()
            else _usual(field.get_default(call_default_factory=True))
        )
        yield Key(
            name, type_name(own["properties"][name], linked), usual, _meaning(kind, name, said)
        )


def sizes_of_model(config: Any, shared: Mapping[str, str]) -> Iterator[Key]:
    """Yield the sizes and rates of a family.

    Args:
        config: one of its presets.
        shared: what a name means that the family does not explain itself.
    """
    kind = type(config)
    said, types = {**shared, **meanings_of(kind)}, get_type_hints(kind)
    for field in fields(kind):
        if field.name in ("model_type", "vocab_size", "label_names", "window"):
            continue  # the vocabulary's, the data's and the objective's
        if field.name.endswith("_token_id"):
            continue
        schema = TypeAdapter(types[field.name]).json_schema()
        usual = _usual(getattr(config, field.name))
        yield Key(field.name, type_name(schema, str), usual, _meaning(kind, field.name, said))


def _meaning(kind: type, name: str, said: Mapping[str, str]) -> str:
    """Return what a key means, which the code must say."""
    if name not in said:
        raise ValueError(f"{kind.__name__}.{name} has no meaning; write it into its docstring")
    return said[name]


def summary_of(kind: type) -> str:
    """Return what a class says of itself before its fields."""
    names = inspect.get_annotations(kind)
    return read_docstring(kind.__doc__ or "", names).text


def tables_in(kind: type[Config]) -> Iterator[tuple[str, type[Config], bool]]:
    """Yield the keys of a Config whose values are tables of another, with that; whether many."""

    def found(annotation: Any) -> Iterator[type[Config]]:
        if inspect.isclass(annotation) and issubclass(annotation, Config):
            yield annotation
        for each in get_args(annotation):
            yield from found(each)

    for name, field in kind.model_fields.items():
        for inner in found(field.annotation):
            yield name, inner, get_origin(field.annotation) is list


def meanings_of(kind: type) -> dict[str, str]:
    """Return what a class says of its fields, in its docstring or below each, its bases' first."""
    said: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith(("builtins", "pydantic")):
            continue
        names = [name for name in inspect.get_annotations(each) if name[0] != "_"]
        said |= read_docstring(each.__doc__ or "", names).meanings
        [tree] = ast.parse(inspect.getsource(each)).body
        assert isinstance(tree, ast.ClassDef)
        said |= dict(docstrings_of_fields(tree))
    return said


def docstrings_of_fields(tree: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield the fields of a class that have a docstring below them."""
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield field.target.id, " ".join(str(below.value.value).split())


def type_name(schema: Mapping[str, Any], linked: Linked) -> str:
    """Return a JSON schema's type in the words of TOML."""
    if "$ref" in schema:
        return linked(schema["$ref"].rpartition("/")[2])
    if "allOf" in schema:
        return type_name(schema["allOf"][0], linked)
    if "anyOf" in schema:
        several = [type_name(each, linked) for each in schema["anyOf"] if each != {"type": "null"}]
        return " or ".join(dict.fromkeys(several))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{json.dumps(each)}`" for each in values)
    match schema.get("type"):
        case "array":
            inner = schema.get("items") or {}
            return f"array ({type_name(inner, linked)})" if inner else "array"
        case "object":
            inner = schema.get("additionalProperties")
            return (
                f"table (name = {type_name(inner, linked)})"
                if isinstance(inner, dict) and inner
                else "table"
            )
        case "integer":
            return "integer" + _bounds(schema, whole=True)
        case "number":
            return "float" + _bounds(schema, whole=False)
        case None:
            return "any"
        case kind:
            return str(kind)


def _bounds(schema: Mapping[str, Any], *, whole: bool) -> str:
    """Return the bounds of a number; those that are there to catch nonsense alone are left out."""
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if whole and above is not None:
        low, above = above + 1, None
    bounds = {"at least": low, "above": above, "at most": high, "below": below}
    known = {name: at for name, at in bounds.items() if at is not None and at < _NONSENSE}
    return "".join(f", {name} {at:,}" for name, at in known.items())


def _usual(value: Any) -> str:
    """Return a default as TOML has it; "" for none, and for a table of defaults."""
    if isinstance(value, Config):
        value = value.model_dump(exclude_unset=True) or None
    return "" if value is None else f"`{toml_text(value)}`"


def toml_text(value: Any) -> str:
    """Return a value as TOML has it on one line."""
    match value:
        case dict():
            inner = ", ".join(f"{key} = {toml_text(each)}" for key, each in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list() | tuple():
            return f"[{', '.join(map(toml_text, value))}]"
        case str() | bool():
            return json.dumps(value)
        case _:
            return repr(value)
