"""Tiny models, vocabularies and data files, made the same way in every room's tests.

Models are drawn from a seed, so that two of the same sizes are equal. Each `changes` is a field of
the family's config.
"""

import json
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from headwater.checkpoints.folder import save_model
from headwater.corpus.build import build
from headwater.models.bert.config import BertConfig
from headwater.models.build import Model, build_model
from headwater.models.cbow.family import CBOWConfig
from headwater.models.config import ModelConfig
from headwater.models.elmo.config import ELMoConfig
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.gpt.config import GPTConfig
from headwater.models.t5.config import T5Config
from headwater.runs.recipe import PretrainRecipe
from headwater.text.loading import load_vocabulary
from headwater.text.training import VocabularyPlan, train_vocabulary
from headwater.text.vocabulary import Vocabulary

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = string.ascii_lowercase
ENCODERS: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {"model_type": "roberta", "pad_token_id": 1, "type_vocab_size": 1},
    "distilbert": {"model_type": "distilbert", "type_vocab_size": 0},
}
"""What the configs of BERT's family change."""

GOOD, BAD = "the mill is good .", "the river is bad ."
WORDS = ("the", "good", "bad", "mill", "river", "is", "not", "a", ".")
SST2, RTE = "sentence label", "index sentence1 sentence2 label"

# ------------------------------------------------------------------------------------- configs


def bert_config(*, dropout: float = 0.1, **changes: Any) -> BertConfig:
    """Two layers, 16 wide, with two heads, over 40 tokens."""
    sizes: dict[str, Any] = {
        "vocab_size": 40,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }
    return BertConfig(**{**sizes, **changes})


def t5_config(*, dropout: float = 0.1, **changes: Any) -> T5Config:
    """Two layers in the encoder and in the decoder, 16 wide, with two heads, over 40 tokens."""
    sizes: dict[str, Any] = {
        "vocab_size": 40,
        "d_model": 16,
        "d_kv": 8,
        "d_ff": 32,
        "num_layers": 2,
        "num_decoder_layers": 2,
        "num_heads": 2,
        "dropout_rate": dropout,
    }
    return T5Config(**{**sizes, **changes})


def encoder_decoder_config(
    *, dropout: float = 0.1, vocab_size: int = 40, positions: int = 20, **changes: Any
) -> EncoderDecoderConfig:
    """An encoder of three layers and a decoder of two, 16 wide, with one table of 40 tokens."""
    encoder = bert_config(dropout=dropout, vocab_size=vocab_size, num_hidden_layers=3)
    sizes: dict[str, Any] = {
        "encoder": encoder,
        "decoder": replace(encoder, num_hidden_layers=2, max_position_embeddings=positions),
        "shared_embeddings": True,
        "decoder_start_token_id": 2,
        "eos_token_id": 3,
    }
    return EncoderDecoderConfig(**{**sizes, **changes})


def gpt_config(*, dropout: float = 0.1, **changes: Any) -> GPTConfig:
    """Two layers, 16 wide, with two heads, over 40 tokens and 32 positions."""
    sizes: dict[str, Any] = {
        "vocab_size": 40,
        "n_embd": 16,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 32,
        "resid_pdrop": dropout,
        "embd_pdrop": dropout,
        "attn_pdrop": dropout,
    }
    return GPTConfig(**{**sizes, **changes})


def elmo_config(**changes: Any) -> ELMoConfig:
    """Two layers in each direction with 16 cells, projected to 8, over 40 words."""
    sizes: dict[str, Any] = {
        "vocab_size": 40,
        "filters": ((1, 4), (2, 4)),
        "num_highway": 1,
        "projection_dim": 8,
        "cells": 16,
        "samples": 16,
    }
    return ELMoConfig(**{**sizes, **changes})


def cbow_config(**changes: Any) -> CBOWConfig:
    """Vectors of 8 numbers for 40 words."""
    return CBOWConfig(**{"vocab_size": 40, "vector_size": 8, "samples": 10, **changes})


CONFIGS: dict[str, Callable[..., ModelConfig]] = {
    "bert": bert_config,
    "t5": t5_config,
    "gpt": gpt_config,
    "encoder_decoder": encoder_decoder_config,
    "elmo": elmo_config,
    "cbow": cbow_config,
}

PRESET_SIZES: dict[str, dict[str, Any]] = {
    "bert-base-uncased": {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
    },
    "gpt2": {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64},
    "t5-small": {
        "d_model": 16,
        "d_kv": 8,
        "d_ff": 32,
        "num_layers": 1,
        "num_decoder_layers": 1,
        "num_heads": 2,
    },
    "cbow": {"vector_size": 16, "samples": 50},
}
"""What a recipe writes under `[network.sizes]` to make a preset tiny."""

# -------------------------------------------------------------------------------------- models


def model(
    config: ModelConfig,
    head: str | None = None,
    *,
    labels: Sequence[str] = (),
    seed: int | None = 0,
) -> Model:
    """A model of random weights, in training mode; seed None draws on from the last model."""
    if seed is not None:
        torch.manual_seed(seed)
    return build_model(config, head, labels=labels)


def bert(
    head: str | None = None, *, labels: Sequence[str] = (), seed: int | None = 0, **changes: Any
) -> Model:
    """A BERT of `bert_config`, or its body alone."""
    return model(bert_config(**changes), head, labels=labels, seed=seed)


def t5(*, seed: int | None = 0, **changes: Any) -> Model:
    """A T5 of `t5_config`."""
    return model(t5_config(**changes), seed=seed)


def gpt(*, seed: int | None = 0, **changes: Any) -> Model:
    """A GPT of `gpt_config`."""
    return model(gpt_config(**changes), seed=seed)


def cbow(*, seed: int | None = 0, **changes: Any) -> Model:
    """A CBOW of `cbow_config`."""
    return model(cbow_config(**changes), seed=seed)


def draw_weights(network: torch.nn.Module, deviation: float) -> None:
    """Draw all weights around 0, and vectors (norms and biases) around 1, away from defaults."""
    for parameter in network.parameters():
        mean = 1.0 if parameter.dim() == 1 else 0.0
        torch.nn.init.normal_(parameter, mean, deviation)


def model_folder(
    folder: Path,
    vocabulary: Vocabulary,
    head: str | None = None,
    *,
    family: str = "bert",
    labels: Sequence[str] = (),
    seed: int | None = 0,
    extra: Mapping[str, object] | None = None,
    **changes: Any,
) -> Path:
    """Save a model of a family that is as large as a vocabulary, beside it; returns the folder."""
    config = CONFIGS[family](vocab_size=vocabulary.size, **changes)
    made = model(config, head, labels=labels, seed=seed)
    save_model(folder, made, vocabulary=vocabulary, extra=extra)
    return folder


def reader(folder: Path, **changes: Any) -> Path:
    """Save a BERT that finds spans in windows of 40 tokens, or says that there is no answer."""
    words = wordpiece(folder.with_name("vocabulary"), ["the", "mill", "river"], LETTERS + "?")
    extra = {"spans": {"max_length": 40, "max_query_length": 10}, "no_answer_threshold": 0.0}
    return model_folder(folder, words, "span", extra=extra, **changes)


# -------------------------------------------------------------------------------- vocabularies


def wordpiece(folder: Path, words: Sequence[str] = (), letters: str = "") -> Vocabulary:
    """A `vocab.txt`: BERT's special tokens, the words, the letters, and the letters inside a word.

    Without letters, any other word is [UNK].
    """
    tokens = [*SPECIAL, *words, *(letter for letter in letters if letter not in words)]
    tokens += [f"##{letter}" for letter in letters]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return load_vocabulary(folder)


def byte_pairs(folder: Path, *merged: str) -> Vocabulary:
    """RoBERTa's layout with bytes as tokens, and what is `merged`, each from two tokens "Ġ t"."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    signs = [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(others))]
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *signs]
    tokens += [pair.replace(" ", "") for pair in merged]
    ids = {token: index for index, token in enumerate(tokens)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(("#version: 0.2", *merged, "")), encoding="utf-8")
    return load_vocabulary(folder)


def gpt1(folder: Path, *merged: str, letters: str = LETTERS + ".,?") -> Vocabulary:
    """The first GPT's layout: letters, letters with `</w>`, and what is `merged`, "t h"."""
    tokens = ["<unk>", *letters, *(f"{letter}</w>" for letter in letters)]
    tokens += [pair.replace(" ", "") for pair in merged]
    folder.mkdir(parents=True, exist_ok=True)
    ids = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(("#version: 0.2", *merged, "")), encoding="utf-8")
    return load_vocabulary(folder)


def unigram(folder: Path, words: Sequence[str], letters: str = LETTERS) -> Vocabulary:
    """T5's layout with an end of the sequence and no sentinels: whole words, and letters."""
    tokens = [["<pad>", 0.0], ["</s>", 0.0], ["<unk>", -20.0], ["▁", -3.0]]
    tokens += [[f"▁{word}", -4.0] for word in words if len(word) > 1]
    tokens += [[letter, -6.0] for letter in letters]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    special = [{"id": n, "content": tokens[n][0], "special": True} | flags for n in range(3)]
    spaces = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    parts = {"normalizer": None, "pre_tokenizer": spaces, "post_processor": None, "decoder": spaces}
    scores = {"type": "Unigram", "unk_id": 2, "vocab": tokens, "byte_fallback": False}
    content = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**content, **parts, "model": scores})
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    roles = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(roles), encoding="utf-8")
    return load_vocabulary(folder)


def example_unigram() -> Vocabulary:
    """The Unigram vocabulary of the examples, with 100 sentinels."""
    return load_vocabulary(EXAMPLES / "vocabulary")


def words(folder: Path, texts: Iterable[str], size: int, *, lower_case: bool = False) -> Vocabulary:
    """The most frequent whole words of some texts; what stands there once is left out."""
    plan = VocabularyPlan(kind="word", size=size, lower_case=lower_case)
    return train_vocabulary(plan, list(texts), folder)


# ---------------------------------------------------------------------------------------- text


def example_text() -> str:
    """The text of the examples, about a spring."""
    return (EXAMPLES / "spring.txt").read_text(encoding="utf-8")


def example_words(folder: Path, size: int = 100) -> Vocabulary:
    """The words of that text in lower case."""
    return words(folder, [example_text()] * 2, size, lower_case=True)


def example_corpus(file: Path) -> Path:
    """Four documents of one length and another, all of them ends of that text."""
    texts = [example_text()[begin:] for begin in (0, 200, 400, 600)]
    return json_lines(file, [{"text": text} for text in texts])


def token_store(folder: Path, vocabulary: Vocabulary, *inputs: Path) -> Path:
    """A token store of some files, or of `example_corpus`; returns its folder."""
    sources = inputs or (example_corpus(folder.with_name(f"{folder.name}.jsonl")),)
    build(sources, vocabulary, folder)
    return folder


def exact_training(
    steps: int, examples: int, changes: Mapping[str, Any] = MappingProxyType({}), **usual: Any
) -> dict[str, Any]:
    """The table `[training]` of a run on the CPU in float32; `changes` win."""
    own = {"steps": steps, "batch": {"examples": examples}, "precision": "fp32", "device": "cpu"}
    return own | usual | dict(changes)


def pretrain_recipe(
    objective: str,
    preset: str,
    store: Path,
    *,
    sizes: Mapping[str, Any] = MappingProxyType({}),
    training: Mapping[str, Any] = MappingProxyType({}),
    **tables: Any,
) -> PretrainRecipe:
    """Three steps of two sequences on a tiny preset; `tables` are further tables of the recipe."""
    values = {
        "objective": objective,
        "network": {"preset": preset, "sizes": {**PRESET_SIZES.get(preset, {}), **sizes}},
        "corpus": {"train": str(store), "validation": str(store), "validation_rows": 4},
        "training": exact_training(3, 2, training, logging_steps=1),
    }
    return PretrainRecipe.check(values | tables, "test")


# --------------------------------------------------------------------------------------- files


def json_lines(file: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    """A file with a JSON object on each line."""
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    file.write_text(lines, encoding="utf-8")
    return file


def tab_separated(file: Path, rows: Iterable[Sequence[object]], columns: str = "") -> Path:
    """A table with tabs; `columns`, parted by spaces, become its first line."""
    header = [columns.split()] if columns else []
    lines = ("\t".join(map(str, row)) + "\n" for row in (*header, *rows))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines), encoding="utf-8")
    return file


def cola(file: Path, count: int) -> Path:
    """Sentences in CoLA's layout, by turns `BAD` and `GOOD`, whose words tell the label."""
    rows = [("gj04", n % 2, "", GOOD if n % 2 else BAD) for n in range(count)]
    return tab_separated(file, rows)


def sst2(file: Path, count: int) -> Path:
    """The same sentences in SST-2's layout."""
    return tab_separated(file, [(GOOD if n % 2 else BAD, n % 2) for n in range(count)], SST2)


def rte(file: Path, count: int) -> Path:
    """Pairs in RTE's layout: `GOOD` entails itself and not `BAD`."""
    rows = [
        (n, GOOD, *((GOOD, "entailment") if n % 2 else (BAD, "not_entailment")))
        for n in range(count)
    ]
    return tab_separated(file, rows, RTE)


def conll(file: Path, sentences: Iterable[Sequence[tuple[str, str]]]) -> Path:
    """A file of sentences, each of words with their tags."""
    blocks = ("".join(f"{word} {tag}\n" for word, tag in sentence) for sentence in sentences)
    file.write_text("\n".join(blocks), encoding="utf-8")
    return file


def question(id: str, text: str, answer: str | None = None, start: int = 0) -> dict[str, Any]:
    """A question of SQuAD with one answer, or without the key for it."""
    known = {} if answer is None else {"answers": [{"text": answer, "answer_start": start}]}
    return {"id": id, "question": text, **known}


def unanswerable(id: str, text: str) -> dict[str, Any]:
    """A question of SQuAD 2.0 that its context does not answer."""
    return {"id": id, "question": text, "answers": [], "is_impossible": True}


def paragraph(context: str, *questions: Mapping[str, Any]) -> dict[str, Any]:
    """A paragraph of SQuAD."""
    return {"context": context, "qas": list(questions)}


def squad(*paragraphs: Mapping[str, Any], title: str = "mills") -> dict[str, Any]:
    """The content of a SQuAD file with one article."""
    return {"version": "1.1", "data": [{"title": title, "paragraphs": list(paragraphs)}]}


def squad_file(file: Path, *paragraphs: Mapping[str, Any]) -> Path:
    """That content in a file."""
    file.write_text(json.dumps(squad(*paragraphs)), encoding="utf-8")
    return file
