"""What a store gives back, and what it refuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.corpus.store import SourceInfo, StoreWriter, TokenStore
from headwater.errors import UserError
from headwater.text.vocabulary import Vocabulary

TEXTS = ["the mill. The river", "   ", "abc"]


@pytest.fixture
def store(built: Any, tmp_path: Path) -> TokenStore:
    lines = [json.dumps({"text": text}) for text in TEXTS]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    made: TokenStore = built(tmp_path / "a.jsonl")[0]
    return made


def test_a_store_gives_back_its_documents(store: TokenStore, letters: Vocabulary) -> None:
    assert len(store) == 2  # the blank one is left out
    for index, text in enumerate((TEXTS[0], TEXTS[2])):
        ids = store.document(index)
        assert ids.dtype == np.int32
        np.testing.assert_array_equal(ids, letters.encode(text).ids)
    assert store.documents.tolist() == [0, 5, 8]
    assert store.sentences.tolist() == [0, 3, 5, 8]
    assert store.tokens.dtype == np.uint16
    assert not store.tokens.flags.writeable
    assert store.vocabulary_fingerprint == letters.fingerprint
    assert store.load_vocabulary().fingerprint == letters.fingerprint
    assert store.info.empty_documents == 1
    with pytest.raises(IndexError):
        store.document(2)
    with pytest.raises(IndexError):
        store.document(-1)
    store.verify()


def test_the_arrays_are_plain_files(store: TokenStore) -> None:
    tokens = np.fromfile(store.folder / "tokens.bin", "<u2")
    np.testing.assert_array_equal(tokens, store.tokens)
    assert np.load(store.folder / "documents.npy").tolist() == [0, 5, 8]
    content = json.loads((store.folder / "store.json").read_text())
    assert {"documents.npy", "sentences.npy", "tokens.bin", "vocabulary/vocab.txt"} <= set(
        content["sha256"]
    )


@pytest.mark.parametrize("name", ["tokens.bin", "sentences.npy", "vocabulary/vocab.txt"])
def test_one_changed_bit_is_found(store: TokenStore, name: str) -> None:
    file = store.folder / name
    content = bytearray(file.read_bytes())
    content[-16] ^= 1  # a bound between the first and the last
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"{name}: differs from its checksum"):
        TokenStore.open(store.folder).verify()


@pytest.mark.parametrize("name", ["tokens.bin", "documents.npy", "sentences.npy", "store.json"])
@pytest.mark.parametrize("keep", [0, 20, -2, None])
def test_a_file_that_is_cut_short_or_missing_is_refused(
    store: TokenStore, name: str, keep: int | None
) -> None:
    file = store.folder / name
    content = file.read_bytes()
    if keep is None:
        file.unlink()
    else:
        file.write_bytes(content[:keep] if name != "tokens.bin" else content[: min(keep, 14)])
    with pytest.raises(UserError) as raised:
        TokenStore.open(store.folder)
    assert "\n" not in str(raised.value)
    assert str(store.folder) in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "format 2"),
        ({"tokens": 9}, "tokens"),
        ({"documents": 3}, "bounds"),
        ({"dtype": "int8"}, "dtype"),
        ({"more": 1}, "unknown key 'more'"),
        ({"sha256": None}, "sha256"),
    ],
)
def test_a_store_json_that_does_not_fit_is_refused(
    store: TokenStore, changes: dict[str, Any], said: str
) -> None:
    file = store.folder / "store.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(UserError, match=said):
        TokenStore.open(store.folder)


def test_bounds_of_another_store_are_refused(store: TokenStore) -> None:
    shutil.copy(store.folder / "sentences.npy", store.folder / "documents.npy")
    with pytest.raises(UserError, match="bounds"):
        TokenStore.open(store.folder)
    np.save(store.folder / "documents.npy", np.array([0, 5, 7]))
    with pytest.raises(UserError, match="does not run from 0 to 8"):
        TokenStore.open(store.folder)


def test_another_vocabulary_is_refused(store: TokenStore) -> None:
    for name in ("tokenizer.json", "vocab.txt"):
        file = store.folder / "vocabulary" / name
        file.write_text(file.read_text().replace("river", "rover"))
    with pytest.raises(UserError, match="not the vocabulary that made this store"):
        TokenStore.open(store.folder).load_vocabulary()


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a token store"):
        TokenStore.open(tmp_path)
    (tmp_path / "store.json").write_text("[]")
    with pytest.raises(UserError, match="object"):
        TokenStore.open(tmp_path)


class Wide:
    """As much of a vocabulary as the writer asks."""

    fingerprint = "f"
    unk_id = None

    def __init__(self, size: int) -> None:
        self.size = size


@pytest.mark.parametrize(("size", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_the_tokens_are_as_wide_as_the_vocabulary_needs(
    tmp_path: Path, size: int, dtype: str
) -> None:
    writer = StoreWriter(tmp_path, Wide(size))  # type: ignore[arg-type]
    ids = np.array([0, size - 1, 5], np.int32)
    writer.add(ids[:2], np.array([0, 1, 1, 2]), last=False)
    writer.add(ids[2:], np.array([], np.int64), last=True)
    writer.finish([SourceInfo(path="a", files=1, bytes=1)], 0, 0)
    store = TokenStore.open(tmp_path)
    assert store.tokens.dtype == dtype
    np.testing.assert_array_equal(store.document(0), ids)
    assert store.sentences.tolist() == [0, 1, 2, 3]  # bounds rise strictly


def test_the_fingerprint_tells_stores_apart(built: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the mill")
    (tmp_path / "b.txt").write_text("the river")
    prints = [built(tmp_path / name, name=f"{n}")[0].fingerprint for n, name in
              enumerate(("a.txt", "a.txt", "b.txt"))]  # fmt: skip
    assert prints[0] == prints[1] != prints[2]
