"""Long documents are cut where it changes neither ids nor sentences."""

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from headwater.corpus import encode as encoding
from headwater.corpus.encode import CHUNK, CONTEXT, Chunk, ChunkTokens, chunks, encode
from headwater.corpus.read import DocumentPart
from headwater.text.loading import load_vocabulary
from headwater.text.sentences import sentences
from headwater.text.vocabulary import Vocabulary

WORDS = ["mill", "the", "Dr", "U.S", "x" * 30, "1", "é", "日", "“", "”"]
GAPS = [" ", " ", " ", ". ", ". ", "! ", "\n", "\n\n", "  ", ".", "。", ", "]


def of_one_document(found: Iterator[ChunkTokens]) -> tuple[NDArray[np.int32], list[int]]:
    """Return all ids and all sentence ends."""
    ids: list[int] = []
    ends: list[int] = []
    for token in found:
        ends += (token.ends + len(ids)).tolist()
        ids += token.ids.tolist()
    return np.array(ids, np.int32), ends


def ends_in(text: str) -> list[int]:
    return [end for _, end in sentences(text)][:-1]


def ends_of(found: list[Chunk]) -> list[int]:
    begins = itertools.accumulate((len(chunk.text) for chunk in found), initial=0)
    return [begin + end for begin, chunk in zip(begins, found, strict=False) for end in chunk.ends]


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), max_size=150), st.data())
def test_chunks_hold_the_text_and_its_sentences(
    words: list[tuple[str, str]], data: st.DataObject
) -> None:
    text = "".join(word + gap for word, gap in words)
    offsets = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    bounds = itertools.pairwise([0, *offsets, len(text)])
    parts = [DocumentPart(text[low:high], last=False) for low, high in bounds]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "CHUNK", 100)
        found = list(chunks([*parts, DocumentPart("", last=True), DocumentPart("next", last=True)]))
    assert found.pop() == Chunk("next", (), last=True)
    assert "".join(chunk.text for chunk in found) == text
    assert [chunk.last for chunk in found] == [False] * (len(found) - 1) + [True]
    assert all(0 < len(chunk.text) <= 100 + CONTEXT for chunk in found[:-1])
    assert ends_of(found) == ends_in(text)


@pytest.mark.parametrize("name", ["bert-base-uncased", "gpt2", "t5"])
def test_the_tokens_of_chunks_are_those_of_the_whole_text(
    shared: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 500)
    vocabulary = load_vocabulary(shared / "data/tokenizers" / name)
    file = shared / "data/text/openstax_cc_by/openstax-00-of-02.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        text = "\n\n".join(json.loads(line)["text"] for line in itertools.islice(lines, 4))
    text = text[:40_000]
    cut = list(chunks([DocumentPart(text, last=True)]))
    assert len(cut) > 60
    ids, ends = of_one_document(encode(vocabulary, iter(cut)))
    whole = vocabulary.encode(text)
    np.testing.assert_array_equal(ids, whole.ids)
    expected = np.searchsorted(np.maximum.accumulate(whole.starts), ends_in(text))
    np.testing.assert_array_equal(ends, expected)


@pytest.mark.parametrize(
    "text", ["日本語" * CHUNK, "x" * 3 * CHUNK, "a\tb" * CHUNK, " " * 3 * CHUNK]
)
def test_a_text_without_a_boundary_is_cut_all_the_same(text: str) -> None:
    found = list(chunks([DocumentPart(text, last=True)]))
    assert "".join(chunk.text for chunk in found) == text
    assert max(len(chunk.text) for chunk in found) <= CHUNK + CONTEXT


def test_tokens_of_a_sentence_are_its_own(letters: Vocabulary) -> None:
    texts = ["the mill. The river! A", "", "the"]
    found = list(encode(letters, chunks(DocumentPart(text, last=True) for text in texts)))
    assert [token.ends.tolist() for token in found] == [[3, 6], [], []]
    assert [len(token.ids) for token in found] == [7, 0, 1]


def test_a_document_that_ends_with_spaces_has_no_sentence_more() -> None:
    [chunk] = chunks([DocumentPart("One. Two. \n ", last=True)])
    assert chunk.ends == (4,)
