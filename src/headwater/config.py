"""Strict configuration: TOML plus `--set a.b=VALUE`, checked before any data is read.

Every Config is a frozen pydantic model that stands in a torch-free file beside the class it
configures. An unknown key is an error that names the nearest known one.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from headwater.errors import UserError, did_you_mean
from headwater.files import read_text


class Config(BaseModel):
    """The base of every Config: immutable, no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def check(cls, values: Mapping[str, Any], where: str | Callable[[Sequence[str]], str]) -> Self:
        """Build from plain values; a UserError names the key that is wrong, and who gave it.

        Args:
            where: what gave the values, or a function that says it of the key at a path.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problem, *others = error.errors(include_url=False)
            if problem["type"] == "missing":  # or misspelt
                unknown = (each for each in others if each["type"] == "extra_forbidden")
                problem = next(unknown, problem)
            path = [str(part) for part in problem["loc"]]
            source = where if isinstance(where, str) else where(path)
            raise UserError(f"{source}: {_problem(cls, problem, path)}") from None

    def to_toml(self) -> str:
        """Return the resolved values as TOML; keys that are None are left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


ConfigT = TypeVar("ConfigT", bound=Config)

_MOST_LINES = 500  # searched for a key; each is a reading of the file up to there


def as_list(value: Any) -> Any:
    """Take one text for a list of one, as people write it."""
    return [value] if isinstance(value, str) else value


def load_config(
    kind: type[ConfigT],
    path: Path | None,
    overrides: Sequence[str],
    base: Mapping[str, Any],
    rename: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> ConfigT:
    """Read a TOML file, lay `base` and then the `a.b=VALUE` overrides over it, and check it all.

    Args:
        kind: the Config to build.
        path: the TOML file, or None to start from nothing.
        overrides: `a.b=VALUE` texts; VALUE is read as TOML, or else taken as a string.
        base: values given by other means (command line options), nested as in the file.
        rename: gives the keys of the file their present names.
    """
    values = rename(read_toml(path)) if path else {}
    merge(values, base)
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key.strip():
            raise UserError(f"--set {override}: expected KEY=VALUE, as in training.steps=100")
        _put(values, key.strip().split("."), _toml_value(text), override)

    def where(key: Sequence[str]) -> str:
        for override in overrides:
            if f"{'.'.join(key)}.".startswith(_key(override)):
                return f"--set {override}"
        if path is None or (key and _has(base, key)):
            return "command line"
        return at_line(path, key)

    return kind.check(values, where)


def _key(override: str) -> str:
    return f"{override.partition('=')[0].strip()}."


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; a UserError gives file, line and what is wrong."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: broken TOML: {error}") from None
    except RecursionError:
        raise UserError(f"{path}: lists or tables nested too deeply") from None


def at_line(path: Path, key: Sequence[str]) -> str:
    """Return a TOML file with the line on which `key`, or else the table around it, begins.

    A long file, or one without either, is named alone.

    Args:
        key: names of tables and keys and indices of lists, from the outside in.
    """
    lines = read_text(path).split("\n")
    if len(lines) > _MOST_LINES:
        return str(path)
    for known in range(len(key), 0, -1):
        whole = 0
        for end in range(1, len(lines) + 1):
            try:
                values = tomllib.loads("\n".join([*lines[:end], ""]))
            except tomllib.TOMLDecodeError:
                continue  # in the middle of a value of several lines
            if _has(values, key[:known]):
                return f"{path}, line {whole + 1}"
            whole = end
    return str(path)


def _has(values: Any, key: Sequence[str]) -> bool:
    """Whether there is a value at `key`."""
    for part in key:
        if isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        elif isinstance(values, Mapping) and part in values:
            values = values[part]
        else:
            return False
    return True


def merge(values: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Lay `over` on top of `values` in place, table by table."""
    for key, value in over.items():
        below = values.get(key)
        if isinstance(value, Mapping) and isinstance(below, dict):
            merge(below, value)
        else:
            values[key] = dict(value) if isinstance(value, Mapping) else value


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(values: dict[str, Any], path: Sequence[str], value: Any, override: str) -> None:
    for part in path[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise UserError(f"--set {override}: {part} is a value, not a table")
    values[path[-1]] = value


def _problem(kind: type[BaseModel], problem: ErrorDetails, path: Sequence[str]) -> str:
    """Return what is wrong with the key at `path`."""
    name = ".".join(path)
    if problem["type"] == "extra_forbidden":
        known = _keys_at(kind, path[:-1])
        return f"unknown key {name!r}; {did_you_mean(path[-1], sorted(known), 'known here:')}"
    if problem["type"] == "missing":
        return f"missing key {name!r}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "model_type":
        message = "a table was expected"
    if not name:
        return message
    given = problem["input"]
    shown = "" if isinstance(given, dict | list) else f" = {given!r}"  # a table may be long
    return f"{name}{shown}: {message[0].lower()}{message[1:]}"


def _keys_at(kind: type[BaseModel], path: Sequence[str]) -> list[str]:
    for part in path:
        if part.isdigit():  # an index of a list of tables
            continue
        field = kind.model_fields.get(part)
        inner = field.annotation if field else None
        candidates = [inner, *getattr(inner, "__args__", ())]
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not nested:
            return []
        kind = nested[0]
    return list(kind.model_fields)
