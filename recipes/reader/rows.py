"""Questions on texts as the scripts here collect them, and their file in SQuAD 2.0's format."""

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.files import replace_file

QA = Path("../shared/data/qa")
LONGEST = 1600  # characters of a context: about one window of the reader


@dataclass(frozen=True)
class Row:
    """A question on a context. Answers are (text, first character); none: the context lacks it."""

    id: str
    question: str
    context: str
    answers: tuple[tuple[str, int], ...] = ()
    title: str = ""


def read_json(path: str) -> Any:
    """Read a JSON file of the data at hand, compressed or not."""
    file = QA / path
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as text:
        return json.load(text)


def read_lines(path: str) -> Iterator[Any]:
    """Read a file with a JSON object in each line."""
    file = QA / path
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def squad_rows(path: str) -> Iterator[Row]:
    """Read a file in SQuAD's format."""
    for article in read_json(path)["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield Row(
                    str(question["id"]),
                    clean(question["question"]),
                    paragraph["context"],
                    tuple((each["text"], each["answer_start"]) for each in question["answers"])
                    if not question.get("is_impossible")
                    else (),
                    article.get("title", ""),
                )


def clean(question: str) -> str:
    """Undo the Penn Treebank's quotation marks and brackets."""
    for old, new in (("``", '"'), ("''", '"'), ("-lrb-", "("), ("-rrb-", ")")):
        question = question.replace(old, new)
    return question.strip()


def same(text: str) -> str:
    """Return what makes two texts the same: letters and digits, in lower case."""
    return re.sub(r"[\W_]+", "", text.lower())


def write_rows(file: Path, rows: Iterable[Row]) -> int:
    """Write rows in SQuAD 2.0's format and return how many there are."""
    contexts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    count = 0
    for row in rows:
        answers = [{"text": text, "answer_start": start} for text, start in row.answers]
        for text, start in row.answers:
            assert row.context[start : start + len(text)] == text, (row.id, text)
        entry = {"id": row.id, "question": row.question, "answers": answers}
        contexts.setdefault((row.title, row.context), []).append(
            entry | {"is_impossible": not answers}
        )
        count += 1
    titles: dict[str, list[dict[str, Any]]] = {}
    for (title, context), questions in contexts.items():
        titles.setdefault(title, []).append({"context": context, "qas": questions})
    data = [{"title": title, "paragraphs": paragraphs} for title, paragraphs in titles.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, json.dumps({"version": "v2.0", "data": data}, ensure_ascii=False))
    return count
