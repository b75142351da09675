"""Questions whose paragraphs stand among those of other texts, as files for an index."""

import gzip
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Question(NamedTuple):
    """A question, the file of its paragraph, and its answers."""

    text: str
    file: str
    answers: tuple[str, ...]

    def rank(self, found: Iterable[tuple[str, str]]) -> int | None:
        """Return the rank of the first hit among passages, each given by its file and text."""
        right = (
            rank
            for rank, (file, text) in enumerate(found, 1)
            if file == self.file and any(answer in text for answer in self.answers)
        )
        return next(right, None)


def questions_of(data: Path, folder: Path, titles: bool) -> list[Question]:
    """Write each paragraph of SQuAD's format into a file, and return the questions."""
    questions = []
    number = 0
    for article in json.loads(data.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            number += 1
            row = {"title": article["title"].replace("_", " "), "text": paragraph["context"]}
            file = folder / f"p{number}.{'jsonl' if titles else 'txt'}"
            file.write_text(json.dumps(row) if titles else row["text"], encoding="utf-8")
            for each in paragraph["qas"]:
                answers = tuple(answer["text"] for answer in each["answers"])
                questions.append(Question(each["question"], str(file), answers))
    return questions


def write_distractors(files: Sequence[Path], count: int, folder: Path, titles: bool) -> None:
    """Write paragraphs of other texts, drawn by a fixed seed, into one file."""
    rows = drawn_paragraphs(files, count)
    write_rows(
        folder / "distractors.jsonl", rows if titles else ({"text": r["text"]} for r in rows)
    )


def write_rows(file: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write rows, one a line."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)


def drawn_paragraphs(files: Sequence[Path], count: int) -> list[dict[str, str]]:
    """Return paragraphs of .jsonl.gz files, `title` and `text`, drawn by a fixed seed."""
    found = list(_paragraphs(files))
    return random.Random(0).sample(found, min(count, len(found)))


def rows_of(files: Iterable[Path]) -> Iterator[dict[str, str]]:
    """Yield the rows of .jsonl.gz files."""
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _paragraphs(files: Iterable[Path]) -> Iterator[dict[str, str]]:
    for row in rows_of(files):
        for text in row["text"].split("\n\n"):
            if 60 <= len(text.split()) <= 300:
                yield {"title": str(row.get("title", "")), "text": text}
