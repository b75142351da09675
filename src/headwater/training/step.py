"""One optimizer step: whole-step normalization, gradients, the check of both, clipping, update.

Every loss term is divided by its own count over the *whole* step (target tokens, masked tokens,
pairs, examples), counted from the labels of all micro-batches before the first forward pass. The
gradient is then the same however the step is split (huggingface/transformers#34191 is the trap).
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from headwater.device import seed_generators
from headwater.distributed.processes import ONE, added
from headwater.models.losses import Batch, LossModel, SharedLossModel
from headwater.training.config import TrainingConfig
from headwater.training.nonfinite import refuse
from headwater.training.parallel import Copies, Parallel

# A loss scaler halves from 65536; after as many overflows in a row it is not the scale.
MOST_OVERFLOWS = 25


@dataclass(frozen=True, slots=True)
class StepResult:
    """The step's losses (divided by their counts) and the norm of the gradient before clipping.

    `shares`: how much of what it was divided by each loss has itself; 1 for all of it.
    """

    losses: dict[str, float]
    shares: dict[str, float]
    gradient_norm: float


class Stepper:
    """Runs steps of one model with one optimizer on one device in one number format."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        config: TrainingConfig,
        device: torch.device,
        dtype: torch.dtype,
        parallel: Parallel | None = None,
    ) -> None:
        self._parallel = parallel or Copies(model, ONE)
        self._processes = self._parallel.processes
        self._model = model
        self._optimizer = optimizer
        self._max_grad_norm = config.max_grad_norm
        self._device = device
        self._dtype = dtype
        self._overflows = 0
        self.scaler = torch.amp.GradScaler("cuda") if dtype == torch.float16 else None

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context for forward passes in the run's number format."""
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=self._dtype)

    def run(
        self, batches: Sequence[Batch], seed: int, step: int, idle: Collection[int] = ()
    ) -> StepResult:
        """Take one step over its micro-batches; what is not finite is refused.

        Args:
            batches: this process's.
            idle: which of them stand in for none, and count for nothing.
        """
        counted = [batch for index, batch in enumerate(batches) if index not in idle]
        counts, shares = self._counts(counted)
        seed_generators(self._device, seed)
        self._optimizer.zero_grad(set_to_none=True)
        parts: dict[str, list[Tensor]] = {}
        for index, batch in enumerate(batches):
            moved = {name: tensor.to(self._device) for name, tensor in batch.items()}
            with self._parallel.turn(last=index == len(batches) - 1):
                with self.autocast():
                    sums = self._parallel.loss_sums(moved)
                if index in idle:
                    sums = {name: value * 0.0 for name, value in sums.items()}
                terms = {name: value / max(1, counts[name]) for name, value in sums.items()}
                loss = torch.stack(list(terms.values())).sum() * self._processes.world
                (loss if self.scaler is None else self.scaler.scale(loss)).backward()  # type: ignore[no-untyped-call]
            for name, term in terms.items():
                parts.setdefault(name, []).append(term.detach())
        losses, norm = self._update(parts, batches, seed, step)
        return StepResult(losses, {name: shares.get(name, 1.0) for name in losses}, norm)

    def _update(
        self, parts: Mapping[str, list[Tensor]], batches: Sequence[Batch], seed: int, step: int
    ) -> tuple[dict[str, float], float]:
        """Update the weights; return the losses, and the norm of the gradient before clipping."""
        if self.scaler is not None:
            self.scaler.unscale_(self._optimizer)
        parameters = [p for p in self._model.parameters() if p.grad is not None]
        norm = self._parallel.full(
            torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        )
        # The one place where the processor is waited for.
        flat = [part for each in parts.values() for part in each]
        *values, gradient_norm = torch.stack([*flat, norm.to(self._device)]).tolist()
        read = iter(values)  # added up as Python floats: MPS has no float64
        own = {name: sum(next(read) for _ in each) for name, each in parts.items()}
        losses = added(self._processes.gather(own))
        finite = math.isfinite(gradient_norm)
        if not all(map(math.isfinite, losses.values())) or (not finite and not self._overflow()):
            refuse(self._parallel, batches, seed, step, losses, self._device, self.autocast)
        if finite:
            self._overflows = 0
            if self._max_grad_norm is not None and gradient_norm > self._max_grad_norm:
                torch.nn.utils.clip_grads_with_norm_(parameters, self._max_grad_norm, norm)
        if self.scaler is None:
            self._optimizer.step()
        else:
            self.scaler.step(self._optimizer)  # skips the update after an overflow
            self.scaler.update()
        return losses, gradient_norm

    def _counts(self, batches: Sequence[Batch]) -> tuple[Counter[str], dict[str, float]]:
        """Count the targets of the whole step, and what share of its divisor each loss has."""
        model, processes = cast(LossModel, self._model), self._processes
        counts = Counter(added(processes.gather(count_targets(model.loss_counts, batches))))
        if not isinstance(model, SharedLossModel):
            return counts, {}
        own = added(processes.gather(count_targets(model.own_counts, batches)))
        return counts, {name: own.get(name, 0) / max(1, counts[name]) for name in counts}

    def _overflow(self) -> bool:
        """Count an overflow of fp16 gradients; true while lowering the scale may still help."""
        self._overflows += 1
        return self.scaler is not None and self._overflows < MOST_OVERFLOWS


def count_targets(
    count: Callable[[Batch], Mapping[str, int]], batches: Iterable[Batch]
) -> Counter[str]:
    """Return each loss term's count over all micro-batches of a step."""
    counts: Counter[str] = Counter()
    for batch in batches:
        counts.update({name: int(number) for name, number in count(batch).items()})
    return counts
