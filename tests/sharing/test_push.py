"""What is pushed to a hub loads again, equal to the bit; nothing else is published."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import hub
import tiny
from headwater.checkpoints.sentence_folder import write_head
from headwater.errors import UserError
from headwater.inference.loaded import load
from headwater.models.embedding import EmbeddingHead
from headwater.models.embedding_config import DenseConfig, EmbeddingConfig
from headwater.sharing.push import prepare, push

CONFIG = 'model = "/home/somebody/body"\ntask = "rte"\n[data]\ntrain = ["/data/train.tsv"]\n'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a model, a log and a state."""
    folder = tmp_path / "run"
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS)
    labels = ("entailment", "not_entailment")
    tiny.model_folder(folder / "model", vocabulary, "sequence", labels=labels)
    (folder / "state").mkdir()
    (folder / "state" / "secret.safetensors").write_bytes(b"")
    (folder / "config.toml").write_text(CONFIG)
    (folder / "log.jsonl").write_text(json.dumps({"step": 3, "loss": 1.0, "seconds": 60.0}) + "\n")
    return folder


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub.Hub]:
    """A hub of this machine in place of huggingface.co, with an empty cache."""
    constants = pytest.importorskip("huggingface_hub.constants")
    with hub.running() as running:
        template = running.address + "/{repo_id}/resolve/{revision}/{filename}"
        for name, value in {
            "ENDPOINT": running.address,
            "HUGGINGFACE_CO_URL_TEMPLATE": template,
            "HF_HUB_CACHE": str(tmp_path / "cache"),
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_OFFLINE": False,
        }.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setenv("HF_TOKEN", "hf_test")
        monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        yield running


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of huggingface-hub
def test_what_was_pushed_loads_equal_to_the_bit(run: Path, local: hub.Hub) -> None:
    upload = prepare(str(run), "somebody/mine")
    address = push(upload, private=True)
    assert address.endswith(hub.COMMIT)
    assert local.repositories["somebody/mine"]["visibility"] == "private"
    expected = {each.name: each.read_bytes() for each in (run / "model").iterdir()}
    card = local.files.pop("README.md").decode()
    assert {name: local.files[name] for name in expected} == expected
    assert local.files.keys() == expected.keys()
    assert [*local.large.values()] == [expected["model.safetensors"]]
    assert "# run" in card and "somebody/body" not in card
    local.files["README.md"] = card.encode()
    ours, theirs = load(str(run)).network, load("somebody/mine").network
    for (name, one), (_, other) in zip(
        ours.state_dict().items(), theirs.state_dict().items(), strict=True
    ):
        assert torch.equal(one, other), name


def test_the_list_is_shown_and_nothing_is_sent(headwater: Any, run: Path, local: hub.Hub) -> None:
    ran = headwater("push", run, "somebody/mine", "--dry-run")
    assert ran.code == 0, ran.err
    names = [line.split()[-1] for line in ran.out.splitlines()]
    assert "model.safetensors" in names and names[-1] == "README.md"
    assert "secret.safetensors" not in names
    assert local.asked == []
    listed = json.loads(headwater("push", run, "somebody/mine", "--dry-run", "--json").out)
    assert listed["commit"] is None and [*listed["files"]] == names


def test_a_card_of_ones_own_is_kept(run: Path) -> None:
    (run / "model" / "README.md").write_text("---\nlicense: mit\n---\nMine.\n")
    assert prepare(str(run), "somebody/mine").card.endswith("Mine.\n")


@pytest.mark.parametrize("status", [401, 403])
def test_without_the_right_to_write(run: Path, local: hub.Hub, status: int) -> None:
    local.refuse = status
    with pytest.raises(UserError, match="hf auth login"):
        push(prepare(str(run), "somebody/mine"))


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, "such a user"), (413, "this size"), (429, "wait"), (500, "again")],
)
def test_what_the_hub_refuses(run: Path, local: hub.Hub, status: int, expected: str) -> None:
    local.refuse = status
    with pytest.raises(UserError, match=rf"nothing was published .*; .*{expected}"):
        push(prepare(str(run), "somebody/mine"))


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "nonsense"])
def test_a_hub_that_is_not_there(
    run: Path, local: hub.Hub, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    with pytest.raises(UserError, match="nothing was published"):
        push(prepare(str(run), "somebody/mine"))


def test_a_connection_that_is_cut_between(run: Path, local: hub.Hub) -> None:
    local.cut = "/commit/"
    with pytest.raises(UserError, match=r"nothing was published .*run the same command again"):
        push(prepare(str(run), "somebody/mine"))
    assert local.files == {}


def test_only_what_a_model_reads_is_published(run: Path, tmp_path: Path) -> None:
    model = run / "model"
    expected = {each.name for each in model.iterdir()}
    for name in (".env", "credentials.json", "optimizer.safetensors", "data.json", "old.model"):
        (model / name).write_text("secret")
    (model / "folder.json").mkdir()
    (model / "nowhere.json").symlink_to(tmp_path / "absent")
    (model / "elsewhere.json").symlink_to(run / "config.toml")
    assert {*prepare(str(run), "somebody/mine").files} == expected


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of huggingface-hub
def test_the_head_of_an_encoder_of_vectors_is_published_too(tmp_path: Path, local: hub.Hub) -> None:
    folder = tmp_path / "vectors"
    words = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS)
    tiny.model_folder(folder, words)
    layers = (DenseConfig(16, 8), "normalize")
    write_head(folder, EmbeddingHead(EmbeddingConfig(("max",), layers)), 16)
    (folder / "README.md").write_text("Mine.")
    upload = prepare(str(folder), "somebody/mine")
    assert {"1_Pooling/config.json", "2_Dense/model.safetensors"} <= {*upload.files}
    push(upload)
    texts = ["the good mill", "a bad river"]
    ours, theirs = load(str(folder)).embed(texts), load("somebody/mine").embed(texts)
    assert ours.shape == (2, 8) and (ours == theirs).all()


def test_what_others_could_not_load(run: Path, tmp_path: Path) -> None:
    settings = {"peft_type": "LORA", "base_model_name_or_path": str(run / "model"), "r": 1}
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match="on this disk alone; merge"):
        prepare(str(adapter), "somebody/mine")
    settings["base_model_name_or_path"] = "somebody/body"  # of the hub, where nobody looks now
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    (adapter / "README.md").write_text("Mine.")
    expected = ("adapter_config.json", "adapter_model.safetensors")
    assert prepare(str(adapter), "somebody/mine").files == expected
    whole = {*prepare(str(run), "somebody/mine").files}
    (run / "model" / "adapter_config.json").write_text(json.dumps(settings))  # left from a merge
    assert {*prepare(str(run), "somebody/mine").files} == whole | {"adapter_config.json"}
    (run / "model" / "adapter_config.json").unlink()
    (run / "model" / "engine.json").write_text("{}")
    (run / "model" / "model.safetensors").unlink()
    with pytest.raises(UserError, match="an export"):
        prepare(str(run), "somebody/mine")


def test_a_card_that_is_no_text(run: Path) -> None:
    (run / "model" / "README.md").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"README.md.*UTF-8"):
        prepare(str(run), "somebody/mine")


def test_mistakes(run: Path, tmp_path: Path) -> None:
    names = ("mine", "a b/c", "a--b/c", "a/b.", "-a/b", "a/b..c", "a/b/c", "a/b.git")
    for name in (*names, f"a/{'b' * 96}"):
        with pytest.raises(UserError, match="USER/NAME"):
            prepare(str(run), name)
    for absent in ("", str(tmp_path / "absent")):
        with pytest.raises(UserError, match="no such folder"):
            prepare(absent, "somebody/mine")
    base = {"name": "body", "path": str(tmp_path / "body"), "sha256": {"model.safetensors": "0"}}
    (run / "model" / "base.json").write_text(json.dumps(base))
    with pytest.raises(UserError, match="on this disk alone; merge"):
        prepare(str(run), "somebody/mine")
