"""The bundled models without a body: small, offline, on the reader, as good as their cards say."""

import json
import re
import shutil
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

import headwater as library
from headwater.checkpoints.folder import load_model, save_model
from headwater.checkpoints.hub import ASSETS, BUNDLED
from headwater.checkpoints.parts import Adaptation, Base, weight_sums
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.errors import UserError
from headwater.evaluation.evaluator import evaluate
from headwater.methods.config import MethodConfig
from headwater.methods.names import build_method

ROOT = Path(__file__).resolve().parents[1]
SENTENCE = "Ada Lovelace lived in London."
MOST = {"tagger": 3_000_000, "sentiment": 3_000_000, "writer": 13_000_000}
READER = weight_sums(BUNDLED["reader"])
HEADS = {"tagger": ("token", ("O", "B-person")), "sentiment": ("sequence", ("bad", "good"))}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Heads of random weights, with LoRA, on the reader's body."""
    folder = tmp_path_factory.mktemp("heads")
    for name, (head, labels) in HEADS.items():
        torch.manual_seed(3)
        model = load_model(BUNDLED["reader"], head, labels=labels).model
        config = MethodConfig.check({"method": "lora", "lora": {"rank": 2}}, "test")
        build_method(config).attach(model)
        save_model(
            folder / name,
            model,
            adaptation=Adaptation(config, Base.of("reader")),
            vocabulary=vocabulary_of(BUNDLED["reader"]),
            dtype=torch.float16,
        )
    return {name: folder / name for name in HEADS}


@pytest.fixture
def bundled(made: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make them the bundled ones, and refuse every socket."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name, folder in made.items():
        monkeypatch.setitem(BUNDLED, name, folder)  # type: ignore[misc]


@pytest.mark.usefixtures("bundled")
def test_tag_and_classify_need_no_model(headwater: Any) -> None:
    found = json.loads(headwater("tag", SENTENCE, "--json").out)
    assert found["text"] == SENTENCE and isinstance(found["entities"], list)
    found = json.loads(headwater("classify", "What a film!", "--json").out)
    assert {each["label"] for each in found["labels"]} == {"bad", "good"}
    listed = json.loads(headwater("models", "--json").out)
    assert {"reader", "tagger", "sentiment"} <= listed.keys()


@pytest.mark.usefixtures("bundled")
def test_one_body_in_memory_serves_them_all() -> None:
    reader = library.load("reader", "cpu")
    own = {each.data_ptr() for each in reader.network.body.parameters()}
    for name in HEADS:
        on_it = reader.adapted(name)
        shared = [each for each in on_it.network.parameters() if each.data_ptr() in own]
        assert sum(each.numel() for each in shared) > 22_000_000
        alone = library.load(name, "cpu")
        for ours, theirs in zip(
            on_it.network.parameters(), alone.network.parameters(), strict=True
        ):
            assert torch.equal(ours, theirs)


@pytest.mark.usefixtures("bundled")
def test_heads_of_another_reader_are_refused(
    made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = shutil.copytree(made["tagger"], tmp_path / "tagger")
    base = json.loads((stale / "base.json").read_text())
    base["sha256"]["model.safetensors"] = "0" * 64
    (stale / "base.json").write_text(json.dumps(base))
    monkeypatch.setitem(BUNDLED, "tagger", stale)  # type: ignore[misc]
    with pytest.raises(UserError, match="holds other weights than those that"):
        library.load("tagger")


def test_every_bundled_model_is_described() -> None:
    from headwater.commands.models import ABOUT

    assert ABOUT.keys() == {*ASSETS}
    assert MOST.keys() == {*ASSETS} - {"reader"}


@pytest.mark.parametrize("name", MOST)
def test_it_is_small_and_stands_on_the_reader_as_it_is(name: str) -> None:
    folder = BUNDLED[name]
    assert sum(file.stat().st_size for file in folder.iterdir()) <= MOST[name]
    base = json.loads((folder / "base.json").read_text())
    assert (base["name"], base["path"]) == ("reader", "reader")
    assert base["sha256"] == READER, "trained on another reader: run recipes/heads.py again"
    assert not {"vocab.txt", "tokenizer.json"} & {file.name for file in folder.iterdir()}
    for file in folder.glob("*.json"):
        assert not re.search(r'": "/', file.read_text()), "a path of the machine that trained it"
    card = (folder / "README.md").read_text(encoding="utf-8")
    for word in ("## Scores", "## Data", "## Licence", "## Limits", "recipes/", "seed "):
        assert word in card
    assert f"headwater evaluate --model {name} --task" in card


def test_obvious_sentences_are_right() -> None:
    tag = library.load("tagger", "cpu").tag
    assert [(each.label, each.text) for each in tag(SENTENCE)] == [
        ("person", "Ada Lovelace"),
        ("location", "London"),
    ]
    assert tag("It rained, and we stayed at home.") == []
    classify = library.load("sentiment", "cpu").classify
    for text, label in {
        "What a wonderful film!": "positive",
        "A delight from beginning to end.": "positive",
        "I wanted my money back.": "negative",
        "Dull, long and badly acted.": "negative",
    }.items():
        assert classify(text)[0].label == label, text


@pytest.mark.parametrize("name", HEADS)
def test_it_scores_what_its_card_says(name: str, shared: Path) -> None:
    card = (BUNDLED[name] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \| `([\w./-]+)` \| \w+ \| ([\d.]+) \|", card, re.M)
    assert rows
    model = library.load(name, "cpu")
    for task, file, stated in rows:
        found = library.task(task)
        examples = found.read([shared / "data" / file])
        scores = evaluate(model.predictor(found), found, examples).metrics
        assert scores[found.main_metric] == pytest.approx(float(stated), abs=0.3), file
