"""Two processes that have not the same disk, or not the same files; prints what refuses them.

python refused_rounds.py FOLDER
"""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from equality_rounds import TRAINING, bert
from spreading import spare, spread

import tiny
from headwater.distributed.joining import joined
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.training.part_writer import PartWriter


def own(folder: Path) -> Path:
    """The folder that this process has in the place of the other's."""
    return folder / os.environ["RANK"]


def check_disk(folder: Path) -> None:
    with joined("cpu") as processes:
        own(folder).mkdir(parents=True)
        PartWriter(processes, 60).check(own(folder))


def train(folder: Path, model: str) -> None:
    file = tiny.cola(own(folder) / "cola.tsv", 24 - int(os.environ["RANK"]))
    values = {"model": model, "task": "cola", "data": {"train": [str(file)]}}
    training = TRAINING | {"eval_steps": None, "batch": {"examples": 3}, "ddp_timeout": 60}
    finetune(Recipe.check({**values, "training": training}, "test"), folder / "run")


def refused(work: Callable[[Path], None], folder: Path) -> dict[str, object]:
    try:
        spread(2, partial(work, folder), folder)
        told = ""
    except AssertionError as error:
        told = str(error)
    left = [str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()]
    return {"told": told, "left": sorted(left)}


def main(base: Path) -> None:
    spare()
    vocabulary = tiny.wordpiece(base / "words", tiny.WORDS)
    model = bert(base, vocabulary)["model"]
    disk = refused(check_disk, base / "disk")
    files = refused(partial(train, model=model), base / "files")
    print(json.dumps({"disk": disk, "files": files}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
