"""The one training loop.

    trainer = Trainer(model, features, config, folder, pad_id=0, save_model=save)
    outcome = trainer.run(resume=False)

Model and data meet here only as tensors and loss terms. Everything random is a function of
(seed, epoch, step), so what a run needs to continue to the bit is its weights, the optimizer's
moments and the few numbers of `Place`.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from headwater.data.batching import Step, collate, count_tokens
from headwater.data.convert import FeatureSet, PairSet
from headwater.data.mixture import Mixture
from headwater.data.order import step_seed
from headwater.device import choose_device, choose_precision, deterministic
from headwater.errors import UserError
from headwater.lock import LOCK, locked
from headwater.training import schedules
from headwater.training.config import TrainingConfig
from headwater.training.log import cut_log, read_log
from headwater.training.memory import megabytes, peak_memory
from headwater.training.nonfinite import bad_weight
from headwater.training.optimizers import build_optimizer, set_learning_rate
from headwater.training.plan import Plan
from headwater.training.progress import Progress, choose_progress
from headwater.training.record import Record
from headwater.training.run_folder import check_run_folder
from headwater.training.state_folder import StateFolder, sweep
from headwater.training.step import Stepper, StepResult
from headwater.training.stop import Interruption, Stop
from headwater.training.train_state import Place, RunningStatistics

Reason = Literal["finished", "early_stop", "time_limit", "sigterm", "sigint"]
Evaluate = Callable[[nn.Module], Mapping[str, float]]
BeforeStep = Callable[[nn.Module, int, int], None]
_LOCKED = (
    "another process is training in this folder; wait for it or stop it, or choose another folder"
)
_EXIT_CODES = {"sigterm": 143, "sigint": 130}
# What is written into the run folder itself, which may hold the user's own files too.
_WRITTEN = ("model", "log.jsonl", "config.toml", "curves.png")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `best_step` is set where there were evaluations.

    peak_memory: the most bytes that its process held, where the system tells.
    """

    reason: Reason
    step: int
    total: int
    best_step: int | None = None
    best_value: float | None = None
    already_finished: bool = False
    peak_memory: int | None = field(default=None, compare=False)

    @property
    def exit_code(self) -> int:
        """What the command line exits with: 143 after SIGTERM, 130 after Ctrl-C, else 0."""
        return _EXIT_CODES.get(self.reason, 0)


class Trainer:
    """Trains one model on one set of features in one run folder.

    Args:
        model: an `nn.Module` with `loss_sums(batch)` and `loss_counts(batch)`.
        features: rows of numpy features; see `data.convert.FeatureSet` and `data.mixture`.
        folder: the run folder: gets `log.jsonl`, `curves.png`, `model/` and `state/`.
        evaluate: called with the model in evaluation mode, without gradients, in the run's
            precision; returns metrics. The first, or `config.metric_for_best_model`, chooses best.
        save_model: writes the final model (the best, if evaluated) to the folder it is given.
        follow: metrics of which the highest's weights are kept besides, each by itself, written by
            `save_model` to `best/METRIC` (a `/` in its name parts folders).
        identity: what must be the same when resuming (recipe, vocabulary ...), by name. The
            features' fingerprint and the training settings are added here.
        elsewhere: names of parameters that never change and can be had again: states leave them
            out.
        before_step: called with the model, the step to be taken (from 1) and how many there are;
            may change which parameters require a gradient.
        on_begin: called once the folder is known to be free for a run that starts from the
            beginning, before its first step; the place to write what describes the run.
    """

    def __init__(
        self,
        model: nn.Module,
        features: FeatureSet | Mixture,
        config: TrainingConfig,
        folder: Path,
        *,
        pad_id: int,
        evaluate: Evaluate | None = None,
        save_model: Callable[[Path], None] | None = None,
        follow: Sequence[str] = (),
        identity: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        elsewhere: Collection[str] = (),
        before_step: BeforeStep | None = None,
        on_begin: Callable[[], None] | None = None,
    ) -> None:
        if len(features) == 0:
            raise UserError("there is nothing to train on: the data gave no rows")
        _check_evaluations(config, evaluate)
        self._config = config
        self._folder = folder
        self._pad_id = pad_id
        self._evaluate = evaluate
        self._save_model = save_model
        self._follow = tuple(follow)
        self._progress = progress or choose_progress()
        self._before_step = before_step
        self._on_begin = on_begin
        self._device = choose_device(config.device)
        self._dtype = choose_precision(config.precision, self._device)
        self._model = model.to(self._device)
        self._optimizer = build_optimizer(model, config)
        self._stepper = Stepper(model, self._optimizer, config, self._device, self._dtype)
        self._plan = Plan(features, config)
        self._states = StateFolder(folder / "state", self._progress.say, elsewhere)
        self._identity = {"data": features.fingerprint, **(identity or {}), **config.identity()}
        self._place = Place()
        self._clock = self._processor_clock = 0.0

    def run(self, resume: bool = False) -> Outcome:
        """Train from the beginning, or from the newest whole state with `resume`.

        Raises:
            UserError: the folder already holds a run (without `resume`) or another run (with it),
                or another process is at work in it; the loss or gradient is not finite; the state
                cannot be written.
        """
        if resume and (ended := self._states.finished(self._identity)):
            self._progress.say(f"{self._folder}: this run has already ended; nothing to do")
            return Outcome(**{**ended, "already_finished": True})
        for warning in schedules.warnings(self._config, self._plan.total):
            self._progress.say(f"warning: {warning}")
        if self._before_step is not None:  # what it refuses, it refuses before anything is written
            self._before_step(self._model, 1, self._plan.total)
        check_run_folder(self._folder, resume=resume)
        self._states.path.mkdir(parents=True, exist_ok=True)
        with locked(self._states.path / LOCK, f"{self._folder}: {_LOCKED}"):
            return self._run(resume)

    def _run(self, resume: bool) -> Outcome:
        place = self._begin(resume)
        self._clock = time.monotonic() - place.seconds
        self._processor_clock = time.process_time() - place.processor_seconds
        with (
            deterministic(self._device),
            Stop(self._config.time_limit_minutes) as stop,
            Record(self._folder, self._config.tensorboard, place.step, self._progress) as record,
        ):
            self._progress.start(place.step, self._plan.total)
            try:
                reason = self._loop(record, stop)
            finally:
                self._progress.close()
        return self._end(reason)

    def _begin(self, resume: bool) -> Place:
        """Prepare the folder and return the place to continue from."""
        sweep(self._folder, [f"{name}.*" for name in _WRITTEN])
        restored = None
        if resume:
            restored = self._states.restore(self._model, self._optimizer, self._identity)
            if restored is None:
                self._progress.say(
                    f"{self._folder}: nothing saved yet; starting from the beginning"
                )
            else:
                self._place, machine = restored
                self._welcome(machine)
        if restored is None and self._on_begin is not None:
            self._on_begin()
        cut_log(self._folder / "log.jsonl", self._place.step, self._place.evaluated)
        return self._place

    def _welcome(self, machine: Mapping[str, str]) -> None:
        self._progress.say(f"{self._folder}: continuing after step {self._place.step}")
        if self._stepper.scaler is not None and self._place.scaler:
            self._stepper.scaler.load_state_dict(self._place.scaler)
        for key, value in self._machine().items():
            if machine.get(key) != value:
                self._progress.say(
                    f"warning: {key} was {machine.get(key)}, is now {value}: "
                    "the result will not be the same to the bit"
                )

    def _loop(self, record: Record, stop: Stop) -> Reason:
        place = self._place
        self._model.train()
        first = saved = place.step
        while True:
            reason: Reason | None = None
            if self._evaluation_due():
                reason = self._evaluation(record, stop)
            reason = reason or self._over() or stop.signalled
            if place.step > first:  # however short the time limit, each session gets further
                reason = reason or stop.reason
            if place.step != saved and (reason or place.step % self._config.save_steps == 0):
                record.sync()
                self._save()
                saved = place.step
            if reason:
                # What was evaluated since a save at the same step is evaluated again on resume.
                return reason
            self._step(record)

    def _over(self) -> Reason | None:
        limit = self._config.early_stopping_patience
        if limit is not None and self._place.stale >= limit:
            return "early_stop"
        return "finished" if self._place.step >= self._plan.total else None

    def _step(self, record: Record) -> None:
        place = self._place
        steps = self._plan.epoch(place.epoch)
        if place.position >= len(steps):
            place.epoch, place.position, place.epoch_tally = place.epoch + 1, 0, RunningStatistics()
            steps = self._plan.epoch(place.epoch)
        rows, features = steps[place.position], self._plan.rows(place.epoch)
        rate = schedules.learning_rate(self._config, place.step + 1, self._plan.total)
        set_learning_rate(self._optimizer, rate)
        batches = [collate(features.features(part, place.epoch), self._pad_id) for part in rows]
        if self._before_step is not None:
            self._before_step(self._model, place.step + 1, self._plan.total)
        seed = step_seed(self._config.seed, place.step + 1)
        result = self._stepper.run(batches, seed, place.step + 1)
        place.step += 1
        place.position += 1
        self._read_clocks()
        self._count(rows, batches, result, isinstance(features, PairSet))
        self._progress.advance(place.step, sum(result.losses.values()))
        last = place.step == self._plan.total
        if last or place.step % self._config.logging_steps == 0:
            record.training(place, rate)
            place.window = RunningStatistics()
        if last or place.position == len(steps):
            record.epoch(place)

    def _count(
        self, rows: Step, batches: list[dict[str, Tensor]], result: StepResult, pairs: bool
    ) -> None:
        tokens, cells = map(sum, zip(*(count_tokens(b, pairs) for b in batches), strict=True))
        examples = sum(len(part) for part in rows)
        # fp16 overflows are skipped steps; an infinity would spoil the mean (and JSON)
        norm = result.gradient_norm if math.isfinite(result.gradient_norm) else 0.0
        for tally in (self._place.run, self._place.epoch_tally, self._place.window):
            tally.add(examples, tokens, cells, norm, result.losses, result.shares)

    def _evaluation_due(self) -> bool:
        place, every = self._place, self._config.eval_steps
        if self._evaluate is None or place.step == 0 or place.evaluated == place.step:
            return False
        if place.step >= self._plan.total:
            return True
        if every is not None:
            return place.step % every == 0
        return place.position == len(self._plan.epoch(place.epoch))

    def _evaluation(self, record: Record, stop: Stop) -> Reason | None:
        """Evaluate; return the signal that broke it off, if one did."""
        assert self._evaluate is not None
        if stop.signalled:
            return stop.signalled
        self._model.eval()
        try:
            with stop.breaking(), torch.no_grad(), self._stepper.autocast():
                found = self._evaluate(self._model)
        except Interruption:
            return stop.signalled
        finally:
            self._model.train()
        metrics = {name: float(value) for name, value in found.items()}
        self._place.evaluated = self._place.step
        self._read_clocks()
        self._judge(metrics)
        record.evaluation(self._place, metrics)
        return None

    def _read_clocks(self) -> None:
        self._place.seconds = time.monotonic() - self._clock
        self._place.processor_seconds = time.process_time() - self._processor_clock

    def _judge(self, metrics: Mapping[str, float]) -> None:
        """Keep the weights if this evaluation is the best so far."""
        place = self._place
        name = self._config.metric_for_best_model or next(iter(metrics), "none")
        if name not in metrics:
            known = ", ".join(metrics) or "none"
            raise UserError(f"metric_for_best_model {name!r}: the evaluation gives {known}")
        followed = {
            each: (place.step, metrics[each])
            for each in self._follow
            if _better(metrics[each], place.bests.get(each, (0, None))[1], "highest")
        }
        value = metrics[name]
        best = _better(value, place.best_value, self._config.best_is)
        if best or followed:
            self._states.save_best(place.step, self._model)
        place.bests |= followed
        place.stale = 0 if best else place.stale + 1
        if best:
            place.best_step, place.best_value = place.step, value

    def _save(self) -> None:
        # A norm can hide a weight that went wrong in the update itself.
        if bad := bad_weight(self._model):
            raise UserError(
                f"step {self._place.step}: {bad} is not finite; the last good state was kept"
            )
        if self._stepper.scaler is not None:
            self._place.scaler = dict(self._stepper.scaler.state_dict())
        self._states.save(
            self._place, self._model, self._optimizer, self._identity, self._machine()
        )

    def _machine(self) -> dict[str, str]:
        """What the bits depend on beside the settings."""
        return {
            "device": self._device.type,
            "precision": str(self._dtype).removeprefix("torch."),
            "torch": torch.__version__,
            "threads": str(torch.get_num_threads()),
        }

    def _end(self, reason: Reason) -> Outcome:
        """Write the final model and the curves, and mark a run that is over."""
        place = self._place
        memory = peak_memory(self._device)
        best = (place.best_step, place.best_value)
        outcome = Outcome(reason, place.step, self._plan.total, *best, peak_memory=memory)
        if place.step == 0:
            return outcome
        if memory is not None:
            self._progress.say(f"peak memory {megabytes(memory)}")
        self._model.eval()
        if self._save_model is not None:
            for name, (step, _) in place.bests.items():
                self._states.load_best(step, self._model)
                self._save_model(self._folder / "best" / name)
        if place.best_step is not None:
            self._states.load_best(place.best_step, self._model)
        if self._save_model is not None:
            self._save_model(self._folder / "model")
        if reason in _EXIT_CODES:
            return outcome
        from headwater.pictures.curves import draw_curves  # matplotlib takes a second to import

        draw_curves(read_log(self._folder / "log.jsonl"), self._folder / "curves.png")
        if reason != "time_limit":
            self._warn_if_flat()
            self._states.finish(asdict(outcome), self._identity)
        return outcome

    def _warn_if_flat(self) -> None:
        losses = [
            n["loss"] for n in read_log(self._folder / "log.jsonl") if n.get("loss") is not None
        ]
        if len(losses) >= 3 and losses[-1] >= losses[0]:
            self._progress.say(
                f"warning: the loss did not fall ({losses[0]:.4f} to {losses[-1]:.4f}); "
                "look at the learning rate and at the data as the model sees it"
            )


def _better(value: float, before: float | None, best_is: str) -> bool:
    if not math.isfinite(value):
        return False
    return before is None or (value > before if best_is == "highest" else value < before)


def _check_evaluations(config: TrainingConfig, evaluate: Evaluate | None) -> None:
    if evaluate is not None:
        return
    for name in ("eval_steps", "metric_for_best_model", "early_stopping_patience"):
        if (value := getattr(config, name)) is not None:
            raise UserError(
                f"training.{name} = {value!r}, but there is nothing to evaluate on; "
                f"give data.validation or data.validation_share, or leave training.{name} out"
            )
