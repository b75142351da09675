"""Files that somebody changed, checksums and all: read as they are, or refused in one line.

Each key of each JSON document and each header of tensors is taken away or replaced; nothing may end
in another exception. One of `EVERY` cases runs always, the rest with the slow tests.
"""

import hashlib
import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

import headwater as library
import tiny
from headwater.corpus.store import TokenStore
from headwater.errors import UserError
from headwater.runs.recipe import PretrainRecipe, Recipe, load_recipe
from headwater.runs.run import begin, finetune, pretrain
from headwater.tasks.names import task
from headwater.training.trainer import Trainer
from tampering import documents, fault, headers, with_manifest
from toy_training import toy_run

LETTERS = tiny.LETTERS + "?"
TEXT = "the mill is by the river"
EVERY = 29
FAST_AND_SLOW = pytest.mark.parametrize(
    "every", [EVERY, pytest.param(1, marks=(pytest.mark.slow, pytest.mark.timeout(1800)))]
)


def sweep(folder: Path, names: list[str], call: Callable[[], object], every: int) -> None:
    """Change each file in every way, one at a time, and call."""
    found = []
    for name in names:
        file, manifest = folder / name, folder / "manifest.json"
        kept = {each: each.read_bytes() for each in (file, manifest) if each.exists()}
        binary = name.endswith(".safetensors")
        cases = headers(file) if binary else documents(json.loads(file.read_bytes()))
        for what, content in list(cases)[::every]:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            with_manifest(folder, name)
            if wrong := fault(call):
                found.append(f"{name}: {what}: {wrong}")
        for each, content in kept.items():
            each.write_bytes(content)
    assert found == []
    call()


def json_and_tensors(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.suffix in (".json", ".safetensors"))


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    return tiny.reader(tmp_path / "reader", num_hidden_layers=1, max_position_embeddings=64)


@FAST_AND_SLOW
def test_a_reader(every: int, reader: Path) -> None:
    sweep(reader, json_and_tensors(reader), lambda: library.load(reader).answer("?", TEXT), every)


@FAST_AND_SLOW
@pytest.mark.parametrize("family", ["t5", "gpt", "bert"])
def test_configs(family: str, every: int, tmp_path: Path) -> None:
    sizes: dict[str, Any] = {}
    if family == "t5":
        vocabulary = tiny.example_unigram()
        sizes = {"d_model": 32, "d_ff": 64, "num_layers": 1, "num_decoder_layers": 1}
    elif family == "gpt":
        vocabulary = tiny.byte_pairs(tmp_path / "vocabulary")
    else:
        vocabulary = tiny.wordpiece(tmp_path / "vocabulary", ["the"], LETTERS)
    head, labels = ("token", ("O", "B-X")) if family == "bert" else (None, ())
    folder = tiny.model_folder(
        tmp_path / "model", vocabulary, head, family=family, labels=labels, **sizes
    )

    def use() -> None:
        model = library.load(folder)
        model.tag(TEXT) if family == "bert" else model.generate([TEXT], max_new_tokens=2)

    sweep(folder, ["config.json"], use, every)


@FAST_AND_SLOW
@pytest.mark.parametrize("method", ["lora", "adapters", "features"])
def test_what_was_trained_beside_its_body(
    method: str, every: int, reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = tiny.cola(tmp_path / "cola.tsv", 8)
    values = {
        "model": str(reader),
        "task": "cola",
        "method": method,
        "data": {"train": [str(data)]},
        "training": {"steps": 1, "device": "cpu", "precision": "fp32"},
    }
    finetune(Recipe.check(values, "test"), tmp_path / "run")
    folder = tmp_path / "run" / "model"
    names = [n for n in json_and_tensors(folder) if "token" not in n]
    sweep(folder, names, lambda: library.load(folder).classify(TEXT), every)


@FAST_AND_SLOW
@pytest.mark.parametrize("kind", ["step", "best"])
def test_states(kind: str, every: int, tmp_path: Path) -> None:
    from test_state import interrupted

    run = tmp_path / "run"
    interrupted(run, calls=2, save_steps=6, steps=21)
    shutil.rmtree(run / "state" / "step-00000012")  # it would be used in place of the other
    state = sorted((run / "state").glob(f"{kind}-*"))[-1]

    def resume() -> None:
        shutil.copytree(run, tmp_path / "copy")
        try:
            toy_run(tmp_path / "copy", resume=True, save_steps=6, steps=21)
        finally:
            shutil.rmtree(tmp_path / "copy")

    sweep(state, json_and_tensors(state), resume, 4 * every if every > 1 else 1)


@FAST_AND_SLOW
def test_the_documents_of_a_store(every: int, tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", ["the"], LETTERS)
    store = tiny.token_store(tmp_path / "store", vocabulary)

    def read() -> None:
        opened = TokenStore.open(store)
        opened.verify()
        opened.load_vocabulary()
        assert all(len(opened.document(index)) for index in range(len(opened)))

    sweep(store, ["store.json"], read, every)


ARRAYS: dict[str, tuple[str, int, int]] = {
    "an id that is none": ("tokens.bin", 5, 60_000),
    "documents that fall": ("documents.npy", 1, 3_000),
    "a document before the beginning": ("documents.npy", 1, -50),
    "an empty document": ("documents.npy", 1, 0),
    "a document within a sentence": ("documents.npy", 1, 1_110),
    "a sentence beyond the end": ("sentences.npy", 2, 10**9),
    "a sentence before the beginning": ("sentences.npy", 2, -(10**9)),
}


@pytest.mark.parametrize("what", ARRAYS)
def test_the_arrays_of_a_store(what: str, tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", ["the"], LETTERS)
    store = tiny.token_store(tmp_path / "store", vocabulary)
    name, index, value = ARRAYS[what]
    if name == "tokens.bin":
        ids = np.fromfile(store / name, "<u2")
        ids[index] = value
        ids.tofile(store / name)
    else:
        bounds = np.load(store / name)
        bounds[index] = value
        np.save(store / name, bounds)
    info = json.loads((store / "store.json").read_text())
    info["sha256"][name] = hashlib.sha256((store / name).read_bytes()).hexdigest()
    (store / "store.json").write_text(json.dumps(info))
    recipe = tiny.pretrain_recipe("mlm", "bert-base-uncased", store)
    with pytest.raises(UserError, match=r"(tokens|documents|sentences)\.\w+: .*build the store"):
        pretrain(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@FAST_AND_SLOW
def test_task_files(every: int, tmp_path: Path) -> None:
    """A declaration is TOML; its values are spoilt as those of JSON are."""
    declared = tomllib.loads((tiny.EXAMPLES / "tickets.toml").read_text("utf-8"))
    data, file = tiny.EXAMPLES / "tickets.csv", tmp_path / "tickets.toml"
    found = []
    for what, text in list(documents(declared))[::every]:
        write_toml(file, text)
        if wrong := fault(lambda: task(str(file)).read([data])):
            found.append(f"{what}: {wrong}")
    assert found == []
    shutil.copy(tiny.EXAMPLES / "tickets.toml", file)
    assert len(task(str(file)).read([data]))


@FAST_AND_SLOW
@pytest.mark.parametrize("kind", [Recipe, PretrainRecipe])
def test_recipes(kind: type[Recipe | PretrainRecipe], every: int, tmp_path: Path) -> None:
    """As far as the first step: what a run is put together from."""
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", ["the"], LETTERS)
    if kind is Recipe:
        body = tiny.model_folder(tmp_path / "body", vocabulary, max_position_embeddings=64)
        data = [str(tiny.cola(tmp_path / "cola.tsv", 8))]
        training = {"epochs": 1.5, "layer_decay": 0.9, "group_rates": {"head": 2.0}}
        values = {"model": str(body), "task": "cola", "training": training}
        begun = begin(Recipe.check(values | {"data": {"train": data, "validation": data}}, "test"))
        declared = tomllib.loads(begun.recipe.to_toml())
    else:
        store = tiny.token_store(tmp_path / "store", vocabulary)
        recipe = tiny.pretrain_recipe("mlm", "bert-base-uncased", store, mlm={"max_length": 32})
        declared = tomllib.loads(recipe.to_toml())
    file = tmp_path / "recipe.toml"

    def first_step() -> None:
        run = begin(load_recipe(kind, file, {}, []))
        training = run.recipe.training
        Trainer(run.trained_model(), run.features(), training, tmp_path, pad_id=0, hooks=run)

    found = []
    for what, text in list(documents(declared))[::every]:
        write_toml(file, text)
        if wrong := fault(first_step):
            found.append(f"{what}: {wrong}")
    assert found == []
    write_toml(file, json.dumps(declared))
    first_step()


def write_toml(file: Path, text: str) -> None:
    """Write a JSON document as TOML; what TOML has no form for, as it is."""
    try:
        file.write_text(tomli_w.dumps(json.loads(text)))
    except (TypeError, ValueError, RecursionError, AttributeError):
        file.write_text(text)
