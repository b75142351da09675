"""What is wrong with the values of a Config, in one plain line: the key, its value, what was
expected and the nearest name.

    training.stepps           unknown key 'training.stepps'; did you mean 'steps'?
    lora.targets = ["foo"]    lora.targets[0] = 'foo': expected query, key, value, ...
    training.seed = -1        training.seed = -1: a number from 0 on was expected
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from headwater.errors import did_you_mean, listed, nearest

Key = Sequence[str]
"""Names of tables and keys and indices of lists, from the outside in."""

ModelT = TypeVar("ModelT", bound=BaseModel)

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number from {ge} on",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "list_type": "a list",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_type": "a text",
    "too_long": "a list of {max_length} or fewer",
    "too_short": "a list of {min_length} or more",
}
"""By pydantic's type of a problem."""

_TYPE = re.compile(r"bool|int|float|str|list\[.*\]|literal\[.*\]")
"""How pydantic ends the path of a problem with one of several types."""


def explained(kind: type[BaseModel], error: ValidationError) -> tuple[list[str], str]:
    """Return the key of the first problem, and what is wrong with it."""
    problem, *others = _one_for_a_choice(error.errors(include_url=False))
    if problem["type"] == "missing":  # or misspelt
        unknown = (each for each in others if each["type"] == "extra_forbidden")
        problem = next(unknown, problem)
    key = [str(part) for part in problem["loc"]]
    return key, _line(kind, problem, key)


def table_at(kind: type[ModelT], key: Key) -> type[ModelT] | None:
    """Return the Config of the table at a key; None where there is none."""
    for part in key:
        if part.isdigit():  # an index of a list of tables
            continue
        field = kind.model_fields.get(part)
        inner = field.annotation if field else None
        candidates = [inner, *getattr(inner, "__args__", ())]
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not nested:
            return None
        kind = cast(type[ModelT], nested[0])
    return kind


def keys_named(kind: type[BaseModel], table: Key, line: str) -> Iterator[list[str]]:
    """Yield the keys of a table that a line about the whole table names."""
    found = table_at(kind, table)
    for name in found.model_fields if found else ():
        if re.search(rf"\b{name}\b", line):
            yield [*table, name]


def dotted(key: Key) -> str:
    """Return a key as a reader of the file counts: the items of a list from 0, in brackets.

    >>> dotted(["mixture", "tasks", "1", "rate"])
    'mixture.tasks[1].rate'
    """
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in key).removeprefix(".")


def _line(kind: type[BaseModel], problem: ErrorDetails, key: Key) -> str:
    name = dotted(key)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {name!r}; {_nearest(table_at(kind, key[:-1]), key[-1])}"
    if problem["type"] == "missing":
        return f"missing key {name!r}"
    line = _keys_expected(kind, key) if problem["type"] == "model_type" else expected(problem)
    if not name:
        return line
    given = problem["input"]
    if isinstance(given, dict | list):  # it may be long
        return f"{name}: {line}"
    shown = str(given).lower() if isinstance(given, bool) else f"{given!r:.60}"
    return f"{name} = {shown}: {line}"


def _nearest(table: type[BaseModel] | None, name: str) -> str:
    """Return the key of a table that is meant, also where an old name of it is misspelt."""
    old: Mapping[str, str] = getattr(table, "old_names", {})
    known = sorted(table.model_fields) if table else []
    near = nearest(name, [*known, *old])
    return (
        f"known here: {listed(known)}" if near is None else f"did you mean {old.get(near, near)!r}?"
    )


def expected(problem: ErrorDetails) -> str:
    """Return what was expected in place of a value."""
    context: dict[str, Any] = problem.get("ctx", {})
    if problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "literal_error":
        names = re.findall(r"'([^']*)'", context["expected"])
        if not names:
            return f"{context['expected']} was expected"
        return did_you_mean(str(problem["input"]), names, "expected")
    kind = _EXPECTED.get(problem["type"])
    if kind is None:  # what a choice of types expects is put together already
        return problem["msg"][0].lower() + problem["msg"][1:]
    bounds = {name: f"{each:g}" if type(each) is float else each for name, each in context.items()}
    return f"{kind.format(**bounds)} was expected"


def _keys_expected(kind: type[BaseModel], key: Key) -> str:
    table = table_at(kind, key)
    keys = sorted(table.model_fields) if table else []
    hint = f"; its keys: {', '.join(keys)}" if 0 < len(keys) < 8 else ""
    return f"a table was expected{hint}"


def _kind(problem: ErrorDetails) -> str:
    if problem["type"] == "literal_error":
        return str(problem.get("ctx", {})["expected"])
    return _EXPECTED.get(problem["type"], problem["type"])


def _one_for_a_choice(problems: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Join what each type of a key expected, where one of several may stand, into one problem."""
    first, *others = problems
    key = first["loc"][:-1]
    within = [each for each in others if each["loc"][: len(key)] == key != each["loc"][:-1]]
    if (
        within
        and _TYPE.fullmatch(str(first["loc"][-1]))
        and isinstance(first["input"], dict | list)
    ):
        inner = within[0]  # of the type that was given, at the place inside of it
        return [{**inner, "loc": (*key, *inner["loc"][len(key) + 1 :])}, *others]
    same = [each for each in others if key and each["loc"][:-1] == key]
    if not same or not _TYPE.fullmatch(str(first["loc"][-1])):
        return [first, *others]
    kinds = [_kind(each) for each in (first, *same)]
    if "a number" in kinds:
        kinds = [each for each in kinds if each != "a whole number"]
    *before, last = dict.fromkeys(kinds)
    choice = f"{', '.join(before)} or {last}" if before else last
    joined: ErrorDetails = {**first, "type": "choice", "loc": key}
    return [{**joined, "msg": f"{choice} was expected"}, *others]
