"""A t5-small learns to write the answers of SQuAD, beside a loop tuned by hand and a plain one."""

import random
from collections.abc import Iterator

import torch

from benchmarks.harness.operations import TRAINING, mean, t5_small
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, Context, Facts, Work
from benchmarks.works.squad import TRAIN, questions
from benchmarks.works.t5_writing import SPIECE, prepare
from benchmarks.works.training import Batch, loop, sides, train
from headwater.checkpoints.folder import load_model
from headwater.data.batching import collate
from headwater.data.convert import EncodedPairs, encode_text_pairs
from headwater.data.example import TextExample
from headwater.tasks.squad import question_text
from headwater.text.loading import load_vocabulary
from headwater.training.config import BatchSize, TrainingConfig

BATCH, INPUTS, TARGETS, EXAMPLES, STEPS = 8, 512, 32, 3000, 9


def read_pairs(context: Context) -> EncodedPairs:
    """Return questions with contexts, and their answers."""
    examples = [
        TextExample(each.id, question_text(each), each.golds[:1])
        for each in questions(context, TRAIN, EXAMPLES)
    ]
    return encode_text_pairs(load_vocabulary(context.file(SPIECE)), examples, INPUTS, TARGETS)


def headwaters(turns: Turns, context: Context) -> Facts:
    """Train by the Trainer, in batches of about BATCH examples."""
    pairs = read_pairs(context)
    tokens = int(BATCH * pairs.lengths.mean())
    config = TrainingConfig(steps=10**6, batch=BatchSize(tokens=tokens))
    model = load_model(context.scratch / "t5").model
    found = train(
        turns, model, pairs, config, pad_id=0, steps=context.some(STEPS), size=lambda _: 1
    )
    both = zip(pairs.lengths.tolist(), pairs.target_lengths.tolist(), strict=True)
    return {**found, OPERATIONS: TRAINING * mean(t5_small(all - own, own) for all, own in both)}


def transformers(turns: Turns, context: Context, tuned: bool) -> Facts:
    """Train in a plain loop, or in one tuned by hand."""
    from transformers import T5ForConditionalGeneration

    pairs = read_pairs(context)
    network = T5ForConditionalGeneration.from_pretrained(
        context.scratch / "t5", dtype=torch.float32
    )
    return loop(
        *(turns, network, batches(pairs, tuned=tuned)),
        steps=context.some(STEPS) if tuned else 1,
        size=lambda batch: len(batch["input_ids"]),
        tuned=tuned,
    )


def batches(pairs: EncodedPairs, *, tuned: bool) -> Iterator[Batch]:
    """Yield batches: of like length, padded to the longest; or as they come, to fixed lengths."""
    inputs = pairs.lengths - pairs.target_lengths
    order = random.Random(0).sample(range(len(pairs)), len(pairs))
    if tuned:
        order.sort(key=lambda row: int(inputs[row]))
    rows = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    random.Random(1).shuffle(rows)
    while True:
        for each in rows:
            batch = collate([pairs[row] for row in each], 0)
            batch["attention_mask"] = batch["attention_mask"].long()
            yield batch if tuned else _fixed(batch)


def _fixed(batch: dict[str, torch.Tensor]) -> Batch:
    widths = {"input_ids": (INPUTS, 0), "attention_mask": (INPUTS, 0), "labels": (TARGETS, -100)}
    return {
        name: torch.nn.functional.pad(batch[name], (0, width - batch[name].shape[1]), value=fill)
        for name, (width, fill) in widths.items()
    }


WORK = Work(
    "finetune-t5",
    "t5-small learns answers",
    "examples/s",
    sides(headwaters, transformers),
    prepare=prepare,
)
