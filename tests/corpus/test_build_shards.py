"""Token stores in shards: built in parts, resumed, checked."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.corpus import build_shards as room
from headwater.corpus.build import build
from headwater.corpus.build_shards import build_shards
from headwater.corpus.shards import ShardedStore, open_store
from headwater.corpus.store import TokenStore
from headwater.errors import UserError
from headwater.text.vocabulary import Vocabulary

TEXTS = ["the mill stood. it fell.", "a river ran.", "", "the mill. the river."]


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four files, each a shard of its own; the third has no document."""
    monkeypatch.setattr(room, "SHARD", 1)
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in zip("abcd", TEXTS, strict=True):
        lines = [json.dumps({"text": text}), json.dumps({"text": text.upper()})]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "d.jsonl").write_text((folder / "d.jsonl").read_text() + "broken\n")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_shards_hold_what_one_store_holds(texts: Path, tmp_path: Path, letters: Vocabulary) -> None:
    info = build_shards([texts], letters, tmp_path / "shards", workers=1)
    assert info is not None
    whole = build([texts], letters, tmp_path / "whole")
    store, plain = open_store(tmp_path / "shards"), TokenStore.open(tmp_path / "whole")
    assert isinstance(store, ShardedStore) and store.info == info
    assert [each.name for each in info.shards] == ["00000", "00001", "00003"]
    parts = [store.shard(number) for number in range(3)]
    assert np.concatenate([part.tokens for part in parts]).tolist() == plain.tokens.tolist()
    for name in ("documents", "sentences", "tokens", "bad_lines", "empty_documents", "dtype"):
        assert getattr(info, name) == getattr(whole, name), name
    assert (info.sources, info.vocabulary) == (whole.sources, whole.vocabulary)
    assert store.sizes.tolist() == [[len(part.tokens), len(part)] for part in parts]
    for index in range(len(plain)):
        part, own = store.locate(index)
        assert part.document(own).tolist() == plain.document(index).tolist()
    assert store.load_vocabulary().fingerprint == letters.fingerprint
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_processes_make_the_same_bytes(texts: Path, tmp_path: Path, letters: Vocabulary) -> None:
    build_shards([texts], letters, tmp_path / "one", workers=1)
    build_shards([texts], letters, tmp_path / "two", workers=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_killed_build_does_only_what_is_left(
    texts: Path, tmp_path: Path, letters: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = (
        "import os, signal, sys; from pathlib import Path\n"
        "from headwater.corpus import build_shards, shard_steps\n"
        "from headwater.text.loading import load_vocabulary\n"
        "build_shards.SHARD = 1\n"
        "real = shard_steps.load_vocabulary\n"
        "def killed(folder):\n"
        "    if (folder.parent / 'shards' / '00001').exists():\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(folder)\n"
        "shard_steps.load_vocabulary = killed\n"
        "inputs, vocabulary, output = map(Path, sys.argv[1:])\n"
        "build_shards.build_shards([inputs], load_vocabulary(vocabulary), output, workers=1)\n"
    )
    letters.save(tmp_path / "letters")
    given = [str(tmp_path / name) for name in ("texts", "letters", "out")]
    ended = subprocess.run([sys.executable, "-c", kill, *given], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    done: list[int] = []
    real = room.EncodeShard.__call__

    def noted(self: Any, data: Any, rank: int = 0, world_size: int = 1) -> None:
        done.append(rank)
        real(self, data, rank, world_size)

    monkeypatch.setattr(room.EncodeShard, "__call__", noted)
    build_shards([texts], letters, tmp_path / "out", workers=1)
    assert done == [2, 3]
    build_shards([texts], letters, tmp_path / "unbroken", workers=1)
    assert content(tmp_path / "out") == content(tmp_path / "unbroken")


def test_a_damaged_shard_is_named_when_it_is_read(
    texts: Path, tmp_path: Path, letters: Vocabulary
) -> None:
    build_shards([texts], letters, tmp_path / "store", workers=1)
    tokens = tmp_path / "store" / "shards" / "00001" / "tokens.bin"
    tokens.write_bytes(bytes([tokens.read_bytes()[0] ^ 1]) + tokens.read_bytes()[1:])
    store = ShardedStore.open(tmp_path / "store")
    store.verify_index()
    store.shard(0)
    with pytest.raises(UserError, match=r"00001/tokens\.bin: differs from its checksum"):
        store.shard(1)
    with pytest.raises(UserError, match="differs from its checksum"):
        store.verify()


def test_a_shard_of_another_store_is_refused(
    texts: Path, tmp_path: Path, letters: Vocabulary
) -> None:
    build_shards([texts], letters, tmp_path / "store", workers=1)
    shards = tmp_path / "store" / "shards"
    (shards / "00000").rename(shards / "x")
    (shards / "00001").rename(shards / "00000")
    store = ShardedStore.open(tmp_path / "store")
    with pytest.raises(UserError, match="00001: missing"):
        store.verify_index()
    with pytest.raises(UserError, match="00000: not the shard of"):
        store.shard(0)


def test_a_shard_of_another_vocabulary_or_size_is_refused(
    texts: Path, tmp_path: Path, letters: Vocabulary
) -> None:
    """Though its fingerprint is the one in the index."""
    build_shards([texts], letters, tmp_path / "store", workers=1)
    index = tmp_path / "store" / "store.json"
    known = json.loads(index.read_text())
    first, second = known["shards"][:2]
    moved = [{**first, "tokens": first["tokens"] + 1}, {**second, "tokens": second["tokens"] - 1}]
    changes: list[dict[str, Any]] = [
        {"vocabulary": known["vocabulary"] | {"fingerprint": "another"}},
        {"shards": [*moved, *known["shards"][2:]]},
    ]
    for change in changes:
        index.write_text(json.dumps(known | change))
        with pytest.raises(UserError, match="00000: not the shard of"):
            ShardedStore.open(tmp_path / "store").shard(0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("tokens", 2**62), ("tokens", 0), ("documents", -1), ("sentences", 7), ("name", "../x")],
)
def test_an_index_that_no_build_writes_is_refused(
    texts: Path, tmp_path: Path, letters: Vocabulary, key: str, value: Any
) -> None:
    build_shards([texts], letters, tmp_path / "store", workers=1)
    index = tmp_path / "store" / "store.json"
    known = json.loads(index.read_text())
    known["shards"][0][key] = value
    if key != "sentences" and isinstance(value, int):
        known[key] = sum(each[key] for each in known["shards"])
    index.write_text(json.dumps(known))
    with pytest.raises(UserError, match=r"store\.json: .*(shards\[0\]|its shards are not its sum)"):
        ShardedStore.open(tmp_path / "store")


def test_nothing_to_store_is_told(tmp_path: Path, letters: Vocabulary) -> None:
    (tmp_path / "a.jsonl").write_text("broken\n")
    with pytest.raises(UserError, match="nothing to store was found"):
        build_shards([tmp_path / "a.jsonl"], letters, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_the_command(
    texts: Path, tmp_path: Path, letters_folder: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    output = tmp_path / "store"
    options = ("--vocabulary", letters_folder, "--output", output)
    code, out, err = call("build", texts, *options, "--workers", 1)
    assert code == 0 and out.strip() == str(output), err
    assert "documents: 6" in err and "shards: 3" in err and "d.jsonl, line 3" in err
    code, out, _ = call("show", output, "--json", "--verify", "--document", 5)
    shown = json.loads(out)
    assert shown["shards"] == 3 and shown["texts"][0]["document"] == 5
    code, out, _ = call("show", output)
    assert "shards      3" in out and "document 2:" in out
    code, _, err = call("build", texts, *options[:3], tmp_path / "x", "--set", "executor.a=1")
    assert code == 2 and "name one" in err


def test_building_loads_nothing_of_the_cleaning() -> None:
    code = (
        "import sys, headwater.corpus.build_shards\n"
        "assert not [name for name in sys.modules if name.startswith('headwater.corpus.cleaning')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
