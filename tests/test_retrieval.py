"""Learning vectors, from files to a folder that sentence-transformers opens with equal ones."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headwater
import tiny
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from headwater.runs.recipe import Recipe
from headwater.runs.run import begin, finetune

Headwater = Callable[..., Any]

WORDS = ("mill", "river", "hill", "boat", "tree", "road", "bell", "fish")
TEXTS = ["where is the mill ?", "a boat on the river", "fish"]


def pairs(file: Path, negatives: bool = False) -> Path:
    """Questions whose passages share a word with them."""
    rows = []
    for number, word in enumerate(WORDS):
        other = WORDS[(number + 1) % len(WORDS)]
        row = {"question": f"where is the {word} ?", "passage": f"a {word} stands on it ."}
        rows.append(row | ({"negatives": [f"a {other} is not it ."]} if negatives else {}))
    return tiny.json_lines(file, rows)


def encoder(folder: Path) -> Path:
    words = tiny.wordpiece(folder.with_name("words"), ("the", *WORDS), tiny.LETTERS + "?")
    return tiny.model_folder(folder, words, hidden_size=32, num_attention_heads=4)


def recipe(model: Path, data: Path, training: Any = None, **more: Any) -> Recipe:
    usual = {"learning_rate": 3e-3, "warmup": 0.0, "save_steps": 3, "logging_steps": 1}
    values = {
        "model": str(model),
        "task": "retrieval",
        "data": {"train": [str(data)], "validation": [str(data)]},
        "training": tiny.exact_training(6, 8, training or {}, **usual),
    }
    return Recipe.check(values | more, "test")


def their_vectors(folder: Path, texts: list[str]) -> Any:
    package = pytest.importorskip("sentence_transformers")
    model = package.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return model.encode(texts, show_progress_bar=False)


def outcome_scores(log: Path) -> dict[str, float]:
    """The scores of the last evaluation of a run."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    found: dict[str, float] = next(x["evaluation"] for x in lines[::-1] if "evaluation" in x)
    return found


@pytest.mark.parametrize("negatives", [False, True])
def test_questions_find_their_passages_and_theirs_opens_the_folder(
    tmp_path: Path, negatives: bool
) -> None:
    model, data = encoder(tmp_path / "body"), pairs(tmp_path / "pairs.jsonl", negatives)
    outcome = finetune(recipe(model, data, {"steps": 60, "eval_steps": 60}), tmp_path / "run")
    assert outcome.best_value is not None and outcome.best_value > 90
    folder = tmp_path / "run" / "model"
    ours = headwater.load(tmp_path / "run").embed(TEXTS)
    np.testing.assert_allclose(ours, their_vectors(folder, TEXTS), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    modules = json.loads((folder / "modules.json").read_text("utf-8"))
    assert [each["path"] for each in modules] == ["", "1_Pooling", "2_Normalize"]
    length = json.loads((folder / "sentence_bert_config.json").read_text("utf-8"))
    assert length["max_seq_length"] == 256
    scores = outcome_scores(tmp_path / "run" / "log.jsonl")
    assert scores.keys() == {"mrr", "recall@1", "recall@5", "recall@10"}
    assert scores["mrr"] == outcome.best_value


def test_a_resumed_run_is_the_same_to_the_bit(tmp_path: Path) -> None:
    model, data = encoder(tmp_path / "body"), pairs(tmp_path / "pairs.jsonl", True)
    whole = recipe(model, data, {"batch": {"examples": 3}})
    finetune(whole, tmp_path / "whole")
    part = recipe(model, data, {"batch": {"examples": 3}, "time_limit_minutes": 1e-9})
    for _ in range(8):
        finetune(part, tmp_path / "part", resume=(tmp_path / "part").exists())
    one, other = (
        load_model(tmp_path / name / "model", "embedding").model for name in ("whole", "part")
    )
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def test_what_stood_on_the_encoder_stays_there(tmp_path: Path) -> None:
    """The pooling, prompts, length and dense layer of the folder are trained on, and saved."""
    package = pytest.importorskip("sentence_transformers")
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    body = Transformer(str(encoder(tmp_path / "body")), max_seq_length=20)
    parts = [body, Pooling(32, ("cls", "mean")), Dense(64, 8), Normalize()]
    prompts = {"query": "where is ", "document": "a "}
    theirs = package.SentenceTransformer(modules=parts, prompts=prompts, device="cpu")
    theirs.save(str(tmp_path / "theirs"), create_model_card=False)
    data = pairs(tmp_path / "pairs.jsonl")
    finetune(recipe(tmp_path / "theirs", data, {"eval_steps": 6}), tmp_path / "run")
    before, after = (headwater.load(tmp_path / name) for name in ("theirs", "run"))
    found = after.embed(TEXTS, prompt="query")
    assert found.shape == (3, 8) and not np.allclose(found, before.embed(TEXTS, prompt="query"))
    asked = [f"where is {text}" for text in TEXTS]
    np.testing.assert_allclose(found, their_vectors(tmp_path / "run" / "model", asked), atol=1e-5)
    dense = "2_Dense/model.safetensors"
    assert (tmp_path / "run" / "model" / dense).read_bytes() != (
        tmp_path / "theirs" / dense
    ).read_bytes()
    length = json.loads((tmp_path / "run/model/sentence_bert_config.json").read_text("utf-8"))
    assert length["max_seq_length"] == 20
    again = finetune(recipe(tmp_path / "run", data, {"eval_steps": 6}), tmp_path / "again")
    assert again.reason == "finished"


def test_the_recipe_sets_the_length(tmp_path: Path) -> None:
    model, data = encoder(tmp_path / "body"), pairs(tmp_path / "pairs.jsonl")
    run = begin(recipe(model, data, sequence={"max_length": 9}))
    run.save_model(tmp_path / "saved")
    vectors = headwater.load(tmp_path / "saved").embed(["the mill " * 4, "the mill " * 9])
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_batches_count_examples_and_accumulation_is_explained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "headwater")
    model, data = encoder(tmp_path / "body"), pairs(tmp_path / "pairs.jsonl")
    values = recipe(model, data).model_dump(exclude_unset=True)
    values["training"] = {"gradient_accumulation_steps": 2}
    run = begin(Recipe.check(values, "test"))
    assert run.recipe.training.batch.examples == 32 and run.recipe.training.batch.tokens is None
    assert "the negatives of a question are the passages of its own micro-batch" in caplog.text


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"method": "lora"}, "trains the encoder itself: method all or gradual_unfreezing"),
        ({"method": "features"}, "trains the encoder itself"),
        (
            {"decoder": {"layers": 1}},
            "learns vectors of an encoder such as BERT; this model writes",
        ),
    ],
)
def test_what_cannot_learn_vectors_is_refused(tmp_path: Path, more: Any, expected: str) -> None:
    model, data = encoder(tmp_path / "body"), pairs(tmp_path / "pairs.jsonl")
    with pytest.raises(UserError, match=expected):
        begin(recipe(model, data, **more))


def test_a_mixture_of_it_is_refused(tmp_path: Path) -> None:
    model, data = encoder(tmp_path / "body"), pairs(tmp_path / "pairs.jsonl")
    one = {"task": "retrieval", "data": {"train": [str(data)]}}
    two = {"task": "cola", "data": {"train": [str(tiny.cola(tmp_path / "cola.tsv", 4))]}}
    mixed = Recipe.check({"model": str(model), "mixture": {"tasks": [one, two]}}, "test")
    with pytest.raises(UserError, match="mixture: task retrieval is learned alone"):
        begin(mixed)


def test_the_verbs(headwater: Headwater, tmp_path: Path) -> None:
    model, data = encoder(tmp_path / "body"), pairs(tmp_path / "pairs.jsonl")
    run, found = tmp_path / "run", tmp_path / "found.json"
    ran = headwater(
        *("finetune", "--model", model, "--task", "retrieval", "--data", data, "--output", run),
        *("--set", "training.steps=2", "--set", "training.device=cpu"),
    )
    assert ran.code == 0
    for name in (model, run):
        ran = headwater(
            "evaluate", "--model", name, "--task", "retrieval", "--data", data, "--json"
        )
        scores = json.loads(ran.out)
        assert set(scores) == {"mrr", "recall@1", "recall@5", "recall@10"}
    predict = ("--model", run, "--task", "retrieval", "--input", data, "--output", found)
    assert headwater("predict", *predict).code == 0
    ranked = json.loads(found.read_text("utf-8"))
    assert sorted(ranked["0"].split(), key=int) == [str(number) for number in range(8)]
    ran = headwater("score", "retrieval", "--data", data, "--predictions", found, "--json")
    assert json.loads(ran.out) == pytest.approx(scores)
    shown = headwater("tasks", "show", "retrieval", "--data", data, "--model", run)
    assert shown.code == 0 and "the mill ? [SEP]" in shown.out
    recipe_file = tmp_path / "recipe.toml"
    recipe_file.write_text(f'model = "{run}"\ntask = "retrieval"\n[data]\ntrain = "{data}"\n')
    seen = headwater("inspect", "batch", recipe_file)
    assert seen.code == 0 and "text 2 of 2" in seen.out
    asked = headwater("ask", "where?", "--model", run, "--context", data)
    assert asked.code == 2 and "has no head, and ask needs a head of kind span" in asked.err
