"""Pre-training on packed passages: masked LM, span corruption, causal LM, at published sizes.

Peers run in bf16 with the fused update, on rows that joined texts fill, as their examples pack
them. Ours packs whole texts that do not see each other.
"""

from functools import partial
from typing import Any

import torch

from benchmarks.harness import operations
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, Context, Facts, Side, Work
from benchmarks.works.collators import collated, corrupted, rows, span_corruption
from benchmarks.works.pretraining_text import BERT, GPT2, passages, vocabulary_of
from benchmarks.works.training import loop, train
from headwater.data.convert import FeatureSet
from headwater.models.bert.config import BertConfig
from headwater.models.build import build_model
from headwater.models.gpt.config import GPTConfig
from headwater.models.t5.config import T5Config
from headwater.objectives.lm import LanguageModel, LanguageModelConfig
from headwater.objectives.mlm import MaskedLM, MaskedLMConfig
from headwater.objectives.span_corruption import SpanCorruption, SpanCorruptionConfig
from headwater.text.special_tokens import end_token
from headwater.training.config import BatchSize, TrainingConfig

LENGTH, TARGETS, RAW = 512, 114, 568  # tokens: inputs, T5's targets, the text that makes both
ROWS, STEPS = 4, 1


def prepare(context: Context, name: str) -> None:
    """Make the store."""
    passages(context, name)


def headwaters(turns: Turns, context: Context, name: str) -> Facts:
    """Train by the Trainer."""
    store, vocabulary = passages(context, name), vocabulary_of(context, name)
    features: FeatureSet
    if name == "bert":
        options = MaskedLMConfig(next_sentence=False, packing=True, max_length=LENGTH)
        features = MaskedLM(store, vocabulary, options, seed=0)
        model = build_model(BertConfig(), "masked_lm")
    elif name == "t5":
        features = SpanCorruption(store, vocabulary, SpanCorruptionConfig(packing=True), seed=0)
        model = build_model(T5Config())
    else:
        texts = LanguageModelConfig(length=LENGTH, packing=True)
        features = LanguageModel(store, vocabulary, texts, seed=0)
        model = build_model(GPTConfig())
    lengths = features.lengths
    found = train(
        *(turns, model, features, TrainingConfig(steps=10**6, batch=BatchSize(examples=ROWS))),
        pad_id=vocabulary.pad_id or 0,
        steps=STEPS,
        size=lambda index: int(lengths[index]),
    )
    return {**found, OPERATIONS: operations.TRAINING * _forward(name)}


def _forward(name: str) -> float:
    """Return the operations of a forward pass for one token, of a row without packing."""
    if name == "t5":
        return operations.t5_small(LENGTH, TARGETS) / (LENGTH + TARGETS)
    width = operations.GPT2.width
    if name == "gpt2":
        output = operations.linear(LENGTH, width, operations.GPT2_WORDS)
        return (operations.GPT2.read(LENGTH, LENGTH / 2) + output) / LENGTH
    masked = 0.15 * LENGTH
    output = operations.linear(masked, width, width + operations.BERT_WORDS)
    return (operations.BERT_BASE.read(LENGTH) + output) / LENGTH


def transformers(turns: Turns, context: Context, name: str) -> Facts:
    """Train in a loop tuned by hand, with the collator of `transformers` where it has one."""
    import transformers

    store, vocabulary = passages(context, name), vocabulary_of(context, name)
    torch.manual_seed(0)
    network: Any
    collator = transformers.DataCollatorForLanguageModeling
    if name == "bert":
        network = transformers.BertForMaskedLM(transformers.BertConfig())
        tokenizer = transformers.AutoTokenizer.from_pretrained(BERT)
        ends = [tokenizer.cls_token_id], [tokenizer.sep_token_id]
        batches = collated(rows(store, LENGTH, *ends), ROWS, collator(tokenizer))
    elif name == "t5":
        config = transformers.T5Config(decoder_start_token_id=0)
        network = transformers.T5ForConditionalGeneration(config)
        texts = rows(store, RAW, after=[end_token(vocabulary)])
        batches = corrupted(texts, ROWS, span_corruption(vocabulary))
    else:
        network = transformers.GPT2LMHeadModel(transformers.GPT2Config())
        tokenizer = transformers.GPT2Tokenizer.from_pretrained(context.file(GPT2))
        tokenizer.pad_token = tokenizer.eos_token
        texts = rows(store, LENGTH, after=[tokenizer.eos_token_id])
        batches = collated(texts, ROWS, collator(tokenizer, mlm=False))
    sides = ("input_ids", "labels") if name == "t5" else ("input_ids",)
    return loop(
        *(turns, network, batches),
        steps=STEPS,
        size=lambda batch: sum(batch[side].numel() for side in sides),
    )


def _work(name: str, work: str, title: str) -> Work:
    return Work(
        work,
        title,
        "tokens/s",
        (
            Side("headwater", partial(headwaters, name=name)),
            Side("transformers tuned", partial(transformers, name=name), ("transformers",)),
        ),
        prepare=partial(prepare, name=name),
    )


MLM = _work("bert", "pretrain-mlm", "masked LM at BERT-base, 4 x 512")
SPANS = _work("t5", "pretrain-spans", "span corruption at t5-small, 4 x 512")
CAUSAL = _work("gpt2", "pretrain-lm", "causal LM at GPT-2, 4 x 512")
