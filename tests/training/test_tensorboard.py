"""What TensorBoard shows of a run is what the log says of it, also after a break."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from toy_training import ToyFeatures, toy_config, toy_run, toy_trainer

TRAINING = ("loss", "learning_rate", "gradient_norm")
EVALUATION = ("evaluation/score", "evaluation/sum", "losses/word", "losses/kind")


class Crash(Exception):
    """Stands for the power going."""


class Failing(ToyFeatures):
    """Crashes when the n-th feature is read."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._left = number

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        self._left -= 1
        if self._left == 0:
            raise Crash
        return super().__getitem__(row)


def shown(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The steps and values that TensorBoard itself reads, by tag."""
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def logged(folder: Path, tag: str) -> list[tuple[int, float]]:
    """The steps and values of one number in the log, as precise as an event file keeps them."""
    group, _, name = tag.rpartition("/")
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()
    ]
    if group in ("", "epoch"):
        numbers = [(line["step"], line) for line in lines if ("epoch" in line) == bool(group)]
    else:
        numbers = [(line["step"], line.get(group, {})) for line in lines]
    return [(step, float(np.float32(line[name]))) for step, line in numbers if name in line]


def test_the_event_files_hold_what_the_log_holds(tmp_path: Path) -> None:
    toy_run(tmp_path / "run", tensorboard=True)
    scalars = shown(tmp_path / "run")
    for tag in (*TRAINING, *EVALUATION):
        assert scalars[tag] == logged(tmp_path / "run", tag), tag
    assert [step for step, _ in scalars["loss"]] == list(range(3, 61, 3))
    assert [step for step, _ in scalars["evaluation/score"]] == [*range(7, 61, 7), 60]
    assert dict(scalars["learning_rate"])[60] == pytest.approx(0, abs=1e-3)
    for tag in ("padding", "epoch/padding"):
        assert scalars[tag] == logged(tmp_path / "run", tag), tag


def test_after_a_crash_no_step_is_shown_twice(tmp_path: Path) -> None:
    config = toy_config(tensorboard=True)
    rows = 16 * 14 - 8  # of 14 steps; the 8th has only 8
    with pytest.raises(Crash):  # in step 15: 12 and the evaluation of 14 are shown, 10 is saved
        toy_trainer(tmp_path / "run", config, features=Failing(rows + 1)).run()
    broken = shown(tmp_path / "run")
    assert broken["loss"][-1][0] == 12
    assert broken["evaluation/score"][-1][0] == 14
    toy_trainer(tmp_path / "run", config).run(resume=True)
    scalars = shown(tmp_path / "run")
    for tag in (*TRAINING, *EVALUATION):
        assert scalars[tag] == logged(tmp_path / "run", tag), tag
    assert [step for step, _ in scalars["loss"]] == list(range(3, 61, 3))


def test_a_run_that_does_not_ask_for_it_writes_no_events(tmp_path: Path) -> None:
    toy_run(tmp_path / "run")
    assert not (tmp_path / "run" / "tensorboard").exists()
