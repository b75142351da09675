"""Other libraries, run on the passages of an index, and what was found, as it is printed."""

import json
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import headwater
from benchmarks.document_data import Question
from headwater.evaluation.index_evaluator import RANKS
from headwater.metrics.qa import squad_v2

READER = Path(headwater.__file__).parent / "assets" / "reader"


class Found(NamedTuple):
    """For each question the rank of the first hit, and the seconds of the processor for all."""

    name: str
    ranks: Sequence[int | None]
    seconds: float


def show(found: Found) -> None:
    """Print recall, MRR and the time of a query."""
    ranks = found.ranks
    print(f"\n{found.name}")
    for k in RANKS:
        share = sum(rank is not None and rank <= k for rank in ranks) / len(ranks)
        print(f"recall@{k:<3} {share:.3f}")
    print(f"MRR        {sum(1 / rank for rank in ranks if rank) / len(ranks):.3f}")
    print(f"query      {1000 * found.seconds / len(ranks):.2f} ms", flush=True)


def show_answers(name: str, exact: float, f1: float, seconds: float) -> None:
    """Print how right answers are, and the processor's time of one with its search."""
    print(
        f"\n{name}: exact {exact:.1f}, F1 {f1:.1f}, {1000 * seconds:.0f} ms an answer", flush=True
    )


def found_by(
    name: str, index: Path, questions: Sequence[Question], peers: Path, folder: Path
) -> None:
    """Let another library search the passages of an index, and print what it finds.

    Args:
        folder: for what it is given and what it finds.
    """
    python = peers / name / "bin" / "python"
    if not python.exists():
        print(f"\n{name}: no {python}")
        return
    with closing(sqlite3.connect(index)) as connection:
        rows = connection.execute(
            "SELECT path, text FROM passages JOIN files ON files.id = file ORDER BY passages.id"
        ).fetchall()
    given = {
        "passages": [text for _, text in rows],
        "questions": [each.text for each in questions],
        "model": str(READER),
    }
    (folder / "task.json").write_text(json.dumps(given), encoding="utf-8")
    script = Path(__file__).with_name("document_peers.py")
    subprocess.run([python, script, name, folder], check=True)
    result = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    found = [[rows[number] for number in numbers] for numbers in result["found"]]
    ranks = [each.rank(passages) for each, passages in zip(questions, found, strict=True)]
    show(Found(name, ranks, result["seconds"]))
    if "answers" in result:
        golds = {str(number): each.answers for number, each in enumerate(questions)}
        scores = squad_v2(golds, dict(zip(golds, result["answers"], strict=True)))
        seconds = (result["seconds"] + result["reading"]) / len(questions)
        show_answers(name, scores["exact"], scores["f1"], seconds)
