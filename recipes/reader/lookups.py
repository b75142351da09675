"""Ask for the cells of tables by plain patterns: "What is the {column} of {row}?" and its like.

    python recipes/reader/lookups.py runs/reader

writes `lookups.json` and `lookups-lacking.json` (a row or a column that the table has not), from
the tables that WikiTableQuestions trains on, in the forms of `tables.py`. People's questions on
tables mostly compare and count; these teach a reader to find the row and the column first.
"""

import argparse
import gzip
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rows import QA, Row, write_rows
from tables import Place, Table, asked, wiki_tables, written

QUESTIONS, LACKING = 12000, 2000
PER_TABLE = 8
OF_A_ROW = (
    "What is the {column} of {row}?",
    "What is {row}'s {column}?",
    "Which {column} does {row} have?",
    "What {column} is given for {row}?",
    "What was the {column} for {row}?",
    "{column} of {row}?",
)
OF_A_KIND = (  # of columns with such names
    (
        re.compile(r"\b(date|year|time|day|opened|founded|born)\b"),
        ("When was {row}?", "When is the {column} of {row}?", "In which {column} was {row}?"),
    ),
    (
        re.compile(r"\b(venue|location|place|city|stadium|country|site|origin)\b"),
        ("Where is {row}?", "Where was {row}?", "In which {column} is {row}?"),
    ),
    (
        re.compile(r"\b(player|driver|winner|director|coach|name|author|artist|owner)\b"),
        ("Who is the {column} of {row}?", "Who was {row}'s {column}?"),
    ),
)
BY_VALUE = (
    "Which {key} has {column} {cell}?",
    "Which {key} has a {column} of {cell}?",
    "What {key} is listed with {cell}?",
    "For which {key} is the {column} {cell}?",
    "The {column} {cell} belongs to which {key}?",
)
AFTER = ("Which {key} comes after {row}?", "What is the next {key} after {row}?")
BEFORE = ("Which {key} comes before {row}?", "What {key} is listed right before {row}?")
FIRST = ("What is the first {key}?", "Which {key} is listed first?", "What {key} is at the top?")
LAST = ("What is the last {key}?", "Which {key} is listed last?", "What {key} is at the bottom?")
RECORD = ("What is the {column}?", "Which {column} does it have?", "{column}?", "What {column}?")


class _Lookup(NamedTuple):
    """A question and the cell that answers it."""

    question: str
    place: Place


def main() -> None:
    """Ask of every table, keep as many as wanted, and ask others of what is not there."""
    parser = argparse.ArgumentParser(description="Ask for cells of tables by plain patterns.")
    parser.add_argument("folder", type=Path, help="where the files are written")
    folder = parser.parse_args().folder
    draw = random.Random(0)
    tables = [table for table in _tables() if _key(table) is not None]
    rows = [row for table in tables for row in _rows(table, draw)]
    lacking = list(_lacking(tables, draw))
    for name, found, most in (("lookups", rows, QUESTIONS), ("lookups-lacking", lacking, LACKING)):
        chosen = draw.sample(found, min(most, len(found)))
        chosen = [replace(row, id=f"{row.id}:{number}") for number, row in enumerate(chosen)]
        print(name, write_rows(folder / f"{name}.json", chosen), "of", len(found))


def _tables() -> list[Table]:
    """Return the tables of the training questions, each once."""
    with gzip.open(QA / "wikitablequestions/data/training.tsv.gz", "rt", encoding="utf-8") as lines:
        names = dict.fromkeys(line.split("\t")[2] for line in list(lines)[1:])
    tables = wiki_tables()
    return [tables[name.removesuffix(".csv").removeprefix("csv/")] for name in names]


def _key(table: Table) -> int | None:
    """Return the column that names the rows: the first of words, each other than the rest."""
    for column, name in enumerate(table[0]):
        cells = [row[column] for row in table[1:]]
        words = sum(any(map(str.isalpha, cell)) for cell in cells)
        if name and len(set(cells)) == len(cells) > 2 and all(cells) and words > len(cells) / 2:
            return column
    return None


def _rows(table: Table, draw: random.Random) -> Iterator[Row]:
    """Ask some questions of a table, each on the part of it that fits."""
    key = _key(table)
    assert key is not None
    lookups = list(_lookups(table, key, draw))
    for question, place in draw.sample(lookups, min(PER_TABLE, len(lookups))):
        row = asked("lookup", question, table, [place], draw)
        if row is not None and not (place[0] in (1, len(table) - 1) and _is_cut(row, table)):
            yield row
    number = draw.randrange(1, len(table))
    yield from _record([table[0], table[number]], draw)


def _is_cut(row: Row, table: Table) -> bool:
    return any(table[number][0] not in row.context for number in (1, len(table) - 1))


def _record(table: Table, draw: random.Random) -> Iterator[Row]:
    """Ask of one row that is written as `column: cell` lines."""
    text, starts = written(table, "pairs")
    names = Counter(name.lower() for name in table[0])
    fit = [
        column
        for column, (name, cell) in enumerate(zip(*table, strict=True))
        if _is_name(name) and names[name.lower()] == 1 and cell
    ]
    for column in draw.sample(fit, min(2, len(fit))):
        question = _filled(draw.choice(RECORD), column=table[0][column].lower())
        yield Row("record:pairs", question, text, ((table[1][column], starts[1, column]),))


def _is_name(name: str) -> bool:
    return any(map(str.isalpha, name)) and len(name.split()) <= 4


def _lookups(table: Table, key: int, draw: random.Random) -> Iterator[_Lookup]:
    """Yield questions for a table's cells: by row, by value, by order."""
    header = table[0]
    names = {"key": header[key].lower()}
    for number, row in enumerate(table[1:], start=1):
        names["row"] = row[key]
        for column, cell in enumerate(row):
            if column == key or not cell or not _is_name(header[column]):
                continue
            names["column"], names["cell"] = header[column].lower(), cell
            pattern = draw.choice(_patterns(names["column"], draw))
            yield _Lookup(_filled(pattern, **names), (number, column))
            if sum(each[column] == cell for each in table) == 1 and draw.random() < 0.5:
                yield _Lookup(_filled(draw.choice(BY_VALUE), **names), (number, key))
        if draw.random() < 0.3 and number + 1 < len(table):
            yield _Lookup(_filled(draw.choice(AFTER), **names), (number + 1, key))
        if draw.random() < 0.3 and number > 1:
            yield _Lookup(_filled(draw.choice(BEFORE), **names), (number - 1, key))
    yield _Lookup(_filled(draw.choice(FIRST), **names), (1, key))
    yield _Lookup(_filled(draw.choice(LAST), **names), (len(table) - 1, key))


def _patterns(column: str, draw: random.Random) -> tuple[str, ...]:
    """Return the patterns for a column: those of its kind for half the questions."""
    for names, patterns in OF_A_KIND:
        if names.search(column) and draw.random() < 0.5:
            return patterns
    return OF_A_ROW


def _filled(pattern: str, **names: str) -> str:
    question = pattern.format(**names)
    return question[0].upper() + question[1:]


def _lacking(tables: list[Table], draw: random.Random) -> Iterator[Row]:
    """Ask each table twice for a row or a column of another."""
    for table in tables:
        other = draw.choice(tables)
        key, theirs = _key(table), _key(other)
        assert key is not None and theirs is not None
        number = draw.randrange(1, len(table))
        column = draw.choice([c for c in range(len(table[0])) if c != key] or [key])
        shown = asked("lookup-lacking", "", table, [(number, key)], draw)
        stranger = draw.choice(other[1:])[theirs]
        strange = draw.choice(other[0]).lower()
        if shown is None or stranger in shown.context or not _is_name(strange):
            continue
        known = table[0][column].lower()
        for question, absent in (
            (_filled(draw.choice(OF_A_ROW), column=known, row=stranger), True),
            (
                _filled(draw.choice(OF_A_ROW), column=strange, row=table[number][key]),
                strange not in shown.context.lower(),
            ),
        ):
            if absent and known:
                yield Row(shown.id, question, shown.context)


if __name__ == "__main__":
    main()
