"""Adapters and LoRA from a recipe to a served model: saved alone, shared, merged, mixed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import headwater as library
import tiny
from headwater.checkpoints.folder import load_model
from headwater.checkpoints.parts import Base
from headwater.errors import UserError
from headwater.runs.recipe import Recipe
from headwater.runs.run import begin, finetune
from headwater.tasks.names import task

ROOT = Path(__file__).resolve().parents[1]
Headwater = Callable[..., Any]
LORA = {"method": "lora", "lora": {"rank": 4, "targets": ["query", "value", "inner", "outer"]}}
ADAPTERS = {"method": "adapters", "adapters": {"size": 8, "after_attention": True}}
SETTINGS = pytest.mark.parametrize("settings", [LORA, ADAPTERS], ids=["lora", "adapters"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CoLA's and SST-2's layouts, with labels that a bag of words tells; a tiny BERT, a tiny T5."""
    folder = tmp_path_factory.mktemp("adapting")
    for split, count in (("train", 32), ("dev", 8)):
        tiny.cola(folder / f"cola-{split}.tsv", count)
        tiny.sst2(folder / f"sst2-{split}.tsv", count)
    sizes = {"max_position_embeddings": 32, "initializer_range": 0.2}
    words = tiny.wordpiece(folder, tiny.WORDS)
    tiny.model_folder(folder / "bert", words, dropout=0.0, **sizes)
    small = {"d_model": 32, "d_ff": 64, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 4}
    unigram = tiny.example_unigram()
    tiny.model_folder(folder / "t5", unigram, family="t5", seed=None, dropout=0.0, **small)
    return folder


def data(files: Path, name: str) -> dict[str, Any]:
    return {
        f: [str(files / f"{name}-{s}.tsv")] for f, s in (("train", "train"), ("validation", "dev"))
    }


def recipe(files: Path, body: str, settings: dict[str, Any], **changes: Any) -> Recipe:
    training = {
        "steps": 240,
        "batch": {"examples": 16},
        "optimizer": "adamw",
        "learning_rate": 1e-2,
        "eval_steps": 120,
        "save_steps": 20,
        "precision": "fp32",
        "device": "cpu",
        **changes.pop("training", {}),
    }
    values = {"model": str(files / body), "training": training, **settings}
    if "mixture" not in changes:
        values |= {"task": "cola", "data": data(files, "cola")}
    return Recipe.check(values | changes, "test")


@SETTINGS
@pytest.mark.parametrize("body", ["bert", "t5"])
def test_a_run_is_a_model_without_its_body(
    body: str,
    settings: dict[str, Any],
    files: Path,
    tmp_path: Path,
    headwater: Headwater,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = load_file(files / body / "model.safetensors")
    outcome = finetune(recipe(files, body, settings), tmp_path / "run")
    said = caplog.text
    assert f"{settings['method']}: " in said and " parameters train (" in said
    assert "peak memory " in said and outcome.peak_memory and outcome.peak_memory > 10**7
    names = {item.name for item in (tmp_path / "run" / "model").iterdir()}
    assert {"adapter_model.safetensors", "method.json", "base.json", "headwater.json"} < names
    assert "model.safetensors" not in names
    assert ("adapter_config.json" in names) == (settings["method"] == "lora")
    run, dev = tmp_path / "run", files / "cola-dev.tsv"
    ran = headwater("evaluate", "--model", run, "--task", "cola", "--data", dev, "--json")
    assert ran.code == 0, ran.err
    # What the loaded model says is what the trained one said.
    assert json.loads(ran.out)["matthews"] == outcome.best_value == 100.0
    after = load_file(files / body / "model.safetensors")
    assert all(torch.equal(after[name], before[name]) for name in before)


@SETTINGS
def test_a_run_that_was_cut_saves_the_same(
    settings: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    short = {"steps": 4, "save_steps": 1, "eval_steps": 2}
    finetune(recipe(files, "bert", settings, training=short), tmp_path / "whole")
    limited = recipe(files, "bert", settings, training=short | {"time_limit_minutes": 1e-9})
    sessions = 0
    while not (tmp_path / "cut" / "state" / "finished").exists():
        finetune(limited, tmp_path / "cut", resume=sessions > 0)
        sessions += 1
    assert sessions > 2
    saved = [
        (tmp_path / run / "model" / "adapter_model.safetensors").read_bytes()
        for run in ("whole", "cut")
    ]
    assert saved[0] == saved[1]
    parameters = dict(begin(limited).setup.model.named_parameters())
    trained = {name for name, each in parameters.items() if each.requires_grad}
    states = [load_file(file) for file in tmp_path.glob("*/state/*/model.safetensors")]
    assert len(states) > 4
    assert all({*each} == trained for each in states)  # without the frozen body


@pytest.fixture(scope="module")
def runs(files: Path) -> Path:
    """Two runs on the BERT: `a` with adapters, `b` with LoRA."""
    for name, settings in (("a", ADAPTERS), ("b", LORA)):
        finetune(recipe(files, "bert", settings, training={"seed": 1}), files / name)
    return files


def texts(loaded: library.LoadedModel, runs: Path) -> list[str]:
    examples = task("cola").read([runs / "cola-dev.tsv"])
    return [each.text for each in loaded.predictor(task("cola"))(examples)]


def test_one_body_in_memory_serves_several_runs(runs: Path) -> None:
    base = library.load(runs / "bert", "cpu")
    ids = {"input_ids": torch.arange(5, 13).reshape(2, 4)}
    before = base.network(**ids)
    one = base.adapted(runs / "a")
    first = one.network(ids)
    other = base.adapted(str(runs / "b"))
    assert not torch.equal(other.network(ids), first)
    assert torch.equal(one.network(ids), first)
    assert torch.equal(library.load(runs / "a", "cpu").network(ids), first)
    assert texts(one, runs) == texts(library.load(runs / "a", "cpu"), runs)
    del one, other
    assert torch.equal(base.network(**ids), before)
    assert torch.equal(base.adapted(runs / "a").network(ids), first)
    with pytest.raises(UserError, match=r"a: was trained on .*/bert, not on .*/b \(the sha256"):
        library.load(runs / "b", "cpu").adapted(runs / "a")
    with pytest.raises(UserError, match="holds a whole model, which shares no body"):
        base.adapted(runs / "bert")


def test_merging_makes_a_whole_model_of_a_lora_run(
    runs: Path, tmp_path: Path, headwater: Headwater
) -> None:
    ran = headwater("merge", runs / "b", "--output", tmp_path / "whole")
    assert (ran.code, ran.out) == (0, f"{tmp_path / 'whole'}\n")
    ids = {"input_ids": torch.arange(5, 13).reshape(2, 4)}
    merged, run = load_model(tmp_path / "whole").model, library.load(runs / "b", "cpu").network
    assert torch.allclose(merged(ids), run(ids), atol=1e-5)
    assert (
        texts(library.load(tmp_path / "whole", "cpu"), runs) == ["unacceptable", "acceptable"] * 4
    )
    again = headwater("merge", tmp_path / "whole", "--output", tmp_path / "more")
    assert again.code == 2 and "holds a whole model; there is nothing to merge" in again.err
    held = headwater("merge", runs / "b", "--output", tmp_path / "whole")
    assert held.code == 2 and "exists already" in held.err
    refused = headwater("merge", runs / "a", "--output", tmp_path / "more")
    assert refused.code == 2 and "only LoRA can be merged" in refused.err
    assert len(refused.err.splitlines()) == 1 and not (tmp_path / "more").exists()


@SETTINGS
@pytest.mark.parametrize("body", ["bert", "t5"])
def test_a_mixture_is_learned_so_too(
    body: str, settings: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    tasks = [{"task": name, "data": data(files, name)} for name in ("cola", "sst2")]
    mixture = {"rates": "equal", "tasks": tasks}
    short = {"steps": 8, "eval_steps": 8}
    wanted = recipe(files, body, settings, mixture=mixture, training=short)
    finetune(wanted, tmp_path / "run")
    loaded = library.load(tmp_path / "run", "cpu")
    assert len(texts(loaded, files)) == 8


def test_what_cannot_be_is_refused_in_a_line(runs: Path, tmp_path: Path) -> None:
    for name, more in (("a", ""), ("b", ", or merge both: headwater merge MODEL --output DIR")):
        with pytest.raises(UserError) as caught:
            begin(recipe(runs, name, ADAPTERS))
        assert str(caught.value).endswith(f"start from the body itself, {runs / 'bert'}{more}")
    values = recipe(runs, "bert", LORA).model_dump(exclude={"model"}, exclude_unset=True)
    network = {"preset": "bert-base-uncased", "vocabulary": str(runs / "vocab.txt")}
    network["sizes"] = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
    with pytest.raises(UserError, match="method 'lora' adapts a pre-trained model: give model in"):
        begin(Recipe.check(values | {"network": network}, "test"))


def test_a_resumed_run_needs_the_body_it_began_with(files: Path, tmp_path: Path) -> None:
    wanted = recipe(files, "bert", LORA)
    identity = begin(wanted).identity
    assert identity["base"] == Base.of(str(files / "bert")).sha256
