"""From raw text to a pre-trained model, by every objective, and on to a task."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from headwater import cli
from headwater.checkpoints.folder import load_model, read_extra
from headwater.checkpoints.hub import BUNDLED
from headwater.corpus.build import build
from headwater.errors import UserError
from headwater.inference.loaded import load
from headwater.runs.recipe import PretrainRecipe, Recipe
from headwater.runs.run import finetune, pretrain
from headwater.text.loading import load_vocabulary

ROOT = Path(__file__).resolve().parents[1]
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "mlm": ("bert-base-uncased", {"mlm": {"max_length": 48}}),
    "mlm alone": ("bert-base-uncased", {"mlm": {"max_length": 48, "next_sentence": False}}),
    "cbow": ("cbow", {"cbow": {"window": 2, "length": 40}}),
    "lm": ("gpt2", {"lm": {"length": 48}}),
    "prefix_lm": ("gpt2", {"lm": {"length": 48}}),
    "span_corruption": ("t5-small", {"span_corruption": {"inputs": 48}}),
}


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Token stores of the example text, by the kind of vocabulary."""
    folder = tmp_path_factory.mktemp("stores")
    vocabularies = {
        "wordpiece": load_vocabulary(BUNDLED["reader"]),
        "unigram": tiny.example_unigram(),
        "word": tiny.example_words(folder / "words"),
    }
    return {name: tiny.token_store(folder / name, each) for name, each in vocabularies.items()}


def recipe_of(case: str, stores: dict[str, Path], **training: Any) -> PretrainRecipe:
    preset, tables = CASES[case]
    kind = {"t5-small": "unigram", "cbow": "word"}.get(preset, "wordpiece")
    training = {"steps": 4, **training}
    return tiny.pretrain_recipe(case.split()[0], preset, stores[kind], training=training, **tables)


@pytest.mark.parametrize("case", CASES)
def test_every_objective_gives_a_model_and_a_held_out_loss(
    case: str, stores: dict[str, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    outcome = pretrain(recipe_of(case, stores), run)
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    measured = [line["evaluation"] for line in lines if "evaluation" in line][-1]
    assert outcome.reason == "finished"
    assert measured["loss"] > 0
    assert outcome.best_value == min(
        line["evaluation"]["loss"] for line in lines if "evaluation" in line
    )
    assert ("next_sentence" in measured) == (case == "mlm")
    load_model(run / "model")  # whole, and every tensor has its place
    assert read_extra(run / "model") == {"objective": case.split()[0]}


@pytest.mark.parametrize("case", CASES)
def test_a_run_in_many_sessions_equals_one_in_one(
    case: str, stores: dict[str, Path], tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    pretrain(recipe_of(case, stores), whole)
    short = recipe_of(case, stores, time_limit_minutes=1e-9)
    sessions = 0
    while pretrain(short, parts, resume=sessions > 0).reason == "time_limit":
        sessions += 1
    assert sessions >= 3
    one, other = (load_model(run / "model").model.state_dict() for run in (whole, parts))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_loss_falls_on_a_text_that_is_repeated(stores: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of("lm", stores, steps=60, learning_rate=1e-2, eval_steps=60)
    pretrain(recipe, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < losses[0] / 2


def test_it_is_reported_that_a_pre_trained_model_knows_no_task(
    stores: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for case in ("span_corruption", "cbow"):
        pretrain(recipe_of(case, stores), tmp_path / case)
    asked = ["headwater", "ask", "Who?", "--context", str(ROOT / "examples" / "spring.txt")]
    monkeypatch.setattr(sys, "argv", [*asked, "--model", str(tmp_path / "span_corruption")])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    assert "pre-trained by span_corruption and adapted to no task" in capsys.readouterr().err
    with pytest.raises(UserError, match="is a CBOW, which gives vectors of words"):
        load(tmp_path / "cbow").answer("Who?", "Ada did.")
    values = {"model": str(tmp_path / "cbow"), "task": "squad", "data": {"train": ["absent.json"]}}
    with pytest.raises(UserError, match="models of family cbow are not fine-tuned"):
        finetune(Recipe.check(values, "test"), tmp_path / "reader")


def test_what_was_pre_trained_is_fine_tuned(stores: dict[str, Path], tmp_path: Path) -> None:
    pretrain(recipe_of("mlm", stores), tmp_path / "body")
    values = {
        "model": str(tmp_path / "body"),
        "task": "squad_v2",
        "data": {"train": [str(ROOT / "examples" / "questions.json")]},
        "training": {"steps": 1, "batch": {"examples": 2}},
    }
    assert finetune(Recipe.check(values, "test"), tmp_path / "reader").step == 1


def test_a_cbow_says_its_window(stores: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of("cbow", stores)
    pretrain(recipe, tmp_path / "run")
    file = tmp_path / "run" / "model" / "config.json"
    content = json.loads(file.read_text())
    assert content["window"] == recipe.cbow.window == 2
    assert load(tmp_path / "run").config.window == 2
    file.write_text(json.dumps({name: content[name] for name in content if name != "window"}))
    sums = json.loads((file.parent / "manifest.json").read_text())
    (file.parent / "manifest.json").write_text(
        json.dumps({name: sums[name] for name in sums if name != "config.json"})
    )
    assert load(tmp_path / "run").config.window == 4  # as folders were before
    network = {"preset": "cbow", "sizes": {"window": 3}}
    values = recipe.model_dump(exclude_unset=True) | {"network": network}
    with pytest.raises(UserError, match=r"network\.sizes\.window: .* set cbow\.window"):
        pretrain(PretrainRecipe.check(values, "test"), tmp_path / "other")


@pytest.mark.parametrize("objective", ["cbow", "bilm"])
def test_models_of_words_refuse_parts_of_words(
    objective: str, stores: dict[str, Path], tmp_path: Path
) -> None:
    preset = {"cbow": "cbow", "bilm": "elmo-small"}[objective]
    values = {
        "objective": objective,
        "network": {"preset": preset},
        "corpus": {"train": str(stores["wordpiece"])},
    }
    with pytest.raises(UserError, match=r"wordpiece: a store of tokens of words.*--kind word"):
        pretrain(PretrainRecipe.check(values, "test"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_written_into_something_else(stores: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of("mlm", stores)
    before = sorted(stores["wordpiece"].iterdir())
    for folder, kind in (
        (stores["wordpiece"], "is a token store"),
        (BUNDLED["reader"], "is a model"),
        (stores["word"].parent / "words", "is a vocabulary"),
    ):
        with pytest.raises(UserError, match=f"{kind}; name another folder"):
            pretrain(recipe, folder)
    assert sorted(stores["wordpiece"].iterdir()) == before


def test_mistakes_are_reported(stores: dict[str, Path], tmp_path: Path) -> None:
    right = recipe_of("mlm", stores)
    for changed, message in (
        ({"objective": "lm"}, "objective 'lm' trains a gpt or a t5, this is a bert; .* mlm"),
        ({"corpus": {"train": str(tmp_path / "absent")}}, "not a token store"),
        (
            {"network": None, "model": "reader", "corpus": {"train": str(stores["unigram"])}},
            "built with another vocabulary",
        ),
    ):
        values = right.model_dump(exclude_unset=True) | changed
        values = {key: value for key, value in values.items() if value is not None}
        with pytest.raises(UserError, match=message):
            pretrain(PretrainRecipe.check(values, "test"), tmp_path / "run")
    assert not (tmp_path / "run" / "log.jsonl").exists()


def test_a_gpt_goes_on_with_a_text_but_does_not_answer(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    pretrain(recipe_of("lm", stores), tmp_path / "gpt")
    model = load(tmp_path / "gpt", "cpu")
    assert model.answer("The spring", top_k=2)[0].score > 0
    with pytest.raises(UserError, match="is a GPT, which continues a text"):
        model.answer("Who?", "Ada did.")


def test_a_flipped_bit_in_a_store_is_refused(stores: dict[str, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "store"
    shutil.copytree(stores["wordpiece"], damaged)
    content = bytearray((damaged / "tokens.bin").read_bytes())
    content[7] ^= 1
    (damaged / "tokens.bin").write_bytes(content)
    recipe = recipe_of("mlm", {"wordpiece": damaged})
    with pytest.raises(UserError, match=r"tokens\.bin"):
        pretrain(recipe, tmp_path / "run")


def test_a_store_without_pairs_is_named(stores: dict[str, Path], tmp_path: Path) -> None:
    build([ROOT / "examples" / "spring.txt"], load_vocabulary(BUNDLED["reader"]), tmp_path / "one")
    with pytest.raises(UserError, match=r"one: .*mlm\.next_sentence = false"):
        pretrain(recipe_of("mlm", {"wordpiece": tmp_path / "one"}), tmp_path / "run")
