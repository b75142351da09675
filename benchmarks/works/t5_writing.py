"""A t5-small with random weights reads questions of SQuAD and writes 16 tokens for each.

Three works: many texts together, one text at a time, and a search with four beams.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sentencepiece import SentencePieceProcessor

import headwater
from benchmarks.harness.operations import mean, t5_small
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, OUTPUTS, Context, Facts, Side, Work
from benchmarks.works.squad import questions
from headwater.checkpoints.folder import save_model
from headwater.models.build import build_model
from headwater.tasks.squad import question_text
from headwater.text.loading import load_vocabulary

SPIECE = "tokenizers/t5/spiece.model"
TOKENS = 16  # written for each text
SHORTEST, LONGEST = 120, 260  # of the inputs, in tokens
SIZES = (16, 48)  # batches that peers try, in texts
ENDS = (0, 1)  # padding and the end of a text
REFERENCE = "transformers fp32"


@dataclass(frozen=True)
class Writing:
    """How many texts are written in a turn, and how; `together` is false for one at a time."""

    texts: int
    beams: int = 1
    together: bool = True


def prepare(context: Context) -> None:
    """Save a model with random weights, whose likeliest tokens differ enough to be equal."""
    folder = context.scratch / "t5"
    if folder.exists():
        return
    torch.manual_seed(0)
    model: Any = build_model("t5-small")
    with torch.no_grad():
        model.embedding.weight.normal_(std=0.6)
    save_model(folder, model, vocabulary=load_vocabulary(context.file(SPIECE)))


def read_texts(context: Context, writing: Writing) -> tuple[SentencePieceProcessor, list[str]]:
    """Return T5's tokenizer and questions with contexts, of like length."""
    processor = SentencePieceProcessor(model_file=str(context.file(SPIECE)))
    texts = map(question_text, questions(context))
    fitting = (text for text in texts if SHORTEST < len(processor.encode(text)) < LONGEST)
    return processor, [next(fitting) for _ in range(context.some(writing.texts))]


def write(turns: Turns, texts: Sequence[str], writing: Writing, generate: Any) -> list[str]:
    """Write texts in every turn by `generate(texts)`; return those of the last."""
    found: list[str] = []
    for _ in turns:
        parts = [texts] if writing.together else [[text] for text in texts]
        found = [text for part in parts for text in generate(part)]
        turns.count(len(texts))
    return found


def headwaters(turns: Turns, context: Context, writing: Writing) -> Facts:
    """Write by `LoadedModel.generate`."""
    processor, texts = read_texts(context, writing)
    model = headwater.load(context.scratch / "t5")
    options = {"max_new_tokens": TOKENS, "min_new_tokens": TOKENS, "num_beams": writing.beams}
    found = write(turns, texts, writing, lambda part: model.generate(part, **options))
    lengths = [len(processor.encode(text)) + 1 for text in texts]
    # Every beam goes through the decoder; the encoder reads once.
    once = mean(t5_small(length, 0) for length in lengths)
    whole = mean(t5_small(length, TOKENS) for length in lengths)
    return {OPERATIONS: once + writing.beams * (whole - once), OUTPUTS: found}


def fastest(generate: Callable[[Sequence[str], int], object], texts: Sequence[str]) -> int:
    """Return the size of batches with which all texts are written soonest."""
    if len(texts) <= SIZES[0]:
        return SIZES[0]

    def seconds(size: int) -> float:
        begin = time.perf_counter()
        generate(texts, size)
        return time.perf_counter() - begin

    generate(texts, SIZES[0])
    return min(SIZES, key=seconds)


@torch.inference_mode()
def transformers(turns: Turns, context: Context, writing: Writing, dtype: str) -> Facts:
    """Write by `generate`, in batches of like length."""
    from transformers import T5ForConditionalGeneration

    processor, texts = read_texts(context, writing)
    vocabulary = load_vocabulary(context.file(SPIECE))
    network = T5ForConditionalGeneration.from_pretrained(
        context.scratch / "t5", dtype=getattr(torch, dtype)
    ).eval()

    def generate(texts: Sequence[str], size: int) -> list[str]:
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        written = [""] * len(texts)
        for begin in range(0, len(order), size):
            part = order[begin : begin + size]
            ids = [torch.tensor([*processor.encode(texts[index]), 1]) for index in part]
            inputs = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
            found = network.generate(
                input_ids=inputs,
                attention_mask=(inputs != 0).long(),
                max_new_tokens=TOKENS,
                min_new_tokens=TOKENS,
                do_sample=False,
                num_beams=writing.beams,
            )
            for index, row in zip(part, found[:, 1:].tolist(), strict=True):
                written[index] = vocabulary.decode([id for id in row if id not in ENDS])
        return written

    size = fastest(generate, texts)
    found = write(turns, texts, writing, lambda part: generate(part, size))
    return {OUTPUTS: found, "texts in a batch": size if writing.together else 1}


def ctranslate2s(turns: Turns, context: Context, writing: Writing, dtype: str) -> Facts:
    """Write by CTranslate2's translator."""
    import ctranslate2

    processor, texts = read_texts(context, writing)
    vocabulary = load_vocabulary(context.file(SPIECE))
    ids = {vocabulary.token(id): id for id in range(vocabulary.size)}
    with TemporaryDirectory() as folder:
        converted = _converted(context.scratch / "t5", Path(folder), dtype)
        translator = ctranslate2.Translator(
            converted, intra_threads=context.threads, inter_threads=1, compute_type=dtype
        )

    def generate(texts: Sequence[str], size: int) -> list[str]:
        found = translator.translate_batch(
            [[*map(processor.id_to_piece, processor.encode(text)), "</s>"] for text in texts],
            beam_size=writing.beams,
            max_decoding_length=TOKENS,
            min_decoding_length=TOKENS,
            max_batch_size=size,
        )
        return [vocabulary.decode([ids[token] for token in f.hypotheses[0]]) for f in found]

    size = fastest(generate, texts)
    found = write(turns, texts, writing, lambda part: generate(part, size))
    return {OUTPUTS: found, "texts in a batch": size if writing.together else 1}


def _converted(model: Path, folder: Path, dtype: str) -> str:
    """Convert a copy of the model; the converter asks for the tokenizer's files."""
    import ctranslate2
    from transformers import T5Tokenizer

    copied = shutil.copytree(model, folder / "t5")
    T5Tokenizer.from_pretrained(str(copied)).save_pretrained(str(copied))
    converter = ctranslate2.converters.TransformersConverter(str(copied))
    quantization = None if dtype == "float32" else dtype
    return str(converter.convert(str(folder / "converted"), quantization=quantization))


def _work(name: str, title: str, writing: Writing) -> Work:
    plain, engine = ("transformers",), ("transformers", "ctranslate2")
    return Work(
        name,
        title,
        "texts/s",
        (
            Side("headwater", partial(headwaters, writing=writing)),
            Side(REFERENCE, partial(transformers, writing=writing, dtype="float32"), plain),
            Side(
                "transformers bf16 weights",
                partial(transformers, writing=writing, dtype="bfloat16"),
                plain,
            ),
            Side(
                "ctranslate2 fp32", partial(ctranslate2s, writing=writing, dtype="float32"), engine
            ),
            Side("ctranslate2 int8", partial(ctranslate2s, writing=writing, dtype="int8"), engine),
        ),
        reference=REFERENCE,
        prepare=prepare,
    )


GREEDY = _work("t5-greedy", "t5-small writes 48 texts, greedy", Writing(48))
ONE = _work("t5-one", "t5-small writes one text, greedy", Writing(8, together=False))
BEAM = _work("t5-beam", "t5-small writes 16 texts, 4 beams", Writing(16, beams=4))
