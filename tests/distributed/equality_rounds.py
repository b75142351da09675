"""The same trainings in one process and in several; prints the logs of all as JSON.

    python equality_rounds.py FOLDER mlm,t5 1,2,2s

`2s` is two processes with `training.shard`, `2o` with `training.cpu_offload` as well. There is no
dropout: what one process computes then differs from what several do by rounding alone. Weights that
no folder has are learned in float64.
"""

import json
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from spreading import spare, spread

import tiny
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune, pretrain
from headwater.text.vocabulary import Vocabulary

EXACT: dict[str, dict[str, Any]] = {
    "bert-base-uncased": {
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "classifier_dropout": 0.0,
    },
    "albert-base-v2": {
        "embedding_size": 8, "hidden_size": 16, "num_hidden_layers": 3, "intermediate_size": 32,
        "num_attention_heads": 2, "max_position_embeddings": 64,
    },
    "t5-small": {"dropout_rate": 0.0},
    "gpt2": {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0},
    "cbow": {"samples": 10_000},
    "elmo-small": {
        "cells": 16, "projection_dim": 8, "filters": [[1, 4], [2, 4]], "samples": 10_000,
        "dropout_rate": 0.0,
    },
}  # fmt: skip
"""Without dropout, and with all words to choose between."""

OBJECTIVES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "mlm": ("mlm", "bert-base-uncased", {"mlm": {"max_length": 48}}),
    "albert": ("mlm", "albert-base-v2", {"mlm": {"max_length": 48, "next_sentence": False}}),
    "lm": ("lm", "gpt2", {"lm": {"length": 48}}),
    "prefix_lm": ("prefix_lm", "t5-small", {"lm": {"length": 48}}),
    "span_corruption": ("span_corruption", "t5-small", {"span_corruption": {"inputs": 48}}),
    "cbow": ("cbow", "cbow", {"cbow": {"length": 24}}),
    "bilm": ("bilm", "elmo-small", {"lm": {"length": 16}}),
}
TRAINING = {
    "steps": 4,
    "gradient_accumulation_steps": 3,
    "eval_steps": 2,
    "save_steps": 2,
    "logging_steps": 1,
    "learning_rate": 1e-2,
    "precision": "fp32",
    "device": "cpu",
}
Training = Callable[..., Any]


def vocabulary_of(preset: str, base: Path) -> Vocabulary:
    if preset == "t5-small":
        return tiny.example_unigram()
    if preset in ("cbow", "elmo-small"):
        return tiny.example_words(base / f"words-{preset}")
    return tiny.wordpiece(base / "wordpiece", [], LETTERS)


def objective(case: str, base: Path) -> Training:
    name, preset, tables = OBJECTIVES[case]
    store = base / f"store-{case}"
    if not store.exists():
        tiny.token_store(store, vocabulary_of(preset, base))

    def train(folder: Path, resume: bool = False, **changes: Any) -> None:
        training = TRAINING | {"batch": {"examples": 3}} | changes
        sizes = EXACT[preset]
        recipe = tiny.pretrain_recipe(name, preset, store, sizes=sizes, training=training, **tables)
        pretrain(recipe, folder, resume=resume)

    return train


def task(case: str, base: Path) -> Training:
    folder = base / "files"
    vocabulary = tiny.wordpiece(folder, tiny.WORDS)
    for split, count in (("train", 25), ("dev", 9)):
        tiny.cola(folder / f"cola-{split}.tsv", count)
        tiny.rte(folder / f"rte-{split}.tsv", count)
    values = CASES[case](folder, vocabulary)

    def train(run: Path, resume: bool = False, **changes: Any) -> None:
        training = TRAINING | {"batch": {"tokens": 60}} | changes
        finetune(Recipe.check({**values, "training": training}, "test"), run, resume=resume)

    return train


def data(folder: Path, name: str) -> dict[str, Any]:
    files = {"train": "train", "validation": "dev"}
    return {key: [str(folder / f"{name}-{split}.tsv")] for key, split in files.items()}


def bert(folder: Path, vocabulary: Any, **method: Any) -> dict[str, Any]:
    sizes = {"max_position_embeddings": 32, "initializer_range": 0.2, "classifier_dropout": 0.0}
    model = tiny.model_folder(folder / "bert", vocabulary, dropout=0.0, **sizes)
    return {"model": str(model), "task": "cola", "data": data(folder, "cola"), **method}


def t5(folder: Path, vocabulary: Any, **method: Any) -> dict[str, Any]:
    model = tiny.model_folder(folder / "t5", tiny.example_unigram(), family="t5", dropout=0.0)
    return {"model": str(model), "task": "cola", "data": data(folder, "cola"), **method}


def shared_t5(folder: Path, vocabulary: Any) -> dict[str, Any]:
    """Its decoder calls parts of the encoder's layers."""
    model = tiny.model_folder(
        folder / "shared", tiny.example_unigram(), family="t5", dropout=0.0, architecture="shared"
    )
    return {"model": str(model), "task": "cola", "data": data(folder, "cola")}


def wide_t5(folder: Path, vocabulary: Any) -> dict[str, Any]:
    """Some of its matrices are large enough for Adafactor to factor, and cannot be halved."""
    sizes = {"d_model": 129, "d_kv": 65, "d_ff": 131, "num_layers": 1, "num_decoder_layers": 1}
    model = tiny.model_folder(
        folder / "wide", tiny.example_unigram(), family="t5", dropout=0.0, **sizes
    )
    return {"model": str(model), "task": "cola", "data": data(folder, "cola")}


def mixed(folder: Path) -> dict[str, Any]:
    tasks = [{"task": name, "data": data(folder, name)} for name in ("cola", "rte")]
    return {"mixture": {"rates": "equal", "tasks": tasks}}


def mixture(folder: Path, vocabulary: Any, model: Any = bert) -> dict[str, Any]:
    return {"model": model(folder, vocabulary)["model"], **mixed(folder)}


def new_mixture(folder: Path, vocabulary: Any, preset: str) -> dict[str, Any]:
    """Its weights are random."""
    words = str(tiny.EXAMPLES / "vocabulary" if preset == "t5-small" else folder)
    sizes = {**tiny.PRESET_SIZES[preset], **EXACT[preset]}
    return {"network": {"preset": preset, "vocabulary": words, "sizes": sizes}, **mixed(folder)}


def spans(folder: Path, vocabulary: Any) -> dict[str, Any]:
    asked = [tiny.question(f"q{n}", f"the mill {'?' * (n % 3)}", "mill", 4) for n in range(9)]
    asked += [tiny.unanswerable(f"n{n}", "the river ?") for n in range(5)]
    data = tiny.squad_file(folder / "squad.json", tiny.paragraph("the mill is the river .", *asked))
    model = bert(folder, vocabulary)["model"]
    files = {"train": [str(data)], "validation": [str(data)]}
    return {
        "model": model,
        "task": "squad_v2",
        "data": files,
        "spans": {"max_length": 24, "max_query_length": 8},
    }


def retrieval(folder: Path, vocabulary: Any) -> dict[str, Any]:
    """Each question learns from the passages of the others in its batch, which is not cut."""
    words = tiny.WORDS * 3
    rows = [
        {"question": f"the {word}", "passage": f"a {word} {'.' * (n % 3)}"}
        for n, word in enumerate(words)
    ]
    data = tiny.json_lines(folder / "pairs.jsonl", rows)
    files = {"train": [str(data)], "validation": [str(data)]}
    return {"model": bert(folder, vocabulary)["model"], "task": "retrieval", "data": files}


LETTERS = "".join(sorted({*tiny.example_text().lower()} - {" ", "\n"}))
CASES: dict[str, Callable[[Path, Any], dict[str, Any]]] = {
    "bert": bert,
    "t5": t5,
    "shared_t5": shared_t5,
    "mixture": mixture,
    "t5_mixture": partial(mixture, model=t5),
    "new_mixture": partial(new_mixture, preset="bert-base-uncased"),
    "new_t5_mixture": partial(new_mixture, preset="t5-small"),
    "lora": partial(t5, method="lora"),
    "adapters": partial(bert, method="adapters"),
    "unfreezing": partial(bert, method="gradual_unfreezing"),
    "features": partial(bert, method="features", features={"dropout": 0.0}),
    "adafactor": wide_t5,
    "spans": spans,
    "retrieval": retrieval,
}
FLOAT64 = {*OBJECTIVES, "new_mixture", "new_t5_mixture"}
CHANGES: dict[str, dict[str, Any]] = {
    "adafactor": {"optimizer": "adafactor", "steps": 2},
    "bert": {"gradient_checkpointing": True},
}


def processes_of(way: str) -> tuple[int, dict[str, Any]]:
    """Return how many processes there are, and how they share the model."""
    offload = way.endswith("o")
    return int(way.rstrip("so")), {"shard": offload or way.endswith("s"), "cpu_offload": offload}


def log_of(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for line in lines:
        for name in ("seconds", "processor_seconds", "padding"):  # each process pads its own
            line.pop(name, None)
    return lines


def main(base: Path, cases: list[str], ways: list[str]) -> None:
    spare()
    base.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, Any]] = {}
    for case in cases:
        # what is loaded from a folder is in float32
        torch.set_default_dtype(torch.float64 if case in FLOAT64 else torch.float32)
        train = (objective if case in OBJECTIVES else task)(case, base)
        for way in ways:
            world, shared = processes_of(way)
            run = base / f"{case}-{way}" / "run"
            changes = {**shared, **CHANGES.get(case, {})}
            try:
                spread(world, partial(train, run, **changes), run.parent)
                found.setdefault(case, {})[way] = log_of(run)
            except Exception:
                found.setdefault(case, {})[way] = traceback.format_exc()
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].split(","), sys.argv[3].split(","))
