"""Reading sentences with their translations: files side by side, or a table.

    train.en, train.de                        two files of as many lines; the first one is named
    train.jsonl, .parquet                     {"translation": {"en": "A dog.", "de": "Ein Hund."}}
    train.csv, .tsv, .jsonl, .parquet         columns en and de

Files may be gzipped. The language of a file is the end of its name, as in the official sets (WMT,
Multi30k).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.errors import MissingField, UserError, listed
from headwater.files import read_lines
from headwater.text_files import COMPRESSIONS, suffix_of

_TABLES = (".jsonl", ".json", ".parquet", ".csv", ".tsv")


class Text(NamedTuple):
    """A text, what may be written for it (none: unknown), and where it stands."""

    where: str
    source: str
    targets: tuple[str, ...]


def read_parallel(path: Path, source: str, target: str, *, answered: bool) -> Iterator[Text]:
    """Yield the sentences of a file in the language `source` with those in `target`.

    Args:
        path: a table, or the file in the source language; the other one lies beside it.
        answered: False needs no translations; any file is then one sentence a line.
    """
    if suffix_of(path) in _TABLES:
        wanted = [(source,), (target,)] if answered else [(source,)]
        rows = read_rows(path, wanted=wanted)
        return (_cells(row, source, target, answered) for row in rows)
    if not answered:
        return (Text(f"{path}, line {n}", each, ()) for n, each in enumerate(read_lines(path), 1))
    if suffix_of(path) != f".{source}":
        raise UserError(
            f"{path}: expected a file in the language {source}, such as train.{source} with "
            f"train.{target} beside it, or a table ({', '.join(_TABLES)})"
        )
    stem = path.name[: path.name.lower().rindex(f".{source}")]
    names = [path.with_name(f"{stem}.{target}{end}") for end in ("", *COMPRESSIONS)]
    other = next((name for name in names if name.exists()), None)
    if other is None:
        raise MissingField(f"{path}: its translation {names[0].name} is not beside it")
    return _beside(path, other)


def _beside(path: Path, other: Path) -> Iterator[Text]:
    sources, targets = read_lines(path), read_lines(other)
    if len(sources) != len(targets):
        shorter = path if len(sources) < len(targets) else other
        line = min(len(sources), len(targets)) + 1
        raise UserError(
            f"lines of {path}: {len(sources)}, of {other}: {len(targets)}; {shorter.name} has no "
            f"line {line}; every line must stand beside its translation"
        )
    for number, pair in enumerate(zip(sources, targets, strict=True), 1):
        yield Text(f"{path}, line {number}", pair[0], (pair[1],))


def _cells(row: Row, source: str, target: str, answered: bool) -> Text:
    pair = row.cells.get("translation", row.cells)
    if not isinstance(pair, Mapping):
        raise UserError(f"{row.where}: 'translation' must be an object with {source} and {target}")
    targets = (_text(pair, target, row.where),) if answered else ()
    return Text(row.where, _text(pair, source, row.where), targets)


def _text(pair: Mapping[str, Any], language: str, where: str) -> str:
    text = pair.get(language)
    if not isinstance(text, str):
        raise MissingField(
            f"{where}: a text was expected in {language!r}; there are {listed(pair)}"
        )
    return text
