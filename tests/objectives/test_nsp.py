"""Sentence pairs: half true, half from other documents, never longer than configured."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headwater.data.convert import IGNORED
from headwater.errors import UserError
from headwater.objectives.mlm import MaskedLM, MaskedLMConfig
from headwater.objectives.nsp import SentencePairs
from headwater.text.vocabulary import Vocabulary

MakeStore = Callable[..., Any]
CLS, SEP, MASK = 2, 3, 4
FULL_STOP, FIRST = 5, 6  # every sentence of `store` ends with a 5; 6 to 76 are its words


@pytest.fixture(scope="module")
def store(make_store: MakeStore) -> Any:
    """Books of 600 sentences and notes of 2 to 9; a document repeats words of its own."""
    random = np.random.default_rng(0)
    documents = []
    for number in range(60):
        count = 600 if number < 10 else int(random.integers(2, 10))
        own = FIRST + number
        documents.append([[own] * int(random.integers(1, 20)) + [FULL_STOP] for _ in range(count)])
    return make_store(documents)


def parts(features: dict[str, Any]) -> tuple[list[int], list[int]]:
    ids, segments = features["ids"], features["segments"]
    first = [int(i) for i, s in zip(ids, segments, strict=True) if s == 0]
    second = [int(i) for i, s in zip(ids, segments, strict=True) if s == 1]
    assert first[0] == CLS and first[-1] == SEP and second[-1] == SEP
    return first[1:-1], second[:-1]


def sequences_of(pairs: SentencePairs, epoch: int = 0) -> list[dict[str, Any]]:
    found = pairs.pairs(np.arange(len(pairs)), epoch)
    return [
        {
            "ids": found.ids[i, :length],
            "segments": found.segments[i, :length],
            "label": int(found.labels[i]),
        }
        for i, length in enumerate(found.lengths)
    ]


def owner(ids: list[int]) -> set[int]:
    return {id for id in ids if id != FULL_STOP}


@pytest.mark.parametrize("max_length", [5, 16, 64])
def test_pairs_are_next_or_from_another_document(
    store: Any, bert: Vocabulary, max_length: int
) -> None:
    pairs = SentencePairs(store, bert, max_length, seed=0)
    kinds = []
    for sequence, features in enumerate(sequences_of(pairs)):
        first, second = parts(features)
        assert first and second
        assert len(features["ids"]) <= min(max_length, pairs.lengths[sequence])
        # A one-word document is told by its word; sentences of only a full stop there are none.
        assert not features["label"] or owner(first) != owner(second) or not owner(second)
        if not features["label"]:
            assert len(features["ids"]) == pairs.lengths[sequence]
            assert _follows(store, first, second)
        kinds.append(features["label"])
    share = np.mean(kinds)
    assert abs(share - 0.5) < 3 * np.sqrt(0.25 / len(kinds))


def _follows(store: Any, first: list[int], second: list[int]) -> bool:
    text = store.tokens.tobytes()
    both = np.array([*first, *second], np.uint16).tobytes()
    return both in text


def test_half_over_many_epochs(store: Any, bert: Vocabulary) -> None:
    pairs = SentencePairs(store, bert, 64, seed=0)
    labels = np.stack([pairs.pairs(np.arange(len(pairs)), epoch).labels for epoch in range(40)])
    assert abs(labels.mean() - 0.5) < 3 * np.sqrt(0.25 / labels.size)
    changed = (labels != labels[0]).any(axis=0)
    assert changed.all()


def test_neither_length_nor_end_tells_a_random_pair(store: Any, bert: Vocabulary) -> None:
    pairs = SentencePairs(store, bert, 64, seed=0)
    true, random = [], []
    for epoch in range(20):
        for features in sequences_of(pairs, epoch):
            kind = random if features["label"] else true
            kind.append((len(features["ids"]), parts(features)[1][-1] == FULL_STOP))
    # Pairs that fill the sequence do so either way, and only those are cut inside a sentence.
    shares = [np.mean([length == 64 for length, _ in kind]) for kind in (true, random)]
    assert abs(shares[0] - shares[1]) < 0.1  # the shortest documents run out
    assert all(stopped for length, stopped in true if length < 64)
    assert np.mean([stopped for length, stopped in random if length < 64]) > 0.8


def test_runs_hold_every_sentence_once_in_two_or_more(store: Any, bert: Vocabulary) -> None:
    pairs = SentencePairs(store, bert, 64, seed=0)
    begin, end = pairs._begin, pairs._end
    assert (end - begin >= 2).all()
    assert np.array_equal(begin[1:], end[:-1]) and begin[0] == 0
    assert end[-1] == len(store.sentences) - 1


def test_pairs_with_masks(store: Any, bert: Vocabulary) -> None:
    objective = MaskedLM(store, bert, MaskedLMConfig(max_length=64), seed=1)
    sequences = objective.features(np.arange(len(objective)), 3)
    pairs = SentencePairs(store, bert, 64, seed=1)
    for features, plain in zip(sequences, sequences_of(pairs, 3), strict=True):
        chosen = features["labels"] != IGNORED
        text = np.where(chosen, features["labels"], features["input_ids"])
        assert np.array_equal(text, plain["ids"])
        assert np.array_equal(features["token_type_ids"], plain["segments"])
        assert features["next_sentence_label"] == plain["label"]
        assert np.ndim(features["next_sentence_label"]) == 0
        assert not chosen[text == CLS].any() and not chosen[text == SEP].any()
        assert chosen.sum() == max(1, round(0.15 * (len(text) - 3)))
    assert (objective.lengths == pairs.lengths).all()


def test_a_sequence_is_the_same_in_any_batch(store: Any, bert: Vocabulary) -> None:
    objective = MaskedLM(store, bert, MaskedLMConfig(max_length=64), seed=1)
    whole = objective.features(np.arange(len(objective)), 0)
    for sequence in (0, 20, len(objective) - 1):
        alone = objective.features(np.array([sequence]), 0)[0]
        assert alone.keys() == whole[sequence].keys()
        assert all(np.array_equal(alone[name], whole[sequence][name]) for name in alone)


def test_long_sentences_are_cut_from_the_longer_side(
    make_store: MakeStore, bert: Vocabulary
) -> None:
    a, b, c = list(range(10, 40)), list(range(40, 70)), [70, 71]
    store = make_store([[a, b], [c, c]])
    pairs = SentencePairs(store, bert, 13, seed=0)
    for epoch in range(20):
        features = sequences_of(pairs, epoch)[0]
        first, second = parts(features)
        assert first == [35, 36, 37, 38, 39]  # the end of A, which B goes on from
        assert second == ([40, 41, 42, 43, 44] if not features["label"] else second)
        assert len(second) <= 5


def test_stores_without_pairs(make_store: MakeStore, bert: Vocabulary, t5: Vocabulary) -> None:
    for documents in ([[[9, 9], [9]]], [[[9, 9]], [[9]]], []):
        with pytest.raises(UserError, match="at least two documents"):
            SentencePairs(make_store(documents), bert, 16, seed=0)
    with pytest.raises(UserError, match=r"no tokens like \[CLS\]"):
        SentencePairs(make_store([[[9], [9]], [[8]]]), t5, 16, seed=0)
