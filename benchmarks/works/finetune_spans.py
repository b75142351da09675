"""The reader's body learns questions of SQuAD, beside a loop tuned by hand and a plain one."""

import random
from collections.abc import Iterator

import torch

from benchmarks.harness.operations import MINILM, TRAINING, mean
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, Context, Facts, Work
from benchmarks.works.reader_peers import FOLDER, LENGTH
from benchmarks.works.squad import TRAIN, questions
from benchmarks.works.training import Batch, loop, sides, train
from headwater.checkpoints.folder import load_model
from headwater.data.batching import collate
from headwater.data.config import SpanConfig
from headwater.tasks.windows import SpanWindows, build_windows
from headwater.text.loading import load_vocabulary
from headwater.training.config import BatchSize, TrainingConfig

BATCH, STEPS = 16, 15  # of a turn: rows of many lengths, so that turns are alike
EXAMPLES = 10_000  # enough that an epoch counts as large, and is sorted by length in large pools
POOL = 50  # batches that are sorted by length together, as `group_by_length` has it


def read_windows(context: Context) -> SpanWindows:
    """Return labelled windows of training questions."""
    examples = questions(context, TRAIN, EXAMPLES)
    return build_windows(load_vocabulary(FOLDER), examples, SpanConfig(), labelled=True)


def headwaters(turns: Turns, context: Context) -> Facts:
    """Train by the Trainer, in batches of about BATCH windows."""
    windows = read_windows(context)
    tokens = int(BATCH * windows.lengths.mean())
    config = TrainingConfig(steps=10**6, batch=BatchSize(tokens=tokens))
    model = load_model(FOLDER, "span").model
    found = train(
        turns, model, windows, config, pad_id=0, steps=context.some(STEPS), size=lambda _: 1
    )
    operations = TRAINING * mean(MINILM.read(int(length)) for length in windows.lengths)
    return {**found, OPERATIONS: operations}


def transformers(turns: Turns, context: Context, tuned: bool) -> Facts:
    """Train in the loop of the examples, or in one tuned by hand."""
    from transformers import BertForQuestionAnswering

    windows = read_windows(context)
    network = BertForQuestionAnswering.from_pretrained(FOLDER, dtype=torch.float32)
    return loop(
        *(turns, network, batches(windows, tuned=tuned)),
        steps=context.some(STEPS) if tuned else 1,
        size=lambda batch: len(batch["input_ids"]),
        tuned=tuned,
        rate=5e-5,
    )


def batches(windows: SpanWindows, *, tuned: bool) -> Iterator[Batch]:
    """Yield batches: of like length, padded to the longest; or as they come, padded to LENGTH."""
    draw = random.Random(0)
    order = draw.sample(range(len(windows)), len(windows))
    if tuned:
        pools = [order[at : at + POOL * BATCH] for at in range(0, len(order), POOL * BATCH)]
        order = [row for pool in pools for row in sorted(pool, key=lambda r: windows.lengths[r])]
    rows = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    draw.shuffle(rows)
    while True:
        for each in rows:
            batch = collate([windows[row] for row in each], 0)
            batch["attention_mask"] = batch["attention_mask"].long()
            short = 0 if tuned else LENGTH - batch["input_ids"].shape[1]
            if short:
                for name in ("input_ids", "token_type_ids", "attention_mask"):
                    batch[name] = torch.nn.functional.pad(batch[name], (0, short))
            yield batch


WORK = Work(
    "finetune-spans",
    "MiniLM learns spans",
    "windows/s",
    sides(headwaters, transformers),
)
