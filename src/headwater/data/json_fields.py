"""Fields of nested JSON, read with their type, or an error of one line."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from headwater.errors import MissingField, UserError

T = TypeVar("T", str, int, bool, list[Any], dict[str, Any])

_CALLED: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    float: "a number with a fraction",
    type(None): "null",
}


def json_objects(
    record: Mapping[str, Any], name: str, where: str, separator: str = "."
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each object of the list `record[name]` and where it stands."""
    for index, item in enumerate(json_field(record, name, list, where)):
        at = f"{where}{separator}{name}[{index}]"
        yield json_value(item, dict, at, "an element"), at


def json_field(record: Any, name: str, kind: type[T], where: str) -> T:
    """Return `record[name]`."""
    if not isinstance(record, Mapping) or name not in record:
        raise MissingField(f"{where}: '{name}' is missing; {_CALLED[kind]} was expected")
    return json_value(record[name], kind, where, f"'{name}'")


def json_text(record: Mapping[str, Any], name: str, where: str) -> str:
    """Return `record[name]` as a text (see `text_of`)."""
    text = text_of(record.get(name))
    return json_field(record, name, str, where) if text is None else text


def text_of(value: Any) -> str | None:
    """Return a text, or a whole number as one; None: it is neither."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else None


def json_value(value: Any, kind: type[T], where: str, what: str) -> T:
    """Return the value, which is called `what` in an error."""
    if type(value) is not kind:  # exact, since Python's True is an int
        found = _CALLED.get(type(value), type(value).__name__)
        raise UserError(f"{where}: {what} must be {_CALLED[kind]}, not {found}")
    return value
