"""Strict configuration: TOML plus `--set a.b=VALUE`, checked before any data is read.

Every Config is a frozen pydantic model that stands in a torch-free file beside the class it
configures. An unknown key is an error that names the nearest known one.
"""

import logging
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from headwater.config_problems import dotted, explained, keys_named, table_at
from headwater.errors import UserError
from headwater.files import read_text
from headwater.paths import as_text

logger = logging.getLogger(__name__)


class Config(BaseModel):
    """The base of every Config: immutable, no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    old_names: ClassVar[Mapping[str, str]] = {}
    """Keys of version 0.1 and their present names; accepted with a warning for one version."""

    @model_validator(mode="before")
    @classmethod
    def _take_old_names(cls, values: Any) -> Any:
        if isinstance(values, dict):
            values = {key: _names_as_text(value) for key, value in values.items()}
        for old, new in cls.old_names.items():
            if isinstance(values, dict) and old in values and new in values:
                raise ValueError(f"{old} is the old name of {new}; give {new} alone")
        return _with_new_names(cls, values, "") if isinstance(values, dict) else values

    @classmethod
    def check(cls, values: Mapping[str, Any], where: str | Callable[[Sequence[str]], str]) -> Self:
        """Build from plain values; a UserError names the key that is wrong, and who gave it.

        Args:
            where: what gave the values, or a function that says it of the key at a path.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            key, line = explained(cls, error)
            if isinstance(where, str):
                raise UserError(f"{where}: {line}") from None
            named = (each for each in keys_named(cls, key, line) if _has(values, each))
            places = [where(each) for each in (*named, key)]
            options = [each for each in places if each.startswith(_OPTIONS)]  # win over the file
            raise UserError(f"{[*options, *places][0]}: {line}") from None

    def to_toml(self) -> str:
        """Return the resolved values as TOML; keys that are None are left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


ConfigT = TypeVar("ConfigT", bound=Config)

_OPTIONS = ("--set ", "command line")

_ITEM = re.compile(r"\[(\d+)\]")
"""An item of a list, as messages have it: tasks[0] is tasks.0."""

_MOST_LINES = 500  # searched for a key; each is a reading of the file up to there


def _names_as_text(value: Any) -> Any:
    """Escape what stands for the bytes of a file's name that are not UTF-8."""
    if isinstance(value, list):
        return [_names_as_text(each) for each in value]
    return as_text(value) if isinstance(value, str) else value


def as_list(value: Any) -> Any:
    """Take one text for a list of one, as people write it."""
    return [value] if isinstance(value, str) else value


def load_config(
    kind: type[ConfigT],
    path: Path | None,
    overrides: Sequence[str],
    base: Mapping[str, Any],
) -> ConfigT:
    """Read a TOML file, lay `base` and then the `a.b=VALUE` overrides over it, and check it all.

    Args:
        kind: the Config to build.
        path: the TOML file, or None to start from nothing.
        overrides: `a.b=VALUE` texts; VALUE is read as TOML, or else taken as a string. An item of a
            list is counted from 0: `mixture.tasks.0.rate=2.0`.
        base: values given by other means (command line options), nested as in the file.
    """
    given = [(override, _override_path(kind, override)) for override in overrides]
    _refuse_two_names(given)
    values = _with_new_names(kind, read_toml(path), f"{path}: ") if path else {}
    merge(values, base)
    for override, names in given:
        _put(values, names, toml_value(override.partition("=")[2]), override)

    def where(key: Sequence[str]) -> str:
        for override, names in reversed(given):  # the last one counts
            if list(key[: len(names)]) == names:
                return f"--set {override}"
        if path is None or (key and _has(base, key)):
            return "command line"
        return at_line(path, key)

    return kind.check(values, where)


def _override_path(kind: type[Config], override: str) -> list[str]:
    """Return the tables and the key that an `a.b=VALUE` text sets, under its present name."""
    key, separator, _ = override.partition("=")
    if not separator or not key.strip():
        raise UserError(f"--set {override}: expected KEY=VALUE, as in training.steps=100")
    *tables, name = _ITEM.sub(r".\1", key.strip()).split(".")
    table = table_at(kind, tables)
    new = name if table is None else table.old_names.get(name, name)
    path = [*tables, new]
    if new != name:
        _warn_of_old_names(f"--set {override}: ", [f"{key.strip()} is now {'.'.join(path)}"])
    return path


def _refuse_two_names(given: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Refuse overrides that give a key by its old and by its present name, as in a file."""
    names: dict[tuple[str, ...], set[str]] = {}
    for override, path in given:
        names.setdefault(tuple(path), set()).add(override.partition("=")[0].strip())
    for path, found in names.items():
        new = ".".join(path)
        if len(found) > 1:
            old = min(found - {new})
            raise UserError(f"--set: {old} is the old name of {new}; give {new} alone")


def _with_new_names(kind: type[Config], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the values of a table under the present names of its keys and of those below it."""
    old: list[str] = []

    def renamed(kind: type[Config], values: Mapping[str, Any], path: str) -> dict[str, Any]:
        found = {}
        for key, value in values.items():
            new = kind.old_names.get(key, key)
            if new != key and new not in values:
                old.append(f"{path}{key} is now {path}{new}")
                key = new
            table = table_at(kind, [key]) if isinstance(value, dict) else None
            found[key] = renamed(table, value, f"{path}{key}.") if table else value
        return found

    found = renamed(kind, values, "")
    if old:
        _warn_of_old_names(where, old)
    return found


def _warn_of_old_names(where: str, old: Sequence[str]) -> None:
    logger.warning("%s%s; the old name goes with the next version", where, ", ".join(old))


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


def toml_value(text: str) -> Any:
    """Return a value that is written as in TOML, or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(values: dict[str, Any], path: Sequence[str], value: Any, override: str) -> None:
    """Set a value in place; a number in `path` stands for an item of a list, counted from 0."""
    here: Any = values
    for depth, part in enumerate(path[:-1], start=1):
        if isinstance(here, list):
            here = here[_index(here, path[:depth], override)]
        else:
            here = here.setdefault(part, {})
        if not isinstance(here, dict | list):
            raise UserError(f"--set {override}: {part} is a value, not a table")
    here[_index(here, path, override) if isinstance(here, list) else path[-1]] = value


def _index(items: Sequence[Any], path: Sequence[str], override: str) -> int:
    """Return the last part of a path as the place in a list."""
    if path[-1].isdecimal() and int(path[-1]) < len(items):
        return int(path[-1])
    of = f"{dotted(path[:-1])} is a list of {len(items)}"
    raise UserError(f"--set {override}: {of}; give a number from 0 to {len(items) - 1} after it")
