"""Each fault of a made-up run is found, and a good run has none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.doctor.finding import Finding
from headwater.doctor.run import check_run
from headwater.errors import UserError

Values = Callable[[int], Any]
STEPS = 40


def made(
    folder: Path,
    loss: Values = lambda step: 4 / step**0.3,
    norm: Values = lambda step: 1.0 + 0.1 * (step % 3),
    f1: Values = lambda step: 60 + step / 2 if step < 36 else 77.5,
    config: str = "",
    padding: float = 0.01,
) -> dict[str, Finding]:
    """Write a log with an evaluation after every fourth step, and return the findings."""
    lines: list[dict[str, Any]] = []
    for step in range(1, STEPS + 1):
        training = {"loss": loss(step), "gradient_norm": norm(step), "padding": padding}
        lines.append({"step": step, **training})
        if step % 4 == 0:
            lines.append({"step": step, "evaluation": {"f1": f1(step), "loss": 100 - f1(step)}})
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    (folder / "config.toml").write_text(config)
    return {each.name: each for each in check_run(folder)}


def test_a_good_run_has_no_warning(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert {name for name, each in found.items() if each.level == "warning"} == set()
    assert found["best step"].value == 36 and found["loss"].level == "fine"


@pytest.mark.parametrize(
    ("changes", "name", "key"),
    [
        ({"loss": lambda step: 2.0}, "loss", "training.learning_rate"),
        ({"loss": lambda s: None if s == 9 else 1 / s}, "loss not finite", "training.precision"),
        ({"norm": lambda s: 90.0 if s == 30 else 1.0}, "gradient norm", "training.max_grad_norm"),
        ({"norm": lambda s: None}, "gradient norm not finite", "training.precision"),
        ({"padding": 0.5}, "padding", "training.batch.tokens"),
        ({"f1": lambda s: 80 - abs(s - 12)}, "overfitting", "training.early_stopping_patience"),
        ({"f1": lambda s: 80 - abs(s - 12)}, "best step", "training.epochs or training.steps"),
        ({"f1": lambda s: 50.92}, "best step", "training.learning_rate"),
    ],
)
def test_each_fault_is_found(tmp_path: Path, changes: dict[str, Any], name: str, key: str) -> None:
    found = made(tmp_path, **changes)[name]
    assert found.level == "warning" and found.key.startswith(key)


def test_the_numbers_are_those_of_the_log(tmp_path: Path) -> None:
    found = made(tmp_path, f1=lambda s: 80 - abs(s - 12), norm=lambda s: 25.0 if s == 30 else 2.0)
    assert found["overfitting"].value == 28.0 and found["best step"].value == 12
    assert found["gradient norm"].value == 12.5 and "step 30" in found["gradient norm"].said


def test_a_loss_that_rises_goes_up(tmp_path: Path) -> None:
    found = made(tmp_path, loss=lambda step: 2.0 if step < 20 else 2.2)["loss"]
    assert found.said.endswith("from 2 to 2.2, up by 10%.") and found.value == -0.1


def test_a_loss_is_best_where_it_is_lowest(tmp_path: Path) -> None:
    config = '[training]\nmetric_for_best_model = "loss"\nbest_is = "lowest"\n'
    found = made(tmp_path, f1=lambda s: 80 - abs(s - 12), config=config)
    assert found["best step"].value == 12
    assert found["overfitting"].value == pytest.approx(140.0)


def test_an_early_best_step_that_nothing_was_lost_after_is_fine(tmp_path: Path) -> None:
    found = made(tmp_path, f1=lambda s: 60.0 if s < 8 else 75.0)["best step"]
    assert (found.level, found.value) == ("fine", 8)


def test_evaluations_that_jump_are_noise(tmp_path: Path) -> None:
    found = made(tmp_path, f1=lambda s: 70 + (s % 8))
    assert found["evaluation noise"].value == 4.0 and found["evaluation noise"].key


@pytest.mark.parametrize(("jump", "level"), [(4.0, "note"), (2.0, "fine")])
def test_jumps_are_noise_above_a_quarter_of_the_gain(
    tmp_path: Path, jump: float, level: str
) -> None:
    found = made(tmp_path, f1=lambda s: min(s, 20) / 2 + jump * (s > 20 and s % 8 == 0))
    assert found["evaluation noise"].level == level


def test_the_large_norms_of_a_new_head_are_passed_over(tmp_path: Path) -> None:
    found = made(tmp_path, norm=lambda s: 90.0 if s <= 4 else 1.0)["gradient norm"]
    assert (found.level, found.value) == ("fine", 1.0)


def test_a_run_without_steps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no training step yet"):
        list(check_run(tmp_path))


STEP = {"step": 1, "loss": 1.0, "gradient_norm": 1.0, "padding": 0.1}


@pytest.mark.parametrize(
    "line",
    [
        {"step": 2, "loss": 1.0},
        STEP | {"loss": "low"},
        STEP | {"padding": None},
        {"step": 2, "epoch": 1},
        {"step": 2, "evaluation": {}},
        {"step": 2, "evaluation": 71.0},
        {"step": 2, "evaluation": {"f1": "high"}},
        {"step": -2, "evaluation": {"f1": 1.0}},
    ],
)
def test_a_damaged_log_is_told(tmp_path: Path, line: dict[str, Any]) -> None:
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (STEP, line)))
    with pytest.raises(UserError, match=rf"log.jsonl: the line of step {line['step']} is not as"):
        list(check_run(tmp_path))


def test_evaluations_before_the_first_step(tmp_path: Path) -> None:
    scores = [{"step": 0, "evaluation": {"f1": value}} for value in (1.0, 3.0)]
    log = "".join(json.dumps(each) + "\n" for each in (STEP, *scores))
    (tmp_path / "log.jsonl").write_text(log)
    found = {each.name: each for each in check_run(tmp_path)}
    assert found["best step"].value == 0 and found["steps"].value == 1


OLD = sorted((Path(__file__).parents[1] / "fixtures" / "v0.1.0").glob("*/log.jsonl"))


@pytest.mark.parametrize("log", OLD, ids=lambda log: log.parent.name)
def test_runs_of_the_first_version_are_read(log: Path) -> None:
    assert next(check_run(log.parent)).name == "steps"
