"""Token stores by URL."""

from pathlib import Path

import pytest
from tests import tiny
from tests.remote.conftest import Web

from headwater.corpus import build_shards as room
from headwater.corpus.build_shards import build_shards
from headwater.corpus.remote_store import local_folder
from headwater.corpus.shards import ShardedStore, open_store
from headwater.errors import UserError
from headwater.runs.objective_component import open_store as open_named


def put(web: Web, folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            web.files[f"/{file.relative_to(folder.parent).as_posix()}"] = file.read_bytes()


def test_a_store_is_fetched_whole(web: Web, tmp_path: Path) -> None:
    vocabulary = tiny.example_unigram()
    plain = open_store(tiny.token_store(tmp_path / "store", vocabulary))
    put(web, tmp_path / "store")
    found = open_named(f"{web.url}/store")
    assert found.fingerprint == plain.fingerprint
    assert found.load_vocabulary().fingerprint == vocabulary.fingerprint
    assert local_folder(tmp_path / "store") == tmp_path / "store"
    with pytest.raises(UserError, match=r"/other/store\.json: there is no file of that name"):
        open_named(f"{web.url}/other")


def test_shards_are_fetched_when_they_are_read(
    web: Web, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SHARD", 1)
    files = [tiny.example_corpus(tmp_path / f"{name}.jsonl") for name in "ab"]
    build_shards(files, tiny.example_unigram(), tmp_path / "store", workers=1)
    put(web, tmp_path / "store")
    store = open_named(f"{web.url}/store")
    assert isinstance(store, ShardedStore) and not list(cache.rglob("tokens.bin"))
    plain = ShardedStore.open(tmp_path / "store").shard(1)
    assert store.shard(1).tokens.tolist() == plain.tokens.tolist()
    assert [file.parent.name for file in cache.rglob("tokens.bin")] == ["00001"]
    del web.files["/store/shards/00000/tokens.bin"]
    with pytest.raises(UserError, match=r"00000/tokens\.bin: there is no file of that name"):
        store.shard(0)
