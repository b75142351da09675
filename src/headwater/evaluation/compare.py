"""Comparing two systems, or the seeds of two, on one task or several: do they differ?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from headwater.errors import UserError
from headwater.evaluation.paired import Difference, changes, difference
from headwater.evaluation.systems import Predicted, TestSet, predicted, sources, test_sets
from headwater.inference.loading import Loading
from headwater.metrics.items import ItemSums
from headwater.metrics.resampling import LEVEL, holm
from headwater.metrics.totals import Array
from headwater.paths import real

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Contrast:
    """An item on which the systems differ: what is right, and what the first run of each says.

    change: by how much our prediction instead of theirs lifts their score, in points.
    """

    id: str
    change: float
    input: str
    golds: tuple[str, ...]
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """Both systems on one task.

    metrics: by name, the main one first.
    p: of the main metric, for all tasks together (Holm).
    wins, losses, ties: items of the main metric.
    contrasts: those that differ most.
    """

    task: str
    examples: int
    metrics: dict[str, Difference]
    p: float
    wins: int
    losses: int
    ties: int
    contrasts: tuple[Contrast, ...]

    @property
    def different(self) -> bool:
        """Whether the systems differ by the main metric."""
        return self.p < LEVEL


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on all tasks; `ours` and `theirs` are the names of their runs."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    tasks: tuple[TaskComparison, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        tasks = [asdict(each) | {"different": each.different} for each in self.tasks]
        return {"ours": list(self.ours), "theirs": list(self.theirs), "tasks": tasks}


def compare(
    ours: str,
    theirs: str,
    tasks: Sequence[str] = (),
    data: Sequence[Path] = (),
    **loading: Unpack[Loading],
) -> Comparison:
    """Compare two systems item by item.

    Args:
        ours, theirs: see `systems`.
        tasks, data: as `evaluate` takes them; empty: those of our first run's recipe.
        loading: see `loaded.load`.
    """
    names = sources(ours), sources(theirs)
    paths = [{real(Path(name)): name for name in side} for side in names]
    if both := paths[0].keys() & paths[1].keys():
        raise UserError(f"{paths[0][both.pop()]}: compared with itself; give two runs")
    sets = test_sets(tasks, data, names[0][0])
    said = [[predicted(name, sets, **loading) for name in side] for side in names]
    found = [
        _on_task(each, *([run[number] for run in side] for side in said))
        for number, each in enumerate(sets)
    ]
    together = holm([each.p for each in found])
    adjusted = (replace(each, p=p) for each, p in zip(found, together, strict=True))
    return Comparison(tuple(names[0]), tuple(names[1]), tuple(adjusted))


def _on_task(test: TestSet, ours: list[Predicted], theirs: list[Predicted]) -> TaskComparison:
    main, names = test.task.main_metric, ours[0].items.keys()
    if main not in names:
        raise UserError(f"task {test.task.name}: {main} cannot be compared item by item")

    def items(side: list[Predicted], name: str) -> list[ItemSums]:
        return [run.items[name] for run in side]

    metrics = {
        name: difference(items(ours, name), items(theirs, name))
        for name in dict.fromkeys((main, *names))
    }
    moved = changes(items(ours, main), items(theirs, main))
    return TaskComparison(
        *(test.task.name, len(test.examples), metrics, metrics[main].p),
        *(int((moved > 0).sum()), int((moved < 0).sum()), int((moved == 0).sum())),
        contrasts=_contrasts(test, ours[0], theirs[0], moved),
    )


def _contrasts(
    test: TestSet, ours: Predicted, theirs: Predicted, moved: Array
) -> tuple[Contrast, ...]:
    """Return the items that differ most; of a group of examples, which has no texts, its id."""
    examples = {each.id: each for each in test.examples}
    golds, ids = test.task.golds(test.examples), ours.items[test.task.main_metric].ids
    most = np.argsort(-np.abs(moved).round(9), kind="stable")[:SHOWN]
    return tuple(
        Contrast(
            *((id := ids[index]), float(moved[index])),
            test.task.to_text(examples[id]).inputs if id in examples else "",
            tuple(golds.get(id, ())),
            *(ours.texts.get(id, ""), theirs.texts.get(id, "")),
        )
        for index in most.tolist()
        if moved[index]
    )
