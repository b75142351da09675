"""Collect the questions that people wrote, with an answer and without, from all sets at hand.

    python recipes/reader/people.py runs/reader

writes `people.json` (with an answer), `lacking.json` (without), `again.json` (those of SQuAD that
the reader of 0.1.0 was not trained on, to be read a second time) and `validation.json`, on which
settings are chosen: whole articles of SQuAD's training part with all their questions, of both
kinds.
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from rows import LONGEST, QA, Row, clean, read_lines, same, squad_rows, write_rows

ANSWER = 80  # characters of an answer
VALIDATION = {"14articles": 5}  # none that the reader of 0.1.0 was trained on
SQUAD = {
    "first44": "squad_v1.1/train-v1.1.first44articles.json",
    "14articles": "squad_v1.1_train_sample/train-v1.1.14articles.json.gz",
    "new_wiki": "squadshifts/new_wiki_v1.0.json",
    "sample": "squad_v1.1_train_sample/train-v1.1.sample.json.gz",
    "first11": "squad_v2.0_train/train-v2.0.first11articles.json.gz",
    "sample3000": "squad_v2.0_train/train-v2.0.sample3000.json.gz",
    "pairs-dev": "unansq/squad_format/dev.json.gz",
    "pairs-44": "unansq/squad_format/train.first44articles.json.gz",
    "pairs-14": "unansq/squad_format/train.14articles.json.gz",
    "pairs-sample": "unansq/squad_format/train.sample_contexts.json.gz",
}
NEW = SQUAD.keys() - {"first44", "new_wiki"}  # to the reader of 0.1.0
OTHERS = {
    "tydi": "tydiqa_goldp_en/english_tydiqa_train.json.gz",
    "tydi-dev": "tydiqa_goldp_en/english_tydiqa_dev.json.gz",
    "qed": "qed_nq/train.json",
    "quoref": "quoref_contrast/quoref_test_perturbations_20191206_merged.json.gz",
    "quoref-original": "quoref_contrast/quoref_original_subset_20191206_merged.json.gz",
}


def main() -> None:
    """Read everything, split, count, write."""
    parser = argparse.ArgumentParser(description="Collect the questions that people wrote.")
    parser.add_argument("folder", type=Path, help="where the files are written")
    folder = parser.parse_args().folder
    held = _held_articles()
    squad = list(_once(_squad()))
    held_contexts = {same(row.context) for row in squad if row.title in held}
    validation = [row for row in squad if same(row.context) in held_contexts]
    rest = [row for row in squad if same(row.context) not in held_contexts]
    rows = list(_fitting(_once([*rest, *_others()])))
    for name, chosen in (
        ("people", [row for row in rows if row.answers]),
        ("lacking", [row for row in rows if not row.answers]),
        ("again", [replace(row, id=f"{row.id}:again") for row in rows if _new(row)]),
        ("validation", list(_fitting(validation))),
    ):
        count = write_rows(folder / f"{name}.json", chosen)
        sets = Counter(row.id.partition(":")[0] for row in chosen)
        print(name, count, dict(sets), sum(not row.answers for row in chosen), "without an answer")


def _new(row: Row) -> bool:
    return row.id.partition(":")[0] in NEW


def _held_articles() -> set[str]:
    held: set[str] = set()
    for name, number in VALIDATION.items():
        titles = sorted({row.title for row in squad_rows(SQUAD[name])})
        held.update(random.Random(0).sample(titles, number))
    return held


def _squad() -> Iterator[Row]:
    for name, path in SQUAD.items():
        for row in squad_rows(path):
            yield Row(f"{name}:{row.id}", row.question, row.context, row.answers, row.title)


def _others() -> Iterator[Row]:
    overlap = (QA / "tydiqa_goldp_en/overlap_train.txt").read_text(encoding="utf-8")
    left_out = {line.split("\t")[0] for line in overlap.splitlines()}
    for name, path in OTHERS.items():
        for row in squad_rows(path):
            answers = tuple((text, start) for text, start in row.answers if text.strip())
            exact = all(row.context[start : start + len(text)] == text for text, start in answers)
            single = len(answers) == 1 or not name.startswith("quoref")
            if row.id not in left_out and answers and exact and single:
                yield Row(f"{name}:{row.id}", row.question, row.context, answers, row.title)
    for item in read_lines("nq_null/nq_null.jsonl.gz"):
        if not (item["in_qed_dev"] or item["in_shared_closed_book_dev"] or item["answerable"]):
            yield Row(f"nq:{item['id']}", clean(item["question"]), item["context"])
    for item in read_lines("repliqa/repliqa.jsonl.gz"):
        if not item["answerable"]:
            part = _part(item["context"], item["question"])
            yield Row(f"repliqa:{item['id']}", clean(item["question"]), part)


def _part(document: str, question: str) -> str:
    """Return the part of a long document that shares most words with the question."""
    asked = set(question.lower().split())
    pieces = [""]
    for paragraph in document.split("\n"):
        if len(pieces[-1]) + len(paragraph) > LONGEST * 0.7:
            pieces.append("")
        pieces[-1] = f"{pieces[-1]}\n{paragraph}".strip()
    return max(pieces, key=lambda piece: len(asked & set(piece.lower().split())))[:LONGEST]


def _fitting(rows: Iterable[Row]) -> Iterator[Row]:
    """Leave out long contexts, and long answers where there are others."""
    for row in rows:
        short = tuple((text, start) for text, start in row.answers if len(text) <= ANSWER)
        if len(row.context) <= LONGEST and bool(short) == bool(row.answers):
            yield replace(row, answers=short)


def _once(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield each question on a context once, the first time."""
    seen: set[tuple[str, str, bool]] = set()
    for row in rows:
        key = (same(row.context), same(row.question), bool(row.answers))
        if key not in seen:
            seen.add(key)
            yield row


if __name__ == "__main__":
    main()
