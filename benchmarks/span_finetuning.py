"""Examples per second of span fine-tuning: headwater beside two plain loops, in one run.

    python benchmarks/span_finetuning.py --model MINILM --data train-v1.1.json

Three loops train the same 6-layer body on the same questions with AdamW, batches of about equal
work, and dropout on:

    headwater   the Trainer's own step: bf16 where the processor has it, token budget, buckets
    tuned       a `transformers` loop tuned by hand: bf16 autocast, dynamic padding, length-grouped
    plain       a `transformers` loop as the examples have it: float32, every row padded to 384

They take turns, so that what the machine does beside them falls on all alike. Each turn reports
windows per second; the ratios are quoted with their spread over the turns. Needs `transformers`.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from headwater.checkpoints.folder import load_model
from headwater.data.batching import collate, plan_epoch
from headwater.data.config import SpanConfig
from headwater.data.order import step_seed
from headwater.device import choose_precision
from headwater.tasks.squad import SQUAD_V2
from headwater.tasks.windows import SpanWindows, build_windows
from headwater.text.loading import load_vocabulary
from headwater.training.config import BatchSize, TrainingConfig
from headwater.training.optimizers import build_optimizer
from headwater.training.step import Stepper

BATCH = 24
Turn = Callable[[], tuple[int, float]]
"""Run some steps; return how many windows were trained on and the seconds it took."""


def headwater_turns(folder: Path, windows: SpanWindows, steps: int) -> Turn:
    """The library's own step, in batches of at most BATCH times the mean length in tokens."""
    model = load_model(folder, "span").model.train()
    tokens = int(BATCH * windows.lengths.mean())
    config = TrainingConfig(steps=10**6, batch=BatchSize(tokens=tokens))
    device = torch.device("cpu")
    stepper = Stepper(
        model, build_optimizer(model, config), config, device, choose_precision("auto", device)
    )
    plan = iter(plan_epoch(windows.lengths, tokens=tokens, seed=0))
    done = 0

    def turn() -> tuple[int, float]:
        nonlocal done
        count, begin = 0, time.perf_counter()
        for _ in range(steps):
            done += 1
            parts = [collate([windows[int(row)] for row in rows], 0) for rows in next(plan)]
            stepper.run(parts, step_seed(0, done), done)
            count += sum(len(part["input_ids"]) for part in parts)
        return count, time.perf_counter() - begin

    return turn


def transformers_turns(folder: Path, windows: SpanWindows, steps: int, *, tuned: bool) -> Turn:
    """A plain loop over the same windows, padded to 384 in float32 or tuned by hand."""
    model = transformers.BertForQuestionAnswering.from_pretrained(folder).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, fused=tuned)
    batches = _grouped(windows) if tuned else _shuffled(windows)

    def turn() -> tuple[int, float]:
        count, begin = 0, time.perf_counter()
        for _ in range(steps):
            batch = _padded(windows, next(batches), None if tuned else 384)
            with torch.autocast("cpu", torch.bfloat16, enabled=tuned):
                loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            count += len(batch["input_ids"])
        return count, time.perf_counter() - begin

    return turn


def _shuffled(windows: SpanWindows) -> Iterator[list[int]]:
    order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(0)).tolist()
    yield from (order[at : at + BATCH] for at in range(0, len(order), BATCH))


def _grouped(windows: SpanWindows) -> Iterator[list[int]]:
    """As `group_by_length`: megabatches of 50 batches sorted by length, batches shuffled."""
    order = torch.randperm(len(windows), generator=torch.Generator().manual_seed(0)).tolist()
    batches = []
    for at in range(0, len(order), 50 * BATCH):
        pool = sorted(order[at : at + 50 * BATCH], key=lambda row: windows.lengths[row])
        batches += [pool[begin : begin + BATCH] for begin in range(0, len(pool), BATCH)]
    for place in torch.randperm(len(batches), generator=torch.Generator().manual_seed(1)).tolist():
        yield batches[place]


def _padded(windows: SpanWindows, rows: Sequence[int], length: int | None) -> dict[str, Any]:
    batch = collate([windows[row] for row in rows], 0)
    batch["attention_mask"] = batch["attention_mask"].long()
    if length is not None:
        for name in ("input_ids", "token_type_ids", "attention_mask"):
            short = length - batch[name].shape[1]
            batch[name] = torch.nn.functional.pad(batch[name], (0, short))
    return batch


def main() -> None:
    """Run the turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="steps in a turn")
    options = parser.parse_args()
    torch.manual_seed(0)
    vocabulary = load_vocabulary(options.model)
    examples = SQUAD_V2.read([options.data])
    windows = build_windows(vocabulary, examples, SpanConfig(), labelled=True)
    loops = {
        "headwater": headwater_turns(options.model, windows, options.steps),
        "tuned": transformers_turns(options.model, windows, options.steps, tuned=True),
        "plain": transformers_turns(options.model, windows, options.steps, tuned=False),
    }
    rates: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(options.turns + 1):
        for name, turn in loops.items():
            count, seconds = turn()
            if number:  # the first turn warms up
                rates[name].append(count / seconds)
    for name, values in rates.items():
        spread = f"{min(values):.1f} to {max(values):.1f}"
        print(f"{name:10} {statistics.median(values):6.1f} windows/s  ({spread})")
    for name in ("tuned", "plain"):
        pairs = zip(rates["headwater"], rates[name], strict=True)
        ratios = [ours / theirs for ours, theirs in pairs]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"headwater / {name}: {statistics.median(ratios):.2f}  ({spread})")


if __name__ == "__main__":
    main()
