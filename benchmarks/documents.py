"""How often an index finds the paragraph that answers, how fast, how large it is, and its answers.

    python benchmarks/documents.py --data dev-v1.1.json --distractors DATA/text/*/*.jsonl.gz

The paragraphs of the data, in SQuAD's format, stand among passages of other texts. A hit is a
passage of the question's own paragraph that holds one of its answers. `recall@k` is the share of
questions with a hit among the first k, MRR the mean of 1 / rank of the first hit. Times are of the
processor. With `--model` the questions are answered too, and the times of that are of the clock.
"""

import argparse
import gzip
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from headwater.documents.asking import Asking
from headwater.documents.index import Index, open_index
from headwater.documents.update import build
from headwater.evaluation.index_evaluator import ask_all, measured
from headwater.evaluation.index_questions import LabelledQuestion
from headwater.inference.loaded import load

RANKS = (1, 5, 10, 50)


def gold(data: Path, folder: Path, titles: bool) -> list[tuple[str, str, list[str]]]:
    """Write each paragraph into a file, and return questions, their file, and their answers."""
    questions = []
    number = 0
    for article in json.loads(data.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            number += 1
            row = {"title": article["title"].replace("_", " "), "text": paragraph["context"]}
            file = folder / f"p{number}.{'jsonl' if titles else 'txt'}"
            file.write_text(json.dumps(row) if titles else row["text"], encoding="utf-8")
            for question in paragraph["qas"]:
                answers = [answer["text"] for answer in question["answers"]]
                questions.append((question["question"], str(file), answers))
    return questions


def distractors(files: Sequence[Path], count: int, folder: Path, titles: bool) -> None:
    """Write paragraphs of other texts, drawn by a fixed seed, into one file."""
    found = [row for file in files for row in _paragraphs(file)]
    chosen = random.Random(0).sample(found, min(count, len(found)))
    with (folder / "distractors.jsonl").open("w", encoding="utf-8") as out:
        for row in chosen:
            out.write(json.dumps(row if titles else {"text": row["text"]}) + "\n")


def _paragraphs(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            for text in row["text"].split("\n\n"):
                if 60 <= len(text.split()) <= 300:
                    yield {"title": str(row.get("title", "")), "text": text}


def measure(index: Index, questions: Sequence[tuple[str, str, list[str]]]) -> None:
    """Print recall, MRR and the time of a query."""
    ranks = []
    begin = time.process_time()
    for question, file, answers in questions:
        hits = index.search(question, max(RANKS))
        right = (
            rank
            for rank, hit in enumerate(hits, 1)
            if hit.file == file and any(answer in hit.text for answer in answers)
        )
        ranks.append(next(right, None))
    taken = time.process_time() - begin
    for k in RANKS:
        share = sum(rank is not None and rank <= k for rank in ranks) / len(ranks)
        print(f"recall@{k:<3} {share:.3f}")
    print(f"MRR        {sum(1 / rank for rank in ranks if rank) / len(ranks):.3f}")
    print(f"query      {1000 * taken / len(ranks):.1f} ms")


def answer(
    index: Index, questions: Sequence[tuple[str, str, list[str]]], model: str, asking: Asking
) -> None:
    """Print how right the answers of a model are, and the time of one."""
    labelled = [
        LabelledQuestion(str(number), question, tuple(answers), file)
        for number, (question, file, answers) in enumerate(questions)
    ]
    metrics = measured(ask_all(index, load(model), labelled, asking))
    for name in ("exact", "f1", "calibration_error", "ms_p50", "ms_p99"):
        print(f"{name:17}  {metrics[name]:.1f}")


def main() -> None:
    """Build an index in a temporary folder, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="SQuAD's format")
    parser.add_argument("--distractors", type=Path, nargs="*", default=[], help=".jsonl.gz")
    parser.add_argument("--count", type=int, default=20_000, help="how many distractors")
    parser.add_argument("--questions", type=int, default=None, help="only so many, drawn")
    parser.add_argument("--vectors", help="a model whose vectors find passages too")
    parser.add_argument("--engine", help="sqlite, tantivy or a URL of PostgreSQL")
    parser.add_argument("--model", help="answers the questions too")
    parser.add_argument("--read", type=int, default=5, help="passages that it reads")
    parser.add_argument("--rank-weight", type=float, help="how much the search's order counts")
    parser.add_argument("--titles", action="store_true", help="each paragraph under its title")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "documents"
        folder.mkdir()
        questions = gold(options.data, folder, options.titles)
        distractors(options.distractors, options.count, folder, options.titles)
        if options.questions is not None:
            questions = random.Random(0).sample(questions, options.questions)
        given = {"vectors": options.vectors, "engine": options.engine}
        build([folder], Path(name) / "x.index", **given)
        with open_index(Path(name) / "x.index") as index:
            summary = index.summary()
            print(f"questions  {len(questions):,}")
            print(f"passages   {summary.passages:,}")
            print(f"size       {summary.size / summary.characters:.2f} bytes a character")
            measure(index, questions)
            if options.model:
                asking = Asking(read=options.read, rank_weight=options.rank_weight)
                answer(index, questions, options.model, asking)


if __name__ == "__main__":
    main()
