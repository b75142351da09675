"""Training steps: those of our Trainer, and those of a plain loop, some in each turn."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.harness.turns import Turns
from benchmarks.harness.work import Context, Facts, Side
from headwater.data.batching import Step, collate, count_tokens
from headwater.data.convert import FeatureSet, PairSet
from headwater.training.config import TrainingConfig
from headwater.training.hooks import Hooks
from headwater.training.plan import Plan
from headwater.training.trainer import Trainer

Batch = Mapping[str, Tensor]
SEEN = 32  # steps whose padding is counted
TIMED = 8  # steps whose data are made once more, by themselves


class _Over(Exception):
    """All turns are taken; the trainer is left where it is."""


class Paced(Hooks):
    """Lets a trainer take `steps` steps in each turn."""

    def __init__(self, turns: Turns, items: Iterator[int], steps: int) -> None:
        self.turns, self.items, self.steps = turns, items, steps
        self.done = 0

    def before_step(self, model: nn.Module, step: int, total: int) -> None:
        if not model.training:  # the trainer asks once before it begins
            return
        if step > self.done + 1:
            self.done += 1
            self.turns.count(next(self.items))
        if self.done % self.steps == 0:
            try:
                next(self.turns)
            except StopIteration:
                raise _Over from None


def train(
    turns: Turns,
    model: nn.Module,
    features: FeatureSet,
    config: TrainingConfig,
    *,
    pad_id: int,
    steps: int,
    size: Callable[[int], int],
) -> Facts:
    """Train by our Trainer; return the shares of padding and of the time for data.

    Args:
        steps: in each turn.
        size: what a sequence counts for, by its index.
    """
    plan = Plan(features, config)
    items = (sum(size(int(index)) for part in step for index in part) for step in _steps(plan))
    hooks = Paced(turns, items, steps)
    model.eval()
    with TemporaryDirectory() as folder, suppress(_Over):
        Trainer(model, features, config, Path(folder) / "run", pad_id=pad_id, hooks=hooks).run()
    timed = list(islice(_steps(plan), TIMED))  # an epoch may be planned for it
    begin = time.perf_counter()
    for step in timed:
        _batches(step, features, pad_id)
    making = (time.perf_counter() - begin) / TIMED
    pairs = isinstance(features, PairSet)
    counted = [
        count_tokens(batch, pairs)
        for step in islice(_steps(plan), SEEN)
        for batch in _batches(step, features, pad_id)
    ]
    tokens, padded = map(sum, zip(*counted, strict=True))
    return {
        "padding share": 1 - tokens / padded,
        "data share": making / (turns.seconds / hooks.done),
    }


def sides(
    ours: Callable[[Turns, Context], Facts], theirs: Callable[..., Facts]
) -> tuple[Side, ...]:
    """Return our training, and beside it a plain loop tuned by hand and as the examples have it.

    Args:
        theirs: takes `tuned`, see `loop`.
    """
    needs = ("transformers",)
    return (
        Side("headwater", ours),
        Side("transformers tuned", partial(theirs, tuned=True), needs),
        Side("transformers default", partial(theirs, tuned=False), needs),
    )


def _steps(plan: Plan) -> Iterator[Step]:
    epoch = 0
    while True:
        yield from plan.epoch(epoch)
        epoch += 1


def _batches(step: Step, features: FeatureSet, pad_id: int) -> list[dict[str, Tensor]]:
    return [collate(features.features(part, 0), pad_id) for part in step]


def loop(
    turns: Turns,
    network: Any,
    batches: Iterator[Batch],
    *,
    steps: int,
    size: Callable[[Batch], int],
    tuned: bool = True,
    rate: float = 1e-4,
) -> Facts:
    """Train a network of `transformers` in a plain loop.

    Args:
        size: what a batch counts for.
        tuned: bf16 autocast and the fused update; otherwise float32 and the default one.
    """
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, fused=tuned)
    making, tokens, padded = 0.0, 0, 0
    for _ in turns:
        for _ in range(steps):
            begin = time.perf_counter()
            batch = next(batches)
            making += time.perf_counter() - begin
            with torch.autocast("cpu", torch.bfloat16, enabled=tuned):
                loss = network(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            turns.count(size(batch))
            real = int(batch["attention_mask"].sum()) if "attention_mask" in batch else None
            padded += batch["input_ids"].numel()
            tokens += batch["input_ids"].numel() if real is None else real
    return {"padding share": 1 - tokens / padded, "data share": making / turns.seconds}
