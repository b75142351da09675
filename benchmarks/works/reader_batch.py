"""The bundled reader answers questions of SQuAD dev together."""

import time
from collections.abc import Sequence
from functools import partial

import torch

import headwater
from benchmarks.harness.operations import MINILM, mean
from benchmarks.harness.run import equal
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, Context, Facts, Side, Work
from benchmarks.works import reader_peers
from benchmarks.works.squad import f1, questions
from headwater.data.config import SpanConfig
from headwater.data.example import SpanExample
from headwater.tasks.windows import build_windows

COUNT, FEWER = 150, 30  # questions of a turn; where they are answered one by one
TRIED = 60  # questions to find the best batch with
SIZES = (512, 1024, 2048, 4096)  # batches that the tuned loop tries, in tokens


def headwaters(turns: Turns, context: Context) -> Facts:
    """Answer all in one call; compare with float32 after."""
    examples = questions(context, count=context.some(COUNT))
    pairs = [(each.question, each.context) for each in examples]
    model, exact = headwater.load("reader"), headwater.load("reader", precision="fp32")
    answers: list[str] = []
    for _ in turns:
        answers = [found[0].text for found in model.answer_batch(pairs)]
        turns.count(len(pairs))
    right = [found[0].text for found in exact.answer_batch(pairs)]
    windows = build_windows(model.vocabulary, examples, SpanConfig(), labelled=False)
    each = len(windows) / len(pairs)
    return {
        OPERATIONS: each * mean(MINILM.read(int(length)) for length in windows.lengths),
        "answers equal to float32 share": equal(answers, right),
        "F1": f1(examples, answers),
        "F1 in float32": f1(examples, right),
    }


@torch.inference_mode()
def one_by_one(turns: Turns, context: Context) -> Facts:
    """Answer each question by itself."""
    examples = questions(context, count=context.some(FEWER))
    tokenizer, network = reader_peers.tokenizer(), reader_peers.network()
    for _ in turns:
        for each in examples:
            inputs = reader_peers.windows(tokenizer, [each], padding=True, return_tensors="pt")
            del inputs["overflow_to_sample_mapping"]
            network(**inputs)
            turns.count(1)
    return {}


@torch.inference_mode()
def batched(turns: Turns, context: Context, dtype: str) -> Facts:
    """Answer in batches; in half precision, of the size that is fastest here."""
    examples = questions(context, count=context.some(COUNT))
    tokenizer = reader_peers.tokenizer()
    network = reader_peers.network(getattr(torch, dtype))

    def answer(some: Sequence[SpanExample], tokens: int | None) -> float:
        begin = time.perf_counter()
        for arrays in reader_peers.batches(tokenizer, some, tokens):
            reader_peers.run(network, arrays)
        return time.perf_counter() - begin

    tokens = None
    if dtype == "bfloat16":
        tried = examples[: context.some(TRIED)]
        tokens = min(SIZES, key=lambda size: min(answer(tried, size) for _ in range(2)))
    for _ in turns:
        answer(examples, tokens)
        turns.count(len(examples))
    return {} if tokens is None else {"tokens in a batch": tokens}


def onnxruntimes(turns: Turns, context: Context, int8: bool) -> Facts:
    """Answer in batches through onnxruntime."""
    examples = questions(context, count=context.some(COUNT))
    reader = reader_peers.OnnxReader(int8=int8, threads=context.threads)
    for _ in turns:
        for arrays in reader_peers.batches(reader.tokenizer, examples):
            reader.run(arrays)
        turns.count(len(examples))
    return {}


PLAIN, ONNX = ("transformers",), ("transformers", "onnx", "onnxruntime")

WORK = Work(
    "reader-batch",
    "reader, many questions together",
    "questions/s",
    (
        Side("headwater", headwaters),
        Side("transformers one by one fp32", one_by_one, PLAIN),
        Side("transformers batch fp32", partial(batched, dtype="float32"), PLAIN),
        Side("transformers bf16 weights", partial(batched, dtype="bfloat16"), PLAIN),
        Side("onnxruntime fp32", partial(onnxruntimes, int8=False), ONNX),
        Side("onnxruntime int8", partial(onnxruntimes, int8=True), ONNX),
    ),
)
