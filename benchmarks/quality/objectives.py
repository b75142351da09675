"""Examples per second of the objectives beside the published per-example algorithms, in one run.

    python -m benchmarks.quality.objectives --t5 SPIECE_MODEL --bert VOCAB_TXT

All make the same kind of rows from the same corpus of made-up ids, on one core:

    span corruption  568 tokens -> 512 inputs and 114 targets. Published: T5's per-example algorithm
                     (random_spans_noise_mask, then noise_span_to_unique_sentinel for each side),
                     operation by operation in numpy. Tuned: the same with faster operations.
    masked LM        rows of 512 tokens. Published: BERT's create_masked_lm_predictions, a loop over
                     the tokens of an example in Python.

Time is processor time, so that a busy machine does not count, and the loops take turns. The ratios
are quoted with their spread over the turns. With `--step ROWS` a training step of t5-small on so
many rows, summed over the cores of this machine, is set beside the time of making the rows.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.report import quartiles
from benchmarks.works.collators import span_corruption
from headwater.data.convert import FeatureSet
from headwater.objectives.mlm import MaskedLM, MaskedLMConfig
from headwater.objectives.span_corruption import SpanCorruption, SpanCorruptionConfig
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

BATCH = 128
BATCHES = 4  # in a turn
DOCUMENT = 100_000  # tokens, about a book
GENERATOR = np.random.default_rng(0)
Ids = NDArray[np.int32]
Turn = Callable[[NDArray[np.int64]], object]
"""Make the given rows."""


@dataclass(frozen=True)
class MadeUp:
    """A store of random tokens in documents of equal length."""

    tokens: NDArray[np.uint16]
    documents: NDArray[np.int64]
    sentences: NDArray[np.int64]
    fingerprint: str = "made up"


def make_store(vocabulary: Vocabulary, rows: int) -> MadeUp:
    size = rows * 600 // DOCUMENT * DOCUMENT + DOCUMENT
    tokens = np.random.default_rng(0).integers(1000, vocabulary.size - 200, size)
    bounds = np.arange(0, size + 1, DOCUMENT)
    return MadeUp(tokens.astype(np.uint16), bounds, bounds)


def tuned_segmentation(items: int, segments: int) -> NDArray[np.int64]:
    """The same as fast as it goes one example at a time."""
    first = np.zeros(items, np.int64)
    first[1:segments] = 1
    GENERATOR.shuffle(first[1:])
    return np.bincount(np.cumsum(first))


def plain_span_corruption(store: MadeUp, corrupt: Callable[[Ids], dict[str, Ids]]) -> Turn:
    """T5's preprocessing of one example after another."""
    return lambda rows: [
        corrupt(store.tokens[row * 568 : (row + 1) * 568].astype(np.int32)) for row in rows
    ]


def plain_masked_lm(store: MadeUp, vocabulary: Vocabulary) -> Turn:
    """BERT's create_masked_lm_predictions for one example after another."""
    generator = random.Random(0)
    first, last, mask = vocabulary.cls_id, vocabulary.sep_id, vocabulary.mask_id

    def example(row: int) -> dict[str, Ids]:
        tokens = [first, *store.tokens[row * 510 : (row + 1) * 510].tolist(), last]
        candidates = [[i] for i, token in enumerate(tokens) if token not in (first, last)]
        generator.shuffle(candidates)
        inputs, asked = list(tokens), max(1, round(len(tokens) * 0.15))
        chosen: list[tuple[int, int]] = []
        covered: set[int] = set()
        for places in candidates:
            if len(chosen) >= asked:
                break
            if len(chosen) + len(places) > asked or any(i in covered for i in places):
                continue
            for i in places:
                covered.add(i)
                if generator.random() < 0.8:
                    inputs[i] = mask
                elif generator.random() >= 0.5:
                    inputs[i] = generator.randint(0, vocabulary.size - 1)
                chosen.append((i, tokens[i]))
        labels = np.full(len(tokens), -100, np.int32)
        for i, token in sorted(chosen):
            labels[i] = token
        return {"input_ids": np.array(inputs, np.int32), "labels": labels}

    return lambda rows: [example(int(row)) for row in rows]


def compare(name: str, ours: FeatureSet, plain: dict[str, Turn], turns: int) -> float:
    """Print a line for each plain loop and return our core seconds per row."""
    loops: dict[str, Turn] = {"ours": lambda rows: ours.features(rows, 0), **plain}
    seconds: dict[str, list[float]] = {loop: [] for loop in loops}
    for number in range(turns + 1):
        rows = np.arange(number * BATCH * BATCHES, (number + 1) * BATCH * BATCHES)
        for loop, turn in loops.items():
            begin = time.process_time()
            for batch in np.split(rows, BATCHES):
                turn(batch)
            if number:  # the first turn warms up
                seconds[loop].append((time.process_time() - begin) / len(rows))
    medians = {loop: statistics.median(values) for loop, values in seconds.items()}
    for loop in plain:
        ratios = [p / o for o, p in zip(seconds["ours"], seconds[loop], strict=True)]
        low, middle, high = quartiles(ratios)
        print(
            f"{name:16} {loop:10} {medians['ours'] * 1e6:8.1f} {medians[loop] * 1e6:9.1f}   "
            f"{middle:6.1f}   {low:.1f} to {high:.1f}"
        )
    return medians["ours"]


def step_seconds(objective: FeatureSet, vocabulary: Vocabulary, rows: int) -> float:
    """The median core seconds of three training steps of t5-small, after one to warm up."""
    import torch

    from headwater.data.batching import collate
    from headwater.models.t5.config import PRESETS
    from headwater.models.t5.network import T5

    model = T5(PRESETS["t5-small"]).train()
    optimizer = torch.optim.AdamW(model.parameters())
    batch = collate(objective.features(np.arange(rows), 0), vocabulary.pad_id or 0)
    seconds = []
    for _ in range(4):
        begin = time.process_time()
        sum(model.loss_sums(batch).values()).backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.process_time() - begin)
    return statistics.median(seconds[1:])


def main() -> None:
    """Run the turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--t5", type=Path, required=True, help="a T5 vocabulary")
    parser.add_argument("--bert", type=Path, required=True, help="a BERT vocabulary")
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--step", type=int, metavar="ROWS", help="also time t5-small on ROWS rows")
    options = parser.parse_args()
    t5, bert = load_vocabulary(options.t5), load_vocabulary(options.bert)
    rows = (options.turns + 1) * BATCH * BATCHES
    texts = make_store(t5, rows)
    spans = SpanCorruption(texts, t5, SpanCorruptionConfig(), seed=0)
    words = make_store(bert, rows)
    masks = MaskedLM(words, bert, MaskedLMConfig(next_sentence=False), seed=0)
    print("us per example   beside         ours     other    ratio   (quartiles)")
    loops = {
        "published": plain_span_corruption(texts, span_corruption(t5)),
        "tuned": plain_span_corruption(texts, span_corruption(t5, tuned_segmentation)),
    }
    each = compare("span corruption", spans, loops, options.turns)
    compare("masked LM", masks, {"published": plain_masked_lm(words, bert)}, options.turns)
    if options.step:
        step = step_seconds(spans, t5, options.step)
        share = each * options.step / step
        print(
            f"t5-small, {options.step} rows: {step:.2f} core s a step, the rows {share:.4%} of it"
        )


if __name__ == "__main__":
    main()
