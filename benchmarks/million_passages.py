"""How long a search takes among a million passages, by the engines of an index.

    python -m benchmarks.million_passages --texts DATA/text/*/*.jsonl.gz --data dev-v1.1.json

20,000 paragraphs are repeated, and in each copy one word of five is another one, drawn from all the
text; so words stay as frequent as they are. Seconds are of the processor, and include all threads.
"""

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.document_data import drawn_paragraphs, questions_of, write_rows
from headwater.documents.index import open_index
from headwater.documents.update import build

PARAGRAPHS = 20_000
CHANGED = 5  # one word of so many
FOUND = 50  # passages


def write_copies(files: Sequence[Path], passages: int, folder: Path) -> None:
    """Write paragraphs over and over with changed words, each copy of them into a file."""
    paragraphs = [row["text"].split() for row in drawn_paragraphs(files, PARAGRAPHS)]
    words = [word for paragraph in paragraphs for word in paragraph]
    drawn = random.Random(0)
    for copy in range(-(-passages // len(paragraphs))):
        rows = ({"text": _changed(paragraph, words, drawn)} for paragraph in paragraphs)
        write_rows(folder / f"{copy}.jsonl", rows)


def _changed(paragraph: Sequence[str], words: Sequence[str], drawn: random.Random) -> str:
    changed = list(paragraph)
    for place in range(drawn.randrange(CHANGED), len(changed), CHANGED):
        changed[place] = words[int(drawn.random() * len(words))]
    return " ".join(changed)


def measure(path: Path, questions: Sequence[str], engine: str) -> None:
    """Print the size of an index and the time of a query."""
    with open_index(path) as index:
        summary = index.summary()
        index.search(questions[0], FOUND)
        seconds = []
        for question in questions:
            begin = time.process_time()
            index.search(question, FOUND)
            seconds.append(time.process_time() - begin)
    mean, late = 1000 * np.mean(seconds), 1000 * np.percentile(seconds, 95)
    size = summary.size / summary.characters
    print(
        f"{engine}: {summary.passages:,} passages, {size:.2f} bytes a character in the SQLite file"
    )
    print(f"{engine}: {mean:.1f} ms a query, {late:.1f} at the 95th percentile", flush=True)


def processor() -> float:
    """Return the seconds of this process and of those that it waited for."""
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in each)


def main() -> None:
    """Write passages, index them, and search them by one engine after another."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help=".jsonl.gz")
    parser.add_argument("--data", type=Path, required=True, help="questions, SQuAD's format")
    parser.add_argument("--questions", type=int, default=200, help="so many, drawn")
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--engines", nargs="+", default=["sqlite", "tantivy"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        documents, unused = Path(name) / "documents", Path(name) / "unused"
        documents.mkdir()
        unused.mkdir()
        questions = [each.text for each in questions_of(options.data, unused, titles=False)]
        drawn = random.Random(0).sample(questions, options.questions)
        write_copies(options.texts, options.passages, documents)
        for engine in options.engines:
            begin = processor()
            build([documents], Path(name) / "x.index", engine=engine)
            print(f"{engine}: {processor() - begin:.0f} s to index")
            measure(Path(name) / "x.index", drawn, engine)


if __name__ == "__main__":
    main()
