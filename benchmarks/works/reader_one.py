"""The warm reader answers one question on 180 tokens at a time."""

from functools import partial
from typing import Any

import torch

import headwater
from benchmarks.harness.operations import MINILM
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, Context, Facts, Side, Work
from benchmarks.works import reader_peers
from benchmarks.works.reader_batch import ONNX, PLAIN
from benchmarks.works.squad import questions
from headwater.data.config import SpanConfig
from headwater.data.example import SpanExample
from headwater.tasks.windows import build_windows

TOKENS, AROUND, COUNT = 180, 8, 24


def chosen(context: Context) -> list[SpanExample]:
    """Return questions that are about TOKENS long with their contexts."""
    vocabulary = headwater.load("reader").vocabulary
    examples = questions(context, count=2000)
    windows = build_windows(vocabulary, examples, SpanConfig(), labelled=False)
    near = abs(windows.lengths - TOKENS) <= AROUND
    return [examples[int(index)] for index in windows.example_of[near][: context.some(COUNT)]]


def headwaters(turns: Turns, context: Context) -> Facts:
    """Ask each by itself."""
    examples, model = chosen(context), headwater.load("reader")
    for _ in turns:
        for each in examples:
            model.answer(each.question, each.context)
            turns.count(1)
    return {OPERATIONS: MINILM.read(TOKENS)}


@torch.inference_mode()
def transformers(turns: Turns, context: Context, dtype: str) -> Facts:
    """Tokenize, run and take the best position of each."""
    examples, tokenizer = chosen(context), reader_peers.tokenizer()
    network: Any = reader_peers.network(getattr(torch, dtype))
    for _ in turns:
        for each in examples:
            inputs = tokenizer(each.question, each.context, return_tensors="pt")
            network(**inputs).start_logits.argmax()
            turns.count(1)
    return {}


def onnxruntimes(turns: Turns, context: Context) -> Facts:
    """The same through onnxruntime in int8."""
    examples = chosen(context)
    reader = reader_peers.OnnxReader(int8=True, threads=context.threads)
    for _ in turns:
        for each in examples:
            (arrays,) = reader_peers.batches(reader.tokenizer, [each])
            reader.run(arrays)
            turns.count(1)
    return {}


WORK = Work(
    "reader-one",
    "reader, one question of 180 tokens",
    "questions/s",
    (
        Side("headwater", headwaters),
        Side("transformers fp32", partial(transformers, dtype="float32"), PLAIN),
        Side("transformers bf16 weights", partial(transformers, dtype="bfloat16"), PLAIN),
        Side("onnxruntime int8", onnxruntimes, ONNX),
    ),
)
