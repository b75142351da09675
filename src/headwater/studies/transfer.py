"""Study `transfer`: what is pre-training worth, beside how many labelled examples?

The claim of the whole field (Radford et al. 2018; Devlin et al. 2019; Howard and Ruder 2018): a
model that has read raw text predicts better, learns sooner and needs fewer labelled examples.

    score
      |        ______ pre-trained
      |   ____/   ___
      |  /     __/     random start
      | /  ___/
      +------------------- labelled examples
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.studies import full, quick
from headwater.studies.study import T5_COLUMNS, Cell, Claim, Place, Published, Result, Study
from headwater.training.log import read_log

PRETRAINED, RANDOM = "pre-trained", "random start"
QUICK_SIZES = (25, 50, 100, 200, 400, 800)
FULL_SIZES = (100, 300, 1000, 3000, 10000, 30000)
STEPS, SECONDS = "steps to the score", "seconds to the score"
Point = tuple[float, int, float]
"""A score on the validation data, and the step and the seconds at which it was measured."""


def cells(place: Place) -> list[Cell]:
    """Each start with each number of labelled examples, three seeds."""
    return _quick(place) if place.budget == "quick" else _full(place)


def _quick(place: Place) -> list[Cell]:
    found = []
    for seed in place.seeds:
        body = quick.body(place, "bert", seed)
        for size in QUICK_SIZES:
            for setting, start in ((PRETRAINED, body), (RANDOM, None)):
                begin = {} if start else quick.random_start(place, "bert")
                name = f"{setting.split()[0]}-{size}"
                run = quick.adapted(
                    place, name, "kind", seed, start, most=size, training=_OFTEN, **begin
                )
                measure = quick.measure(place, "kind")
                found.append(Cell(setting, f"{size:,}", seed, run, measure))
    return found


_OFTEN = {"eval_steps": 10}


def _full(place: Place) -> list[Cell]:
    found = []
    data, body = full.task(place, "sst2"), full.model(place, "bert")
    training: dict[str, Any] = {"steps": 1500, "eval_steps": 100, "early_stopping_patience": 8}
    training["learning_rate"] = full.rate(place, body)
    for seed in place.seeds:
        for size in FULL_SIZES:
            for setting, begin in (
                (PRETRAINED, {"model": body}),
                (RANDOM, full.random_like(body)),
            ):
                name = f"{setting.split()[0]}-{size}"
                run = full.adapted(place, name, data, seed, most=size, training=training, **begin)
                found.append(Cell(setting, f"{size:,}", seed, run, data.measure))
    return found


def time_to_score(place: Place, results: Sequence[Result]) -> Iterable[Result]:
    """Yield when each run with the most examples first reached the best score of its random start.

    Scores are on the validation data; the random start is that of the same seed, which reaches its
    own best by definition. A run that never gets there counts with all steps of the budget, though
    early stopping may have ended it before, and with the seconds that they would have taken.

    Raises:
        UserError: a run's log is not there any more.
    """
    last = results[-1].column
    runs = {(c.setting, c.seed): c.run for c in cells(place) if c.column == last}
    points = {key: _points(Path(place.run(run.name)) / "log.jsonl") for key, run in runs.items()}
    for each in results:
        if each.column == last:
            goal = max(score for score, _, _ in points[RANDOM, each.seed])
            run = runs[each.setting, each.seed]
            budget = int(run.recipe["training"]["steps"])
            step, seconds = _reached(points[each.setting, each.seed], goal, budget)
            yield replace(each, column=STEPS, value=float(step))
            yield replace(each, column=SECONDS, value=seconds)


def _reached(points: Sequence[Point], goal: float, budget: int) -> tuple[int, float]:
    """Return the step and the seconds of the first score that is high enough."""
    for score, step, seconds in points:
        if score >= goal:
            return step, seconds
    _, ended, took = points[-1]
    return budget, took * budget / ended


def _points(log: Path) -> list[Point]:
    """Return score, step and seconds of each evaluation."""
    found = [_point(line) for line in read_log(log) if "evaluation" in line]
    if not found:
        raise UserError(f"{log}: holds no evaluation; the study needs its runs' logs to the end")
    return found


def _point(line: dict[str, object]) -> Point:
    metrics = line["evaluation"]
    assert isinstance(metrics, dict)
    return next(iter(metrics.values())), int(str(line["step"])), float(str(line["seconds"]))


_CLAIMS = (
    Claim("better predictions at the fewest examples", PRETRAINED, RANDOM, ("{few}",)),
    Claim("better predictions at the most examples", PRETRAINED, RANDOM, ("{many}",)),
    Claim("fewer steps to the random start's best score", PRETRAINED, RANDOM, (STEPS,), True),
    Claim("less training time to that score", PRETRAINED, RANDOM, (SECONDS,), True),
)


def _claims(sizes: Sequence[int]) -> list[Claim]:
    ends = {"{few}": f"{sizes[0]:,}", "{many}": f"{sizes[-1]:,}"}
    return [
        replace(each, columns=tuple(ends.get(column, column) for column in each.columns))
        for each in _CLAIMS
    ]


TRANSFER = Study(
    name="transfer",
    across="labelled examples",
    asks="what is pre-training worth, beside how many labelled examples?",
    setup={
        "quick": "A BERT of two layers, 64 wide, is pre-trained by masked language modeling on a "
        "made-up language (docs/studies.md), one body for each seed, and adapted to say of which "
        "of four kinds a noun is; the same network begins from random weights. Columns: how many "
        "labelled examples. Both train for 200 steps of 16 examples, the best weights are chosen "
        "on 200 validation examples, accuracy in percent is over 600 test examples. Random "
        "guessing gives 25. Time is what it takes with the most examples, without the "
        "pre-training, to the best validation score of the random start of the same seed; a run "
        "that never gets there counts with all 200 steps.",
        "full": "The BERT given by --model is adapted to SST-2, beside a network of its sizes from "
        "random weights. Columns: how many labelled examples, drawn by the seed. Both train for "
        "1,500 steps of 32 examples at 1e-4, or until the tenth of the data held out no longer "
        "gains for 800: a tenth of the whole training file, whatever the column, so that its "
        "labels help even where few are trained on. Accuracy in percent on the official dev set. "
        "Time is what it takes with the most examples, without the pre-training, to the best "
        "validation score of the random start of the same seed; a run that never gets there counts "
        "with all steps of the budget.",
    },
    prepare=quick.prepare,
    cells=cells,
    claims={"quick": _claims(QUICK_SIZES), "full": _claims(FULL_SIZES)},
    published=(
        Published(
            "Raffel et al. 2020, table 1: T5 of the base size, pre-trained and not.",
            T5_COLUMNS,
            {
                "pre-trained": (83.28, 19.24, 80.88, 71.36, 26.98, 39.82, 27.65),
                "no pre-training": (66.22, 17.60, 50.31, 53.04, 25.86, 39.77, 24.04),
            },
        ),
        Published(
            "Howard and Ruder 2018, abstract: with 100 labelled examples, pre-training matches "
            "training from scratch on 100 times more data."
        ),
    ),
    derive=time_to_score,
)
