"""Templates of text by column name, as tasks of your own give them.

    Template("ticket: {subject} body: {body}")    columns subject and body
    {"subject": "No light", "body": "..."}        ticket: No light body: ...

A brace that is meant as such is written twice: {{ and }}.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import final

from headwater.data.csv_form import CsvForm
from headwater.data.parallel_files import Text
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.errors import UserError


@final
@dataclass(frozen=True, slots=True)
class Template:
    """A text with the names of columns in braces; a brace that is meant as such stands twice.

    >>> Template("ticket: {subject} body: {body}").fill({"subject": "No light", "body": "..."})
    'ticket: No light body: ...'
    """

    text: str
    columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = [name for _, name in _tokens(self.text) if name is not None]
        if "" in names or not names:
            raise UserError(f"template {self.text!r}: put a column's name between braces")
        object.__setattr__(self, "columns", tuple(dict.fromkeys(names)))

    def fill(self, cells: Mapping[str, str]) -> str:
        """Return the text with each column's cell in place of its name."""
        return "".join(
            literal + ("" if name is None else cells[name]) for literal, name in _tokens(self.text)
        )


@final
@dataclass(frozen=True, slots=True)
class TemplateReader:
    """Reads tables whose rows fill a template; a list in a cell is several sentences or targets.

    Args:
        targets: the columns with what may be written; of several, empty cells hold none.
        csv: how CSV and TSV files are written; None: as those of benchmarks are.
    """

    template: Template
    targets: tuple[str, ...]
    csv: CsvForm | None = None

    def __call__(self, path: Path, *, answered: bool) -> Iterator[Text]:
        """Yield a text for each row; each of its targets may be written."""
        names = (*self.template.columns, *(self.targets if answered else ()))
        for row in read_rows(path, form=self.csv, wanted=[(name,) for name in names]):
            columns = {name: " ".join(row.texts(name)) for name in self.template.columns}
            targets = self._targets(row) if answered else ()
            yield Text(row.where, self.template.fill(columns), targets)

    def _targets(self, row: Row) -> tuple[str, ...]:
        """Return what stands in the columns; of several, those that are not empty."""
        targets = tuple(text for name in self.targets for text in row.texts(name, optional=True))
        if len(self.targets) == 1:
            return targets
        return tuple(text for text in targets if text.strip()) or targets[:1]


def _tokens(text: str) -> list[tuple[str, str | None]]:
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise UserError(f"template {text!r}: {error}") from None
    for _, _, detail, conversion in parsed:
        if detail or conversion:
            raise UserError(f"template {text!r}: a column's name stands alone between its braces")
    return [(literal, name) for literal, name, _, _ in parsed]
