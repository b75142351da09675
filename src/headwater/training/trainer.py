"""The one training loop.

    trainer = Trainer(model, features, config, folder, pad_id=0, hooks=hooks)
    outcome = trainer.run(resume=False)

Model and data meet here only as tensors and loss terms. Everything random is a function of
(seed, epoch, step), so what a run needs to continue to the bit is its weights, the optimizer's
moments and the few numbers of `TrainState`.

Each of several processes runs this loop on its part of every step. What a step holds, when it is
evaluated, saved or the last, is the same in all of them; the first alone writes.
"""

import logging
import math
import time
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from headwater.data.batching import Step, collate, count_tokens
from headwater.data.convert import FeatureSet, PairSet
from headwater.data.dealing import dealt, source
from headwater.data.mixture import Mixture
from headwater.data.order import step_seed
from headwater.device import (
    choose_device,
    choose_precision,
    deterministic,
    keep_few_kernels,
    peak_memory,
)
from headwater.distributed.processes import ONE, Processes, first_of
from headwater.errors import Diverged, UserError
from headwater.lock import LOCK, locked
from headwater.signals import Interruption, Stop
from headwater.signals import Reason as Interrupted
from headwater.sizes import byte_size
from headwater.training.config import TrainingConfig
from headwater.training.hooks import Hooks, Outcome, Reason
from headwater.training.identity import agree, as_json
from headwater.training.log import cut_log, read_log
from headwater.training.memory import count_parameters
from headwater.training.nonfinite import bad_weight
from headwater.training.optimizers import build_optimizer, set_learning_rate
from headwater.training.parallel import Copies, Parallel
from headwater.training.plan import Plan
from headwater.training.recomputing import recomputing
from headwater.training.record import NoRecord, Record
from headwater.training.run_folder import check_run_folder, sweep_run_folder
from headwater.training.schedules import learning_rate, schedule_warnings
from headwater.training.state_folder import StateFolder
from headwater.training.step import Stepper, StepResult
from headwater.training.train_state import (
    RunningStatistics,
    TrainState,
    check_evaluations,
)

logger = logging.getLogger(__name__)

_LOCKED = (
    "another process is training in this folder; wait for it or stop it, or choose another folder"
)

_ALONE = {"processes": "1"}


class Trainer:
    """Trains one model on one set of features in one run folder.

    Args:
        model: an `nn.Module` with `loss_sums(batch)` and `loss_counts(batch)`.
        features: see `data.convert.FeatureSet` and `data.mixture`.
        folder: gets `log.jsonl`, `state/` and, by the hooks, `model/` and `best/`.
        hooks: what is evaluated, saved and compared; see `training.hooks`.
        processes: those that the run is spread over.
    """

    def __init__(
        self,
        model: nn.Module,
        features: FeatureSet | Mixture,
        config: TrainingConfig,
        folder: Path,
        *,
        pad_id: int,
        hooks: Hooks | None = None,
        processes: Processes = ONE,
    ) -> None:
        if len(features) == 0:
            raise UserError("there is nothing to train on: the data gave no features")
        self._hooks = hooks or Hooks()
        check_evaluations(config, self._hooks.metric_names)
        self._config = config
        self._folder = folder
        self._pad_id = pad_id
        keep_few_kernels()
        self._device = choose_device(config.device)
        self._dtype = choose_precision(config.precision, self._device)
        self._parameters = count_parameters(model)
        excluded = self._hooks.excluded_parameters(model)
        self._given, self._processes = model, processes
        self._parallel = _spread(model, config, processes, self._device, self._dtype)
        self._model = self._parallel.model
        self._optimizer = build_optimizer(self._model, config)
        self._stepper = Stepper(
            *(self._model, self._optimizer, config, self._device, self._dtype), self._parallel
        )
        self._plan = Plan(features, config)
        self._states = StateFolder(folder / "state", excluded, self._parallel)
        identity = self._hooks.identity
        data = {"features": features.fingerprint, **identity.get("data", {})}
        self._identity = {**identity, "data": data, "training": config.identity()}
        self._state = TrainState()
        self._clock = self._processor_clock = 0.0

    def run(self, resume: bool = False) -> Outcome:
        """Train from the beginning, or from the newest whole state with `resume`."""
        first = self._processes.first
        agree(self._processes.gather(as_json(self._identity)))
        if resume and (ended := first(lambda: self._states.finished(self._identity))):
            logger.info("%s: this run has already ended; nothing to do", self._folder)
            return Outcome(**{**ended, "already_finished": True})
        for warning in schedule_warnings(self._config, self._plan.total):
            logger.warning(warning)
        # what it refuses, it refuses before anything is written
        self._hooks.before_step(self._model, 1, self._plan.total)
        with ExitStack() as stack:
            first(lambda: self._take_folder(stack, resume=resume))
            stack.enter_context(self._states.saying_what_is_saved())
            stack.enter_context(self._states.writing())
            self._begin(resume)
            self._clock = time.monotonic() - self._state.seconds
            self._processor_clock = time.process_time() - self._state.processor_seconds
            again = self._config.gradient_checkpointing
            with (
                deterministic(self._device),
                Stop(self._config.time_limit_minutes) as stop,
                self._record() as record,
                recomputing(self._model) if again else nullcontext(),
            ):
                reason = self._loop(record, stop)
            return self._end(reason)

    def _take_folder(self, stack: ExitStack, *, resume: bool) -> None:
        """Lock the folder until the stack is left, if a run may be written there."""
        check_run_folder(self._folder, resume=resume)
        self._states.path.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locked(self._states.path / LOCK, f"{self._folder}: {_LOCKED}"))
        sweep_run_folder(self._folder)

    def _record(self) -> Record | NoRecord:
        if self._processes.rank:
            return NoRecord()
        config, step = self._config, self._state.step
        return Record(self._folder, config.tensorboard, step, self._plan.total)

    def _begin(self, resume: bool) -> None:
        """Restore the state to continue from, or begin the folder."""
        first = self._processes.first
        restored = None
        if resume:
            restored = self._states.restore(self._model, self._optimizer, self._identity)
        if restored is not None:
            self._state, machine = restored
            if self._state.step > self._plan.total:
                raise UserError(
                    f"{self._states.path}: is of step {self._state.step}, and this run ends with "
                    f"step {self._plan.total}; start again in another folder"
                )
            logger.info("%s: continuing after step %s", self._folder, self._state.step)
            if self._stepper.scaler is not None and self._state.scaler:
                self._stepper.scaler.load_state_dict(self._state.scaler)
            before = _ALONE | machine
            for key, value in (_ALONE | self._machine()).items():
                if before.get(key) != value:
                    logger.warning(
                        "%s was %s, is now %s: the result will not be the same to the bit",
                        key, before.get(key), value,
                    )  # fmt: skip
        else:
            if resume:
                logger.info("%s: nothing saved yet; starting from the beginning", self._folder)
            first(lambda: self._hooks.on_begin(self._folder))
        log = self._folder / "log.jsonl"
        first(lambda: cut_log(log, self._state.step, self._state.evaluated_step))

    def _loop(self, record: Record | NoRecord, stop: Stop) -> Reason:
        state = self._state
        self._model.train()
        first = saved = state.step
        while True:
            reason: Reason | None = None
            steps_in_epoch = len(self._plan.epoch(state.epoch))
            if self._hooks.metric_names and state.evaluation_due(
                self._config, self._plan.total, steps_in_epoch
            ):
                reason = self._evaluation(record, stop)
            signalled, due = self._agreed(stop)
            reason = reason or self._over() or signalled
            if state.step > first:  # however short the time limit, each session gets further
                reason = reason or due
            if state.step != saved and (reason or state.step % self._config.save_steps == 0):
                record.sync()
                self._save()
                saved = state.step
            if reason:
                # What was evaluated since a save at the same step is evaluated again on resume.
                return reason
            self._step(record)

    def _agreed(self, stop: Stop) -> tuple[Interrupted | None, Interrupted | None]:
        """Return the signal that any process got, and why any is to stop now."""
        found = self._processes.gather((stop.signalled, stop.reason))
        return first_of([signal for signal, _ in found]), first_of([due for _, due in found])

    def _over(self) -> Reason | None:
        patience = self._config.early_stopping_patience
        if patience is not None and self._state.evaluations_since_best >= patience:
            return "early_stop"
        return "finished" if self._state.step >= self._plan.total else None

    def _step(self, record: Record | NoRecord) -> None:
        state, processes = self._state, self._processes
        processes.step = state.step + 1
        steps = self._plan.epoch(state.epoch)
        if state.position >= len(steps):
            state.epoch, state.position = state.epoch + 1, 0
            state.epoch_statistics = RunningStatistics()
            steps = self._plan.epoch(state.epoch)
        indices, features = steps[state.position], self._plan.features(state.epoch)
        rate = learning_rate(self._config, state.step + 1, self._plan.total)
        set_learning_rate(self._optimizer, rate)
        whole = self._hooks.whole_batches
        own = dealt(indices, processes.rank, processes.world, whole=whole)
        idle = {number for number, each in enumerate(own) if not len(each)}
        taken = [indices[0][:1] if number in idle else each for number, each in enumerate(own)]
        batches = self._collated(features, taken, indices)
        self._hooks.before_step(self._model, state.step + 1, self._plan.total)
        seed = step_seed(self._config.seed, state.step + 1, processes.rank)
        result = self._stepper.run(batches, seed, state.step + 1, idle)
        counted = [batch for number, batch in enumerate(batches) if number not in idle]
        state.step += 1
        state.position += 1
        self._read_clocks()
        counts = processes.gather(_tokens(counted, pairs=isinstance(features, PairSet)))
        tokens, padded = map(sum, zip(*counts, strict=True))
        state.add(_statistics(indices, tokens, padded, result))
        record.step(state, sum(result.losses.values()))
        last = state.step == self._plan.total
        if last or state.step % self._config.logging_steps == 0:
            record.training(state, rate)
            state.log_statistics = RunningStatistics()
        if last or state.position == len(steps):
            record.epoch(state)

    def _collated(self, features: FeatureSet, parts: Step, step: Step) -> list[dict[str, Tensor]]:
        """Return the batches of parts of a step's micro-batches."""
        widths = [0] * len(parts)
        if self._hooks.padding_counts:
            widths = [int(features.lengths[source(each, step)].max()) for each in parts]
        return [
            collate(features.features(each, self._state.epoch), self._pad_id, width=width)
            for each, width in zip(parts, widths, strict=True)
        ]

    def _evaluation(self, record: Record | NoRecord, stop: Stop) -> Reason | None:
        """Evaluate; return the signal that broke it off, if one did."""
        if signalled := self._agreed(stop)[0]:
            return signalled
        # Of several processes none breaks off: the others would wait for it.
        breaking = stop.breaking() if self._processes.world == 1 else nullcontext()
        self._given.eval()
        try:
            with (
                self._parallel.whole(everywhere=True),
                breaking,
                torch.no_grad(),
                self._stepper.autocast(),
            ):
                found = self._hooks.evaluate(self._given)
        except Interruption:
            return stop.signalled
        finally:
            self._given.train()
        metrics = self._processes.gather({name: float(each) for name, each in found.items()})[0]
        self._read_clocks()
        followed = self._hooks.followed_metrics
        if self._state.note_evaluation(metrics, self._config, followed):
            self._states.save_best(self._state.step, self._model)
        record.evaluation(self._state, metrics)
        return None

    def _read_clocks(self) -> None:
        self._state.seconds = time.monotonic() - self._clock
        self._state.processor_seconds = time.process_time() - self._processor_clock

    def _save(self) -> None:
        # A gradient norm can hide a weight that went wrong in the update itself.
        if bad := bad_weight(self._parallel):
            raise Diverged(
                f"step {self._state.step}: {bad} is not finite; the last good state was kept"
            )
        if self._stepper.scaler is not None:
            self._state.scaler = dict(self._stepper.scaler.state_dict())
        self._states.save(
            self._state, self._model, self._optimizer, self._identity, self._machine()
        )

    def _machine(self) -> dict[str, str]:
        """What the bits depend on, other than the settings."""
        world = self._processes.world
        return {
            "device": self._device.type,
            "precision": str(self._dtype).removeprefix("torch."),
            "torch": torch.__version__,
            "threads": str(torch.get_num_threads()),
        } | ({"processes": str(world)} if world > 1 else {})

    def _end(self, reason: Reason) -> Outcome:
        """Write the final model, and mark a run that is over."""
        self._states.wait()
        state = self._state
        memory = peak_memory(self._device)
        best = (state.best_step, state.best_value)
        outcome = Outcome(
            reason, state.step, self._plan.total, *best, False, memory, *self._parameters
        )
        if state.step == 0:
            return outcome
        if memory is not None:
            logger.info("peak memory %s", byte_size(memory))
        self._write_models()
        if outcome.signalled:
            return outcome
        self._processes.first(lambda: self._finish(outcome))
        return outcome

    def _finish(self, outcome: Outcome) -> None:
        self._hooks.on_end(self._folder)
        if outcome.reason != "time_limit":
            self._warn_if_flat()
            self._states.finish(asdict(outcome), self._identity)

    def _write_models(self) -> None:
        """Write the best weights by each followed metric, and the best of all or the last."""
        self._given.eval()
        for name, (step, _) in self._state.followed_bests.items():
            self._states.load_best(step, self._model)
            self._write_model(self._folder / "best" / name)
        if self._state.best_step is not None:
            self._states.load_best(self._state.best_step, self._model)
        self._write_model(self._folder / "model")

    def _write_model(self, folder: Path) -> None:
        with self._parallel.whole(everywhere=False):
            self._processes.first(lambda: self._hooks.save_model(folder))

    def _warn_if_flat(self) -> None:
        lines = read_log(self._folder / "log.jsonl")
        losses = [line["loss"] for line in lines if isinstance(line.get("loss"), float)]
        if len(losses) >= 3 and losses[-1] >= losses[0]:
            logger.warning(
                "the loss did not fall (%.4f to %.4f); "
                "look at the learning rate and at the data as the model sees it",
                losses[0], losses[-1],
            )  # fmt: skip


def _spread(
    model: nn.Module,
    config: TrainingConfig,
    processes: Processes,
    device: torch.device,
    dtype: torch.dtype,
) -> Parallel:
    """Spread a model over the processes, in the recipe's way, and put it on their devices."""
    if not config.shard or processes is ONE:
        return Copies(model.to(device), processes)
    from headwater.training.sharding import Parts  # takes a second to import

    offload = config.cpu_offload
    return Parts(model, processes, device, dtype, config.ddp_timeout, cpu_offload=offload)


def _tokens(batches: list[dict[str, Tensor]], *, pairs: bool) -> tuple[int, int]:
    """Count tokens, and those with their padding."""
    counts = [count_tokens(batch, pairs) for batch in batches]
    return sum(tokens for tokens, _ in counts), sum(padded for _, padded in counts)


def _statistics(indices: Step, tokens: int, padded: int, result: StepResult) -> RunningStatistics:
    examples = sum(len(micro_batch) for micro_batch in indices)
    # fp16 overflows are skipped steps; an infinity would spoil the mean (and JSON)
    norm = result.gradient_norm if math.isfinite(result.gradient_norm) else 0.0
    return RunningStatistics(1, examples, tokens, padded, norm, result.losses, result.shares)
