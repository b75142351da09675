"""How often an index finds the paragraph that answers, how fast, how large it is, and its answers.

    python benchmarks/documents.py --data dev-v1.1.json --distractors DATA/text/*/*.jsonl.gz

The paragraphs of the data, in SQuAD's format, stand among passages of other texts. A hit is a
passage of the question's own paragraph that holds one of its answers. `recall@k` is the share of
questions with a hit among the first k, MRR the mean of 1 / rank of the first hit. Times are of the
processor. With `--model` the questions are answered too, and the times of that are of the clock.

With `--peers DIR` other libraries search the same passages: DIR has a virtual environment for each,
of which bm25s needs bm25s and PyStemmer, tantivy tantivy, and haystack haystack-ai, transformers
and torch. haystack reads too, with the bundled reader, on `--read-questions` of the questions.
"""

import argparse
import gzip
import json
import random
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import headwater
from headwater.documents.asking import Asking
from headwater.documents.index import Index, open_index
from headwater.documents.update import build
from headwater.evaluation.index_evaluator import ask_all, measured
from headwater.evaluation.index_questions import LabelledQuestion
from headwater.inference.loaded import load
from headwater.metrics.qa import squad_v2

RANKS = (1, 5, 10, 50)
READER = Path(headwater.__file__).parent / "assets" / "reader"

Gold = tuple[str, str, list[str]]
"""A question, the file of its paragraph, and its answers."""


def gold(data: Path, folder: Path, titles: bool) -> list[Gold]:
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


def measure(index: Index, questions: Sequence[Gold]) -> None:
    """Print recall, MRR and the time of a query."""
    ranks = []
    begin = time.process_time()
    for question in questions:
        hits = index.search(question[0], max(RANKS))
        ranks.append(_rank(question, ((hit.file, hit.text) for hit in hits)))
    show("headwater", ranks, time.process_time() - begin)


def _rank(question: Gold, found: Iterable[tuple[str, str]]) -> int | None:
    """Return the rank of the first hit among passages, each with its file."""
    _, gold_file, answers = question
    right = (
        rank
        for rank, (file, text) in enumerate(found, 1)
        if file == gold_file and any(answer in text for answer in answers)
    )
    return next(right, None)


def show(name: str, ranks: Sequence[int | None], seconds: float) -> None:
    """Print recall, MRR and the time of a query."""
    print(f"\n{name}")
    for k in RANKS:
        share = sum(rank is not None and rank <= k for rank in ranks) / len(ranks)
        print(f"recall@{k:<3} {share:.3f}")
    print(f"MRR        {sum(1 / rank for rank in ranks if rank) / len(ranks):.3f}")
    print(f"query      {1000 * seconds / len(ranks):.1f} ms")


def compare(
    index: Path, questions: Sequence[Gold], peers: Path, folder: Path, read: Sequence[Gold]
) -> None:
    """Let other libraries search the passages of an index, and print what they find.

    Args:
        folder: for what they are given and what they find.
        read: the questions for one that also reads.
    """
    with closing(sqlite3.connect(index)) as connection:
        rows = connection.execute(
            "SELECT path, text FROM passages JOIN files ON files.id = file"
        ).fetchall()
    _write(folder, "passages", [text for _, text in rows])
    _write(folder, "model", str(READER))
    for name in ("bm25s", "tantivy", "haystack"):
        python = peers / name / "bin" / "python"
        if not python.exists():
            print(f"\n{name}: no {python}")
            continue
        asked = read if name == "haystack" else questions
        _write(folder, "questions", [question for question, _, _ in asked])
        subprocess.run(
            [python, Path(__file__).parent / "document_peers.py", name, folder], check=True
        )
        result = json.loads((folder / "found.json").read_text(encoding="utf-8"))
        found = [[rows[number] for number in numbers] for numbers in result["found"]]
        ranks = [_rank(*each) for each in zip(asked, found, strict=True)]
        show(name, ranks, sum(result["seconds"]))
        if "answers" in result:
            numbered = list(enumerate(zip(asked, result["answers"], strict=True)))
            golds = {str(number): gold[2] for number, (gold, _) in numbered}
            scores = squad_v2(golds, {str(number): text for number, (_, text) in numbered})
            print(f"exact, F1  {scores['exact']:.1f}, {scores['f1']:.1f}")


def _write(folder: Path, name: str, value: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")


def answer(index: Index, questions: Sequence[Gold], model: str, asking: Asking) -> None:
    """Print how right the answers of a model are, and the time of one."""
    labelled = [
        LabelledQuestion(str(number), question, tuple(answers), file)
        for number, (question, file, answers) in enumerate(questions)
    ]
    metrics = measured(ask_all(index, load(model), labelled, asking))
    for name in ("exact", "f1", "calibration_error", "ms_p50", "ms_p99"):
        print(f"{name:17}  {metrics[name]:.1f}")


def parsed() -> argparse.Namespace:
    """Return what the command line says."""
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
    parser.add_argument("--peers", type=Path, help="a folder of virtual environments")
    parser.add_argument("--read-questions", type=int, default=200, help="that haystack answers")
    return parser.parse_args()


def main() -> None:
    """Build an index in a temporary folder, and measure."""
    options = parsed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "documents"
        folder.mkdir()
        questions = gold(options.data, folder, options.titles)
        distractors(options.distractors, options.count, folder, options.titles)
        if options.questions is not None:
            questions = random.Random(0).sample(questions, options.questions)
        read = random.Random(0).sample(questions, min(options.read_questions, len(questions)))
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
                answer(index, read if options.peers else questions, options.model, asking)
        if options.peers:
            compare(Path(name) / "x.index", questions, options.peers, Path(name), read)


if __name__ == "__main__":
    main()
