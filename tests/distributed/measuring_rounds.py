"""The same model measured in one process and in three; prints the files of both, as JSON.

python measuring_rounds.py FOLDER
"""

import json
import sys
from functools import partial
from pathlib import Path

from spreading import spare, spread

import tiny
from headwater.evaluation.one_task import evaluate_files, predict_file


def main(base: Path) -> None:
    spare()
    base.mkdir(parents=True, exist_ok=True)
    model = str(tiny.reader(base / "model"))
    asked = [tiny.question(f"q{n}", f"the mill {'?' * (n % 3)}", "mill", 4) for n in range(5)]
    asked += [tiny.unanswerable(f"n{n}", "the river ?") for n in range(3)]
    data = tiny.squad_file(base / "dev.json", tiny.paragraph("the mill is the river .", *asked))

    def measure(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        given = {"device": "cpu", "precision": "fp32"}
        evaluate_files(model, "squad_v2", [data], folder / "measured", **given)
        nulls = folder / "nulls.json"
        predict_file(model, "squad_v2", data, folder / "predictions.json", nulls, **given)

    for world in (1, 3):
        folder = base / str(world)
        spread(world, partial(measure, folder), folder)
    one, three = base / "1", base / "3"
    names = sorted(str(file.relative_to(one)) for file in one.rglob("*.json"))
    found = {name: [(each / name).read_text() for each in (one, three)] for name in names}
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
