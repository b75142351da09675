"""The loop: exact resume, stopping well, refusing what would spoil a run."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headwater.errors import UserError
from headwater.signals import exit_code
from headwater.training.hooks import Outcome
from headwater.training.trainer import Trainer
from toy_training import (
    ToyFeatures,
    ToyHooks,
    ToyModel,
    toy_config,
    toy_evaluate,
    toy_run,
    toy_trainer,
)


class Crash(Exception):
    """Stands for the power going."""


class Counting(ToyFeatures):
    """Does something when the n-th feature is read."""

    def __init__(self, number: int, action: Callable[[], None]) -> None:
        super().__init__()
        self._left = number
        self._action = action

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        self._left -= 1
        if self._left == 0:
            self._action()
        return super().__getitem__(row)


def crash() -> None:
    raise Crash


def log_of(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if "seconds" not in k} for line in lines]


def result(folder: Path) -> tuple[Any, ...]:
    newest = folder / "state" / (folder / "state" / "latest").read_text().strip()
    files = ("model.safetensors", "optimizer.safetensors")
    weights = tuple((newest / name).read_bytes() for name in files)
    return *weights, (folder / "model" / "weights.bin").read_bytes(), log_of(folder)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    return folder, toy_run(folder)


def test_a_run_trains_and_leaves_what_it_should(unbroken: tuple[Path, Outcome]) -> None:
    folder, outcome = unbroken
    assert (outcome.reason, outcome.step, outcome.total, exit_code(outcome.reason)) == (
        "finished",
        60,
        60,
        0,
    )
    lines = log_of(folder)
    training = [line for line in lines if "loss" in line]
    assert [line["step"] for line in training] == list(range(3, 61, 3))
    assert training[-1]["loss"] < 0.5 * training[0]["loss"]
    needed = {"step", "loss", "learning_rate", "gradient_norm", "tokens", "padding"}
    assert all(needed <= set(line) for line in training)
    evaluations = [line["step"] for line in lines if "evaluation" in line]
    assert evaluations == [*range(7, 61, 7), 60]
    epochs = [line for line in lines if "epoch" in line]
    assert [line["step"] for line in epochs] == [*range(8, 61, 8), 60]
    assert [line["examples"] for line in epochs] == [120] * 7 + [56]
    assert epochs[0]["tokens"] == int(ToyFeatures().lengths.sum())
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((folder / "state").glob("step-*"))) == 2


def test_the_model_written_is_the_best_one(unbroken: tuple[Path, Outcome]) -> None:
    folder, outcome = unbroken
    scores = {n["step"]: n["evaluation"]["score"] for n in log_of(folder) if "evaluation" in n}
    assert outcome.best_value == max(scores.values())
    assert scores[outcome.best_step or 0] == outcome.best_value
    assert outcome.best_step != 60
    model = ToyModel()
    size = sum(value.numel() for value in model.state_dict().values())
    values = np.fromfile(folder / "model" / "weights.bin", dtype=np.float32)
    assert len(values) == size
    trainer = toy_trainer(folder, model=model)
    trainer._states.load_best(outcome.best_step or 0, model)
    flat = torch.cat([value.flatten() for value in model.state_dict().values()])
    assert np.array_equal(values, flat.numpy())


@pytest.mark.parametrize("rows", [1, 16 * 6, 16 * 7, 16 * 10 + 3, 16 * 33, 16 * 54])
def test_a_crash_then_resume_gives_the_same_bits(
    rows: int, tmp_path: Path, unbroken: tuple[Path, Outcome]
) -> None:
    with pytest.raises(Crash):
        toy_trainer(tmp_path / "run", features=Counting(rows, crash)).run()
    with pytest.raises(Crash):  # and once more, on the way
        toy_trainer(tmp_path / "run", features=Counting(16 * 4, crash)).run(resume=True)
    outcome = toy_run(tmp_path / "run", resume=True)
    assert outcome == unbroken[1]
    assert result(tmp_path / "run") == result(unbroken[0])


def test_copies_beside_the_states_are_left_alone(
    tmp_path: Path, unbroken: tuple[Path, Outcome]
) -> None:
    with pytest.raises(Crash):
        toy_trainer(tmp_path / "run", features=Counting(16 * 33, crash)).run()
    [state, *_] = sorted((tmp_path / "run" / "state").glob("step-*"))
    copy = state.with_name(f"{state.name} (copy)")
    shutil.copytree(state, copy)
    (state.parent / "step-foo").write_text("mine")
    assert toy_run(tmp_path / "run", resume=True) == unbroken[1]
    assert copy.is_dir() and (state.parent / "step-foo").read_text() == "mine"


@pytest.mark.parametrize(
    ("number", "reason", "code"), [(signal.SIGTERM, "sigterm", 143), (signal.SIGINT, "sigint", 130)]
)
def test_a_signal_saves_and_the_run_continues_to_the_bit(
    number: int, reason: str, code: int, tmp_path: Path, unbroken: tuple[Path, Outcome]
) -> None:
    before = signal.getsignal(number)
    features = Counting(16 * 17, lambda: os.kill(os.getpid(), number))
    outcome = toy_trainer(tmp_path / "run", features=features).run()
    assert (outcome.reason, exit_code(outcome.reason)) == (reason, code)
    # 15 features remain of each epoch's 120 for its 8th step: 17 x 16 are passed in step 18.
    assert outcome.step == 18
    assert (tmp_path / "run" / "state" / "latest").read_text() == "step-00000018\n"
    assert (tmp_path / "run" / "model" / "weights.bin").exists()
    assert signal.getsignal(number) == before
    assert toy_run(tmp_path / "run", resume=True) == unbroken[1]
    assert result(tmp_path / "run") == result(unbroken[0])


@pytest.mark.parametrize("at", [1, 5, 9])
def test_a_signal_breaks_off_an_evaluation_which_is_made_again(
    at: int, tmp_path: Path, unbroken: tuple[Path, Outcome]
) -> None:
    calls = 0

    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("not broken off")
        return toy_evaluate(model)

    outcome = toy_trainer(tmp_path / "run", evaluate=evaluate).run()
    assert (outcome.reason, outcome.step) == ("sigterm", min(60, 7 * at))
    assert toy_run(tmp_path / "run", resume=True) == unbroken[1]
    assert result(tmp_path / "run") == result(unbroken[0])


def test_a_time_limit_stops_and_does_not_shape_the_schedule(tmp_path: Path) -> None:
    toy_run(tmp_path / "whole", steps=9)
    folder = tmp_path / "run"
    for step in range(1, 9):  # however short the limit, a session takes a step
        outcome = toy_run(folder, resume=step > 1, steps=9, time_limit_minutes=1e-9)
        assert (outcome.reason, outcome.step, exit_code(outcome.reason)) == ("time_limit", step, 0)
        assert (folder / "curves.png").exists()
    outcome = toy_run(folder, resume=True, steps=9, time_limit_minutes=1e-9)
    assert (outcome.reason, outcome.step) == ("finished", 9)
    assert result(folder) == result(tmp_path / "whole")


def test_epochs_set_the_number_of_steps(tmp_path: Path) -> None:
    config = {"steps": None, "eval_steps": None, "learning_rate": 0.001}
    assert toy_run(tmp_path / "a", **config, epochs=1.5).total == 12
    evaluations = [line["step"] for line in log_of(tmp_path / "a") if "evaluation" in line]
    assert evaluations == [8, 12]


def test_early_stop_counts_evaluations_without_gain(tmp_path: Path) -> None:
    def falling(model: torch.nn.Module) -> dict[str, float]:
        falling.value -= 1.0  # type: ignore[attr-defined]
        return {"score": falling.value}  # type: ignore[attr-defined]

    falling.value = 10.0  # type: ignore[attr-defined]
    config = toy_config(early_stopping_patience=2, eval_steps=5)
    outcome = toy_trainer(tmp_path / "run", config, evaluate=falling).run()
    assert (outcome.reason, outcome.step, outcome.best_step) == ("early_stop", 15, 5)
    again = toy_trainer(tmp_path / "run", config, evaluate=falling).run(resume=True)
    assert again.already_finished
    assert again.step == 15


def test_the_best_can_be_the_lowest_of_a_named_metric(tmp_path: Path) -> None:
    outcome = toy_run(tmp_path / "run", metric_for_best_model="sum", best_is="lowest")
    sums = [line["evaluation"]["sum"] for line in log_of(tmp_path / "run") if "evaluation" in line]
    assert outcome.best_value == min(sums)
    with pytest.raises(UserError, match=r"metric_for_best_model 'f1'.*score, sum"):
        toy_run(tmp_path / "other", metric_for_best_model="f1")


def test_a_finished_run_is_left_alone(
    unbroken: tuple[Path, Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    folder, outcome = unbroken
    files = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    again = toy_run(folder, resume=True)
    assert again.already_finished
    assert again.step == outcome.step
    assert "already ended" in caplog.text
    assert files == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_with_a_run_is_not_started_over(unbroken: tuple[Path, Outcome]) -> None:
    with pytest.raises(UserError, match=r"already holds a run.*--resume"):
        toy_run(unbroken[0])


def test_resuming_nothing_starts_from_the_beginning(
    tmp_path: Path, unbroken: tuple[Path, Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    toy_run(tmp_path / "run", resume=True)
    assert "from the beginning" in caplog.text
    assert result(tmp_path / "run") == result(unbroken[0])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"steps": 70}, "training.steps was 60, is now 70"),
        ({"learning_rate": 0.5}, "training.learning_rate was 0.01, is now 0.5"),
        (
            {"gradient_accumulation_steps": 1},
            "training.gradient_accumulation_steps was 2, is now 1",
        ),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_changed_recipe_is_refused(
    change: dict[str, Any], named: str, finished: bool, tmp_path: Path
) -> None:
    if finished:
        toy_run(tmp_path / "run")
    else:
        with pytest.raises(Crash):
            toy_trainer(tmp_path / "run", features=Counting(16 * 20, crash)).run()
    with pytest.raises(UserError, match=named):
        toy_run(tmp_path / "run", resume=True, **change)


def test_changed_data_and_vocabulary_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Crash):
        toy_trainer(tmp_path / "run", features=Counting(16 * 20, crash)).run()
    other = ToyFeatures()
    other.fingerprint = "toy-2"
    with pytest.raises(UserError, match=r"data\.features was 'toy-1', is now 'toy-2'"):
        toy_trainer(tmp_path / "run", features=other).run(resume=True)
    with pytest.raises(UserError, match="vocabulary was 'v1', is now 'v2'"):
        toy_trainer(tmp_path / "run", identity={"vocabulary": "v2"}).run(resume=True)
    identity = {"vocabulary": "v1", "recipe": "x"}
    with pytest.raises(UserError, match="recipe was not set, is now 'x'"):
        toy_trainer(tmp_path / "run", identity=identity).run(resume=True)


def test_a_loss_that_is_not_finite_stops_and_spares_the_saved_state(tmp_path: Path) -> None:
    class Breaking(ToyModel):
        def loss_sums(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            sums = super().loss_sums(batch)
            breaking = self.training and self.steps == 0
            self.steps -= 1
            return {
                name: value * float("nan") if breaking else value for name, value in sums.items()
            }

    torch.manual_seed(1)
    model = Breaking()
    model.steps = 2 * 12 - 1  # micro-batches before it; the 8th step has one alone
    with pytest.raises(UserError, match=r"step 13: the loss \(word = nan, kind = nan\)"):
        toy_trainer(tmp_path / "run", model=model).run()
    state = tmp_path / "run" / "state"
    assert (state / "latest").read_text() == "step-00000010\n"
    assert log_of(tmp_path / "run")[-1]["step"] == 12
    # What was saved is good: the run goes on from it.
    assert toy_run(tmp_path / "run", resume=True).reason == "finished"


def test_a_run_that_failed_at_once_does_not_block_its_folder(tmp_path: Path) -> None:
    model = ToyModel()
    with torch.no_grad():
        model.kind.bias.fill_(float("inf"))
    with pytest.raises(UserError, match=r"step 1: .*kind\.bias"):
        toy_trainer(tmp_path / "run", model=model).run()
    assert toy_run(tmp_path / "run").reason == "finished"


def test_only_our_own_leftovers_are_swept_from_the_run_folder(tmp_path: Path) -> None:
    users = [".bashrc.old", ".notes.tmp", ".model.old", ".modeling.x.old", "model.a.old"]
    ours = [".config.toml.abc.tmp", ".log.jsonl.abc.tmp", ".curves.png.abc.tmp"]
    for name in (*users, *ours):
        (tmp_path / name).write_text("x")
    for name in (".model.abc.tmp", ".model.abc.old"):
        (tmp_path / name).mkdir()
    toy_run(tmp_path, steps=1)
    left = {item.name for item in tmp_path.iterdir() if item.name not in ("log.jsonl", "model")}
    assert left == {*users, "state", "config.toml", "curves.png"}


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_run_in_the_folder_is_refused(resume: bool, tmp_path: Path) -> None:
    def second() -> None:
        with pytest.raises(UserError, match="another process is training in this folder"):
            toy_run(tmp_path / "run", resume=resume, steps=3)
        refused.append(True)

    refused: list[bool] = []
    config = toy_config(steps=3)
    toy_trainer(tmp_path / "run", config, features=Counting(1, second)).run()
    assert refused == [True]


@pytest.mark.parametrize(
    "settings",
    [{"eval_steps": 5}, {"metric_for_best_model": "f1"}, {"early_stopping_patience": 2}],
    ids=str,
)
def test_evaluations_without_anything_to_evaluate_on_are_refused(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    config = toy_config(**{"eval_steps": None, **settings})
    with pytest.raises(UserError, match=rf"training\.{next(iter(settings))}.*data\.validation"):
        toy_trainer(tmp_path / "run", config, evaluate=None)
    toy_trainer(tmp_path / "run", toy_config(eval_steps=None, steps=1), evaluate=None).run()


def test_what_describes_a_run_is_written_when_it_begins(tmp_path: Path) -> None:
    calls = []

    class Noting(ToyHooks):
        def on_begin(self, folder: Path) -> None:
            calls.append(rows)

    def begin(rows: int | None = None) -> Trainer:
        model = ToyModel()
        features = ToyFeatures() if rows is None else Counting(rows, crash)
        config, folder = toy_config(steps=6), tmp_path / "run"
        return Trainer(model, features, config, folder, pad_id=0, hooks=Noting(model))

    for rows, resume in ((1, False), (2, True), (16 * 5 + 3, False)):
        with pytest.raises(Crash):
            begin(rows).run(resume)
    assert calls == [1, 2, 83]
    begin().run(resume=True)
    assert calls == [1, 2, 83]  # continued
    with pytest.raises(UserError, match="already holds"):
        begin(7).run()
    assert calls == [1, 2, 83]


def test_no_features_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to train on"):
        toy_trainer(tmp_path / "run", features=ToyFeatures(rows=0))


def test_learning_rate_zero_and_a_flat_loss_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Same(ToyFeatures):
        def __getitem__(self, row: int) -> dict[str, np.ndarray]:
            return super().__getitem__(0)

    config = toy_config(learning_rate=0.0, steps=9)
    toy_trainer(tmp_path / "run", config, features=Same(), model=ToyModel(dropout=0.0)).run()
    said = caplog.text
    assert "learning rate is 0" in said
    assert "did not fall" in said


def test_deterministic_kernels_only_while_training(tmp_path: Path) -> None:
    seen = []

    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        seen.append((torch.are_deterministic_algorithms_enabled(), model.training))
        seen.append((torch.is_grad_enabled(), False))
        return {"score": 0.0}

    toy_trainer(tmp_path / "run", toy_config(steps=3), evaluate=evaluate).run()
    assert seen == [(True, False), (False, False)]
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_each_optimizer_and_precision_resumes_to_the_bit(
    optimizer: str, precision: str, tmp_path: Path
) -> None:
    changes = {"optimizer": optimizer, "precision": precision, "steps": 20}
    torch.manual_seed(0)
    whole, first, second = (ToyModel(width=160) for _ in range(3))
    for model in (first, second):
        model.load_state_dict(whole.state_dict())
    toy_trainer(tmp_path / "whole", toy_config(**changes), model=whole).run()
    with pytest.raises(Crash):
        toy_trainer(
            tmp_path / "b", toy_config(**changes), model=first, features=Counting(200, crash)
        ).run()
    toy_trainer(tmp_path / "b", toy_config(**changes), model=second).run(resume=True)
    assert result(tmp_path / "b") == result(tmp_path / "whole")
