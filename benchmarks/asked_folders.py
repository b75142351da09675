"""Folders that are asked: read whole, and by a temporary index; how right, and how long.

    python -m benchmarks.asked_folders --data dev-v1.1.json --articles 25
    python -m benchmarks.asked_folders --texts openstax-00-of-02.jsonl.gz --sizes 5000 20000

With `--data` a folder holds an article of SQuAD, five paragraphs a file, and is asked four of its
questions. With `--texts` folders of some sizes are asked one question. Times are of the processor,
of this process and those that it starts, without loading the bundled reader.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.document_data import rows_of
from benchmarks.million_passages import processor
from headwater.commands.documents import GLOBS, FolderTexts
from headwater.documents.temporary import ask_folder
from headwater.inference.answer import Answer
from headwater.inference.loaded import LoadedModel, load
from headwater.metrics.qa import exact_match, f1

QUESTION = "What is the unit of force?"


class Asked(NamedTuple):
    """The answer, and the seconds that it took."""

    text: str
    seconds: float


def timed(ask: Callable[[], list[Answer]]) -> Asked:
    """Ask, and measure."""
    before = processor()
    text = ask()[0].text
    return Asked(text, processor() - before)


def both(reader: LoadedModel, folder: Path, question: str) -> tuple[Asked, Asked]:
    """Read a folder whole, and ask it by a temporary index."""
    return (
        timed(lambda: reader.answer(question, FolderTexts(folder))),
        timed(lambda: ask_folder(folder, GLOBS, question, reader).answers),
    )


def articles(reader: LoadedModel, data: Path, count: int) -> None:
    """Print exact match, F1 and the mean seconds of both on questions of some articles."""
    rng = random.Random(0)
    found = json.loads(data.read_text(encoding="utf-8"))["data"]
    pairs, golds = [], []
    for article in rng.sample(found, len(found))[:count]:
        texts = [paragraph["context"] for paragraph in article["paragraphs"]]
        asked = [each for paragraph in article["paragraphs"] for each in paragraph["qas"]]
        with _folder("\n\n".join(texts[at : at + 5]) for at in range(0, len(texts), 5)) as folder:
            for each in rng.sample(asked, 4):
                pairs.append(both(reader, Path(folder), each["question"]))
                golds.append([answer["text"] for answer in each["answers"]])
    for name, answers in zip(("whole", "indexed"), zip(*pairs, strict=True), strict=True):
        exact, score = (
            _mean(
                [max(each(a.text, gold) for gold in g) for a, g in zip(answers, golds, strict=True)]
            )
            for each in (exact_match, f1)
        )
        seconds = _mean([answer.seconds for answer in answers])
        print(f"{name:8} EM {100 * exact:.1f}  F1 {100 * score:.1f}  {seconds:.2f} s a question")


def sizes(reader: LoadedModel, texts: Path, given: Sequence[int]) -> None:
    """Print the seconds of both on folders of some sizes, in files of 40,000 characters."""
    found = [row["text"] for row in rows_of([texts])]
    random.Random(0).shuffle(found)
    joined = "\n\n".join(found)
    for size in given:
        with _folder(
            joined[at : min(size, at + 40_000)] for at in range(0, size, 40_000)
        ) as folder:
            whole, indexed = both(reader, Path(folder), QUESTION)
        print(f"{size:>9,} whole {whole.seconds:.2f} s  indexed {indexed.seconds:.2f} s")


def _folder(texts: Iterator[str]) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()
    for number, text in enumerate(texts):
        Path(folder.name, f"{number}.txt").write_text(text, encoding="utf-8")
    return folder


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="SQuAD's format")
    parser.add_argument("--articles", type=int, default=25, help="how many, drawn")
    parser.add_argument("--texts", type=Path, help=".jsonl.gz of texts")
    parser.add_argument("--sizes", type=int, nargs="*", default=[5_000, 20_000, 100_000])
    options = parser.parse_args()
    reader = load("reader", "cpu")
    reader.answer(QUESTION, "It is the newton.")  # what is done once
    if options.data is not None:
        articles(reader, options.data, options.articles)
    if options.texts is not None:
        sizes(reader, options.texts, options.sizes)


if __name__ == "__main__":
    main()
