"""The same calls say the same as in transformers 4.57, over the same random weights.

What is said there was recorded (see record.py). Answers to questions are scored otherwise here, and
what a T5 writes is compared in tests/models: of these the shapes are compared. docs/pipelines.md
has all differences.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from headwater.pipelines.pipeline import pipeline
from tiny_tasks import Model

HERE = Path(__file__).parent
SAID = json.loads((HERE / "transformers-4.57.json").read_text(encoding="utf-8"))["said"]


def calls() -> dict[str, Any]:
    """Return the calls of record.py, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("record", HERE / "record.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.CALLS)


CALLS = calls()


def check(ours: Any, theirs: Any, *, values: bool, where: str) -> None:
    """Compare what was said: keys, texts and order exactly, numbers to 1e-5."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), where
        for key in theirs:
            check(ours[key], theirs[key], values=values, where=f"{where}.{key}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list) and len(ours) == len(theirs), where
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            check(*pair, values=values, where=f"{where}[{number}]")
    elif not values:
        assert type(ours) is type(theirs), where
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, abs=1e-5), where
    else:
        assert ours == theirs, where


@pytest.mark.parametrize("name", CALLS)
def test_says_the_same(tiny_model: Model, name: str) -> None:
    task, model, options, given, changes = CALLS[name]
    found = pipeline(task, tiny_model(model), **options)(*given, **changes)
    check(found, SAID[name], values=model not in ("reader", "t5"), where=name)
