"""Collect questions whose answer is one cell of a table, written as people keep tables in files.

    python recipes/reader/tables.py runs/reader [QUESTIONS]

writes `tables.json` and `tables-lacking.json` (the question is asked of another table) for
training, from WikiTableQuestions' and SQA's training parts, AIT-QA and TAT-QA; and `cells.json`,
500 questions of WikiTableQuestions' pristine unseen tables (seed 0), for measuring. A table is
written row by row: in Markdown, with commas, with tabs, or each row as `header: cell` pairs.
"""

import argparse
import ast
import csv
import gzip
import io
import random
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rows import QA, Row, read_json, read_lines, same, write_rows

WORDS = 400  # of a table that is measured; of one for training fewer, so that it is one window
TRAINED = 180
LEANING = re.compile(
    r"^(and|or|but|so|out of|of) |"
    r"\b(it|its|they|them|their|these|those|this|that one|he|his|she|her|him|one|ones|same|others?|"
    r"next|remaining|also|else)\b"
)
Table = list[list[str]]  # the header first
Place = tuple[int, int]


def main() -> None:
    """Read the sets, write each question with its table in one of the forms."""
    parser = argparse.ArgumentParser(description="Collect questions on tables.")
    parser.add_argument("folder", type=Path, help="where the files are written")
    parser.add_argument("questions", type=int, nargs="?", help="for training, drawn (all)")
    options = parser.parse_args()
    folder = options.folder
    draw = random.Random(0)
    rows = [*_wikitable("training", draw), *_sqa(draw), *_ait(draw), *_tat(draw)]
    unique = list({(same(r.context), same(r.question)): r for r in rows}.values())
    unique = draw.sample(unique, options.questions or len(unique))
    print("tables", write_rows(folder / "tables.json", unique), _sets(unique))
    lacking = list(_elsewhere(unique, draw))
    print("tables-lacking", write_rows(folder / "tables-lacking.json", lacking))
    cells = list(_wikitable("pristine-unseen-tables", random.Random(0), WORDS, any_place=True))
    chosen = random.Random(0).sample(cells, 500)
    print("cells", write_rows(folder / "cells.json", chosen), "of", len(cells))


def written(table: Table, form: str) -> tuple[str, dict[Place, int]]:
    """Write a table row by row; also say where each cell's text begins."""
    starts: dict[Place, int] = {}
    text = io.StringIO()
    header = table[0]
    for number, cells in enumerate(table):
        if form == "pairs":
            if number == 0:
                continue
            for column, cell in enumerate(cells):
                text.write(f"{header[column]}: ")
                starts[number, column] = text.tell()
                text.write(cell + "\n")
            text.write("\n")
            continue
        opening, between, closing = {
            "markdown": ("| ", " | ", " |\n"),
            "commas": ("", ",", "\n"),
            "tabs": ("", "\t", "\n"),
        }[form]
        text.write(opening)
        for column, cell in enumerate(cells):
            if column:
                text.write(between)
            quoted = form == "commas" and any(mark in cell for mark in ',"')
            text.write('"' if quoted else "")
            starts[number, column] = text.tell()
            text.write(cell.replace('"', '""') if quoted else cell)
            text.write('"' if quoted else "")
        text.write(closing)
        if form == "markdown" and number == 0:
            text.write("|" + " --- |" * len(cells) + "\n")
    return text.getvalue(), starts


FORMS = ("markdown", "commas", "tabs", "pairs")


def asked(
    name: str,
    question: str,
    table: Table,
    places: Sequence[Place],
    draw: random.Random,
    most: int = TRAINED,
) -> Row | None:
    """Write a question on as much of its table as fits; None where an answer is no whole text."""
    kept, moved = _cut(table, places, draw, most)
    form = draw.choices(FORMS, (4, 3, 2, 1))[0]
    text, starts = written(kept, form)
    answers = []
    for row, column in moved:
        cell, start = kept[row][column], starts[row, column]
        if text[start : start + len(cell)] != cell or not cell:
            return None
        answers.append((cell, start))
    return Row(f"{name}:{form}", question, text, tuple(answers), name.partition(":")[0])


def _cut(
    table: Table, places: Sequence[Place], draw: random.Random, most: int
) -> tuple[Table, list[Place]]:
    """Keep rows around the answers until they are too many words, the header always."""
    header, sizes = table[0], [sum(len(cell.split()) + 1 for cell in row) for row in table]
    first, last = min(row for row, _ in places), max(row for row, _ in places)
    total = sizes[0] + sum(sizes[first : last + 1])
    while True:
        sides = [s for s in ((first - 1) * (first > 1), (last + 1) * (last + 1 < len(table))) if s]
        sides = [s for s in sides if total + sizes[s] <= most]
        if not sides:
            break
        side = draw.choice(sides)
        total += sizes[side]
        first, last = min(first, side), max(last, side)
    kept = [header, *table[first : last + 1]]
    return kept, [(row - first + 1, column) for row, column in places]


def _wikitable(
    part: str, draw: random.Random, most: int = TRAINED, *, any_place: bool = False
) -> Iterator[Row]:
    """Yield the questions with one answer that is a whole cell.

    Args:
        most: the most words of a table.
        any_place: take only whole tables, and every cell of that text as an answer.
    """
    tables = wiki_tables()
    file = QA / f"wikitablequestions/data/{part}.tsv.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in list(lines)[1:]:
            identity, question, context, target = line.rstrip("\n").split("\t")
            if "|" in target:
                continue
            table = tables[context.removesuffix(".csv").removeprefix("csv/")]
            places = _places(table, _unescape(target))
            words = sum(len(cell.split()) for row in table for cell in row)
            if not places or (any_place and words > most) or (not any_place and len(places) > 2):
                continue
            if not any_place and len(places) == 2 and not _one_column(places):
                continue
            row = asked(
                f"wtq:{identity}", question, table, places, draw, 10**6 if any_place else most
            )
            if row is not None:
                yield row


def _one_column(places: Sequence[Place]) -> bool:
    return places[0][1] == places[1][1]


def _places(table: Table, text: str) -> list[Place]:
    wanted = same(text)
    return [
        (number, column)
        for number, row in enumerate(table)
        for column, cell in enumerate(row)
        if number and wanted and same(cell) == wanted
    ]


def wiki_tables() -> dict[str, Table]:
    """Read WikiTableQuestions' tables, by the names that its questions use."""
    tables = {}
    with tarfile.open(QA / "wikitablequestions/csv-tables-tsv.tar.gz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                lines = content.read().decode("utf-8").splitlines()
                rows = [[_unescape(cell) for cell in line.split("\t")] for line in lines if line]
                name = member.name.removesuffix(".tsv").removeprefix("csv/")
                tables[name] = _even(rows)
    return tables


def _unescape(cell: str) -> str:
    one_line = cell.replace("\\n", " ").replace("\\p", "/").replace("\\\\", "\\")
    return " ".join(one_line.split())


def _even(rows: Table) -> Table:
    width = len(rows[0])
    return [(row + [""] * width)[:width] for row in rows]


def _sqa(draw: random.Random) -> Iterator[Row]:
    """Yield the questions that stand alone and ask for one cell."""
    tables = {}
    with tarfile.open(QA / "sqa/table_csv.tar.gz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                lines = io.StringIO(content.read().decode("utf-8"))
                tables[member.name] = _even(
                    [[_unescape(cell) for cell in row] for row in csv.reader(lines)]
                )
    with gzip.open(QA / "sqa/train.tsv.gz", "rt", encoding="utf-8") as lines:
        for item in csv.DictReader(lines, delimiter="\t"):
            places = [
                ast.literal_eval(each) for each in ast.literal_eval(item["answer_coordinates"])
            ]
            leans = item["position"] != "0" and LEANING.search(item["question"].lower())
            if len(places) == 1 and not leans and places[0][0] >= 0:
                [(number, column)] = places
                name = f"sqa:{item['id']}-{item['annotator']}-{item['position']}"
                table = tables[item["table_file"]]
                row = asked(name, item["question"], table, [(number + 1, column)], draw)
                if row is not None:
                    yield row


def _ait(draw: random.Random) -> Iterator[Row]:
    tables = {}
    for item in read_lines("ait_qa/aitqa_tables.jsonl"):
        names = [" ".join(map(str, parts)) for parts in item["row_header"]]
        header = [" ".join(map(str, parts)) for parts in item["column_header"]]
        body = [list(map(str, row)) for row in item["data"]]
        if names:
            body = [[name, *row] for name, row in zip(names, body, strict=False)]
            header = ["", *header]
        tables[item["id"]] = _even(
            [[" ".join(cell.split()) for cell in row] for row in (header, *body)]
        )
    for item in read_lines("ait_qa/aitqa_questions.jsonl"):
        table = tables[item["table_id"]]
        places = _places(table, item["answers"][0]) if len(item["answers"]) == 1 else []
        if len(places) == 1:
            row = asked(f"ait:{item['id']}", item["question"], table, places, draw)
            if row is not None:
                yield row


def _tat(draw: random.Random) -> Iterator[Row]:
    for part in ("dev", "test_gold"):
        for item in read_json(f"tat_qa/tatqa_dataset_{part}.json.gz"):
            table = _even(
                [[" ".join(cell.split()) for cell in row] for row in item["table"]["table"]]
            )
            for question in item["questions"]:
                answer = question["answer"]
                if question["answer_type"] != "span" or question["answer_from"] == "text":
                    continue
                places = _places(table, answer[0]) if len(answer) == 1 else []
                if len(places) == 1:
                    row = asked(f"tat:{question['uid']}", question["question"], table, places, draw)
                    if row is not None:
                        yield row


def _elsewhere(rows: Sequence[Row], draw: random.Random) -> Iterator[Row]:
    """Ask every sixth question of another table: of 200, the one that has most of its words."""
    for row in rows[::6]:
        words = set(row.question.lower().split())
        others = (draw.choice(rows) for _ in range(200))
        fit = [other for other in others if _lacks(other.context, row)]
        if fit:
            best = max(
                fit, key=lambda other, words=words: len(words & set(other.context.lower().split()))
            )
            yield Row(f"{row.id}-elsewhere", row.question, best.context, (), best.title)


def _lacks(context: str, row: Row) -> bool:
    return all(same(text) not in same(context) for text, _ in row.answers)


def _sets(rows: Sequence[Row]) -> dict[str, int]:
    return dict(Counter(row.id.partition(":")[0] for row in rows))


if __name__ == "__main__":
    main()
