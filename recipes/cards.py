"""Measure the bundled models, look for their tests in what they learned from, and fill their cards.

    python recipes/cards.py              all
    python recipes/cards.py tagger       one or more of reader, writer, tagger, sentiment

From the root of the project, with the training files of the recipes in place (docs/reader.md). What
is in runs/cards/NAME/SET is not measured again: delete it after a model has changed. A card's parts
between `<!-- scores: recipes/cards.py -->` and `<!-- end -->` are written here, and no other.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from verbs import chosen, headwater

from headwater.errors import UserError
from headwater.files import read_text, replace_file
from headwater.sharing import measured
from headwater.tasks.names import task as find_task

DATA, ASSETS, RUNS = Path("../shared/data"), Path("src/headwater/assets"), Path("runs")
READER = RUNS / "reader"


class Set(NamedTuple):
    """What a model is measured on."""

    title: str
    task: str
    file: Path


SETS: Mapping[str, Sequence[Set]] = {
    "reader": (
        Set("SQuAD v1.1 dev", "squad", DATA / "qa/squad_v1.1/dev-v1.1.json"),
        Set(
            "SQuAD v2.0 dev, first 12 articles",
            "squad_v2",
            DATA / "qa/squad_v2.0/dev-v2.0.first12articles.json",
        ),
        Set("cells of unseen tables", "squad", READER / "cells.json"),
    ),
    "writer": (Set("SQuAD v1.1 dev", "squad", DATA / "qa/squad_v1.1/dev-v1.1.json"),),
    "tagger": (
        Set("WNUT-17 test", "wnut17", DATA / "ner/wnut17/emerging.test.annotated"),
        Set("WNUT-17 dev", "wnut17", DATA / "ner/wnut17/emerging.dev.conll"),
        Set("Broad Twitter test (F)", "btc", DATA / "ner/btc/f.conll"),
        Set("Broad Twitter dev (H)", "btc", DATA / "ner/btc/h.conll"),
    ),
    "sentiment": (Set("SST-2 dev", "sst2", DATA / "glue/SST-2/dev.tsv"),),
}
OF_THE_READER = (
    *(READER / f"{name}.json" for name in ("people", "lacking", "again", "made")),
    *(READER / f"{name}.json" for name in ("tables", "tables-lacking")),
    *(READER / f"{name}.json" for name in ("lookups", "lookups-lacking")),
    DATA / "qa/squad_v1.1/train-v1.1.first44articles.json",
    DATA / "qa/squadshifts/new_wiki_v1.0.json",
    DATA / "qa/qed_nq/train.json",
    DATA / "qa/qamr/dev.json",
    DATA / "text/wikipedia_passages_cc_by_sa",
    DATA / "text/openstax_cc_by",
)
TRAINED: Mapping[str, Sequence[Path]] = {
    "reader": OF_THE_READER,
    "writer": (
        *OF_THE_READER,
        DATA / "text/world_factbook_public_domain",
        DATA / "qa/squad_v1.1_train_sample/train-v1.1.14articles.json.gz",
        DATA / "qa/squad_v1.1_train_sample/train-v1.1.sample.json.gz",
        DATA / "qa/tydiqa_goldp_en/english_tydiqa_train.json.gz",
    ),
    "tagger": (
        DATA / "ner/wnut17/wnut17train.conll",
        *(DATA / f"ner/btc/{part}.conll" for part in "abeg"),
    ),
    "sentiment": (DATA / "glue/SST-2/train.tsv",),
}
"""By model, the files that it learned from, before any were dropped for their overlap."""


def evaluation(name: str, each: Set) -> Path:
    """Measure a model on a set once, and return the folder."""
    folder = RUNS / "cards" / name / each.title
    if not (folder / "metrics.json").exists():
        given = ("--model", name, "--task", each.task, "--data", each.file)
        headwater("evaluate", *given, "--output", folder)
    return folder


def overlap(name: str, each: Set) -> Path:
    """Look for a set in the training text once, and return the file."""
    folder = RUNS / "cards" / name / each.title
    file = folder / "overlap.json"
    if not file.exists():
        said = folder / find_task(each.task).prediction_file.name
        given = ("--test", each.file, "--task", each.task, "--predictions", said, "--json")
        replace_file(file, headwater("overlap", *TRAINED[name], *given))
    return file


PARTS: Mapping[str, Callable[[Sequence[Path]], Iterator[str]]] = {
    "scores": measured.scores,
    "calibration": measured.calibration,
    "overlap": measured.overlap,
}


def filled(card: Path, files: Mapping[str, Sequence[Path]]) -> str:
    """Return a card's text with its parts written anew.

    Args:
        files: of each part what it is written from.
    """
    text = read_text(card)
    for part, found in files.items():
        begin = f"<!-- {part}: recipes/cards.py -->"
        lines = "\n".join(PARTS[part](found)).strip()
        block = re.compile(f"{re.escape(begin)}\n.*?<!-- end -->", re.DOTALL)
        if not block.search(text):
            raise UserError(f"{card}: no line {begin}, with <!-- end --> after it")
        text = block.sub(lambda _, new=f"{begin}\n{lines}\n<!-- end -->": new, text)
    return text


def main() -> None:
    """Measure and fill each of the named models' cards."""
    for name in chosen("Measure the bundled models and fill their cards.", SETS):
        folders = [evaluation(name, each) for each in SETS[name]]
        overlaps = [overlap(name, each) for each in SETS[name]]
        card = ASSETS / name / "README.md"
        found = {"scores": folders, "calibration": folders, "overlap": overlaps}
        replace_file(card, filled(card, found))
        print(card)


if __name__ == "__main__":
    main()
