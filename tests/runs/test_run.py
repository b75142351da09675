"""What a run saves with its model."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headwater.runs import run as runs
from headwater.runs.recipe import Recipe


@dataclass
class Learned:
    name: str
    kind: str
    threshold: float
    metric_names: tuple[str, ...] = ()

    def saved(self, recipe: Recipe, setup: Any) -> dict[str, Any]:
        return {"task": self.name, "no_answer_threshold": self.threshold}


def test_of_several_span_tasks_the_one_that_names_the_model_gives_the_threshold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: dict[str, Any] = {}
    monkeypatch.setattr(runs, "save_model", lambda *given, **named: found.update(named["extra"]))
    values = {"model": "body", "task": "squad_v2", "data": {"train": ["x"]}}
    setup: Any = SimpleNamespace(
        new_parameters=(), model=None, adaptation=None, vocabulary=None, generation={}
    )
    learned: Any = [
        Learned("rte", "sequence", 0.0),
        Learned("squad_v2", "span", 1.5),
        Learned("own", "span", 2.5),
    ]
    runs.Run(Recipe.check(values, "test"), learned, setup).save_model(Path("folder"))
    assert found == {"task": "squad_v2", "no_answer_threshold": 1.5}
