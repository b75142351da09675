"""A row of a table with its file and line, and its cells by column name, checked.

row.text("body", "text")     the text in the first of these columns that there is
row.texts("answers.text")    those of a list; a dot goes into an object
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, final

from headwater.data.json_fields import text_of
from headwater.errors import MissingField, UserError, listed
from headwater.text_files import suffix_of

TEXT_TABLES = (".tsv", ".txt", ".csv")

_ABSENT = object()


@final
class Row(NamedTuple):
    """A row's cells by column name: texts in TSV and CSV, any JSON or Parquet value else.

    `classes` are those that a file of the hub names for a column of numbers.
    """

    path: Path
    line: int
    cells: Mapping[str, Any]
    unit: str = "line"
    classes: Mapping[str, Sequence[str]] = MappingProxyType({})

    @property
    def where(self) -> str:
        """File and line, with which an error about it begins."""
        return f"{self.path}, {self.unit} {self.line}"

    @property
    def columns_where(self) -> str:
        """File and line where the columns are named: a table's header."""
        return f"{self.path}, line 1" if suffix_of(self.path) in TEXT_TABLES else self.where

    def cell(self, columns: Sequence[str], otherwise: str = "") -> tuple[str, Any]:
        """Return the first of the columns that the row has, and what stands there.

        Args:
            otherwise: the advice where it has none of them; nothing: which columns there are.
        """
        for name in columns:
            if (value := self._find(name)) is not _ABSENT:
                return name, value
        plain = {name.casefold() for name in columns}
        near = (name for name in self.cells if str(name).strip().casefold() in plain)
        hint = next((f"did you mean {name!r}?" for name in near), otherwise)
        hint = hint or f"there are {listed(map(repr, map(str, self.cells)))}"
        named = " or ".join(columns) or "''"
        raise MissingField(f"{self.columns_where}: no column {named}; {hint}")

    def value(self, *columns: str) -> Any:
        """Return what stands in the first of the columns that the row has."""
        return self.cell(columns)[1]

    def text(self, *columns: str) -> str:
        """Return the text in the first of the columns that the row has."""
        name, value = self.cell(columns)
        text = text_of(value)
        if text is None:
            raise self._no_text(name, value, "a text")
        return text

    def texts(self, column: str, *, optional: bool = False) -> tuple[str, ...]:
        """Return the texts of a cell that holds one or a list of them.

        Args:
            optional: null is no text, not a mistake.
        """
        value = self.value(column)
        if value is None and optional:
            return ()
        texts = [text_of(each) for each in (value if isinstance(value, list) else [value])]
        if None in texts:
            raise self._no_text(column, value, "a text or a list of texts")
        return tuple(text for text in texts if text is not None)

    def named(self, column: str, value: Any, labels: Sequence[str]) -> Any:
        """Return the name of a class that the file gives by number, if the task knows its names."""
        names = self.classes.get(column, ())
        known = type(value) is int and 0 <= value < len(names) and set(names) <= set(labels)
        return names[value] if known else value

    def _find(self, name: str) -> Any:
        if name in self.cells:
            return self.cells[name]
        value: Any = self.cells
        for part in name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return _ABSENT
            value = value[part]
        return value

    def _no_text(self, name: str, value: Any, expected: str) -> UserError:
        if value is None:
            return UserError(f"{self.where}: {name!r} is null; {expected} was expected")
        advice = "; save it as text" if isinstance(value, bytes | float) else ""
        if isinstance(value, Mapping) and value:
            advice = f"; name a field of it, as {name}.{next(iter(value))}"
        return UserError(f"{self.where}: {name!r} must be {expected}, not {value!r:.40}{advice}")
