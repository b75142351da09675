"""Documents joined and cut into sequences."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.data.order import hash_key, hashes, position_hashes, sequence_keys
from headwater.errors import UserError
from headwater.objectives.sequences import RunningText, constant

MakeStore = Callable[..., Any]
SEPARATOR = 1


def joined(store: Any) -> list[int]:
    stream: list[int] = []
    for begin, end in pairwise(store.documents):
        if end > begin:
            stream += [*store.tokens[begin:end].tolist(), SEPARATOR]
    return stream


@given(sizes=st.lists(st.integers(0, 20), max_size=12), length=st.integers(1, 12))
def test_sequences_are_the_joined_documents(
    make_store: MakeStore, sizes: list[int], length: int
) -> None:
    begin = np.cumsum([10, *sizes])
    store = make_store([[range(b, b + size)] for b, size in zip(begin, sizes, strict=False)])
    stream = joined(store)
    if len(stream) < length:
        with pytest.raises(UserError, match=f"fewer than one sequence of {length}"):
            RunningText(store, length, SEPARATOR)
        return
    chunks = RunningText(store, length, SEPARATOR)
    assert len(chunks) == len(stream) // length
    sequences = np.arange(len(chunks))[::-1]
    found = chunks.texts(sequences)
    assert found.dtype == np.int32 and found.shape == (len(chunks), length)
    assert found[::-1].ravel().tolist() == stream[: len(chunks) * length]


def test_a_memory_mapped_store_is_read_in_place(tmp_path: Path, make_store: MakeStore) -> None:
    store = make_store([[range(2, 60)], [range(60, 99)]])
    store.tokens.tofile(tmp_path / "tokens.bin")
    mapped = np.memmap(tmp_path / "tokens.bin", np.uint16, "r")
    chunks = RunningText(type(store)(mapped, store.documents, store.sentences, ""), 10, SEPARATOR)
    assert chunks.texts(np.arange(len(chunks))).ravel().tolist() == joined(store)[:90]


def test_keys_and_hashes_of_many_sequences_are_those_of_one() -> None:
    sequences = np.array([0, 5, 2**40])
    keys = sequence_keys((3, 1, 4), sequences)
    assert keys.tolist() == [hash_key((3, 1, 4, sequence)) for sequence in sequences.tolist()]
    table = position_hashes(keys[:, None], np.arange(6)[None])
    assert [sequence.tolist() for sequence in table] == [
        hashes(int(key), 6).tolist() for key in keys
    ]


def test_a_constant_takes_no_memory() -> None:
    lengths = constant(512, 10**12)
    assert len(lengths) == 10**12 and lengths[-1] == 512 and lengths.dtype == np.int64


def test_objectives_import_no_torch() -> None:
    code = (
        "import sys; from headwater.objectives import cbow, lm, mlm, span_corruption; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
