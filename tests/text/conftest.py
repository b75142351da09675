"""The 20,000 real lines on which every vocabulary must give the ids of its reference."""

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest


def _gzip_lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
        yield from (line.rstrip("\n") for line in lines)


def _book_lines(data: Path) -> Iterator[str]:
    for record in _gzip_lines(data / "text/books_public_domain/books-03-of-17.jsonl.gz"):
        yield from json.loads(record)["text"].split("\n")


def _contexts(data: Path) -> Iterator[str]:
    for name in ("dev-v1.1", "train-v1.1.first44articles"):
        content = json.loads((data / f"qa/squad_v1.1/{name}.json").read_text(encoding="utf-8"))
        for article in content["data"]:
            yield from (paragraph["context"] for paragraph in article["paragraphs"])


def _web_lines(data: Path) -> Iterator[str]:
    """Lines of uncleaned web pages, those with something outside ASCII only."""
    for record in _gzip_lines(data / "raw_web/wet_like.jsonl.gz"):
        yield from (line for line in json.loads(record)["text"].split("\n") if not line.isascii())


@pytest.fixture(scope="session")
def real_lines(shared: Path) -> list[str]:
    """Books, SQuAD contexts, German and French captions, raw web pages: 20,000 distinct lines."""
    data = shared / "data"
    captions = data / "translation/multi30k"
    sources = [
        (_contexts(data), 4_000),
        (_gzip_lines(captions / "train.de.gz"), 3_000),
        (_gzip_lines(captions / "train.fr.gz"), 3_000),
        (_web_lines(data), 6_000),
        (_book_lines(data), 4_000),
    ]
    lines: dict[str, None] = {}
    for source, count in sources:
        new = (line for line in dict.fromkeys(source) if line.strip() and line not in lines)
        lines.update(dict.fromkeys(itertools.islice(new, count)))
    assert len(lines) == 20_000
    return list(lines)
