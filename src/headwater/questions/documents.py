"""The documents of which questions are asked, with their titles.

    a.txt, a.md                           the whole file, titled by its name
    a.jsonl, a.json, a.csv, a.parquet     a row's `text`, titled by its `title`, or by file and line
    SQuAD's format                        each context, titled by its article; labels are ignored

Below a folder `.txt`, `.md`, `.jsonl` and `.parquet` files are read; others are named one by one.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from headwater.corpus.sources import find_sources
from headwater.data.json_fields import json_field, json_objects
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.errors import UserError
from headwater.files import read_text
from headwater.paths import as_text
from headwater.text_files import suffix_of

logger = logging.getLogger(__name__)

_TEXTS = (".txt", ".md")
_TABLES = (".json", ".csv", ".tsv")


class Document(NamedTuple):
    """A text and what it is called."""

    title: str
    text: str


def read_documents(inputs: Sequence[Path], field: str = "text") -> Iterator[Document]:
    """Yield the documents of files and folders in order.

    Args:
        field: the column with the text, where there are columns.
    """
    named = frozenset(inputs)

    def also(file: Path) -> bool:
        kind = suffix_of(file)
        return kind == ".md" or (file in named and kind in _TABLES)

    kinds = f".md, and {', '.join(_TABLES)} that are named one by one"
    found = find_sources(inputs, also, kinds)
    if found.passed_over:
        count = f"files of other kinds passed over: {len(found.passed_over):,}"
        logger.info(f"{count}, such as {found.passed_over[0]}; name tables one by one")
    for source in found.sources:
        for file in source.files:
            title = str(file.relative_to(source.folder))
            yield from _documents(file, as_text(title), field)


def _documents(file: Path, title: str, field: str) -> Iterator[Document]:
    if suffix_of(file) in _TEXTS:
        yield Document(title, read_text(file))
        return
    for row in read_rows(file, wanted=[(field,)]):
        if "paragraphs" in row.cells:
            for paragraph, where in json_objects(row.cells, "paragraphs", row.where):
                context = json_field(paragraph, "context", str, where)
                yield Document(_title(row, title), context)
        else:
            yield Document(_title(row, title), _text(row, field))


def _text(row: Row, field: str) -> str:
    if field not in row.cells and field == "text":
        names = ", ".join(map(str, row.cells))
        raise UserError(f"{row.columns_where}: no column 'text'; name one by --text-field: {names}")
    return row.text(field)


def _title(row: Row, otherwise: str) -> str:
    title = row.cells.get("title")
    return title if isinstance(title, str) and title.strip() else f"{otherwise}:{row.line}"
