"""Language modeling sequences and windows of words."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from headwater.data.convert import IGNORED
from headwater.errors import UserError
from headwater.objectives.cbow import WordWindows, WordWindowsConfig
from headwater.objectives.lm import LanguageModel, LanguageModelConfig
from headwater.text.vocabulary import Vocabulary

MakeStore = Callable[..., Any]


@pytest.fixture(scope="module")
def store(make_store: MakeStore) -> Any:
    return make_store([[np.arange(5, 70)], [], [np.arange(70, 75)], [np.arange(75, 2000)]])


def test_lm_asks_for_every_token(store: Any, t5: Vocabulary) -> None:
    objective = LanguageModel(store, t5, LanguageModelConfig(length=16), seed=0)
    sequences = objective.features(np.arange(len(objective)), 0)
    assert (objective.lengths == 16).all()
    for sequence in sequences:
        assert np.array_equal(sequence["input_ids"], sequence["labels"])
    stream = np.concatenate([sequence["input_ids"] for sequence in sequences])
    expected = [*range(5, 70), 1, *range(70, 75), 1, *range(75, 2000), 1]
    assert stream.tolist() == expected[: len(stream)]
    assert len(expected) - len(stream) < 16


def test_documents_of_a_bert_vocabulary_end_in_sep(store: Any, bert: Vocabulary) -> None:
    objective = LanguageModel(store, bert, LanguageModelConfig(length=70), seed=0)
    assert objective.features(np.array([0]), 0)[0]["input_ids"][65] == bert.sep_id


def test_prefix_lm_asks_for_the_rest(store: Any, t5: Vocabulary) -> None:
    objective = LanguageModel(store, t5, LanguageModelConfig(length=5), 0, "prefix_lm")
    counts = np.zeros(6, int)
    for epoch in range(20):
        for sequence in objective.features(np.arange(len(objective)), epoch):
            prefix = int(sequence["prefix_length"])
            assert np.ndim(sequence["prefix_length"]) == 0
            counts[prefix] += 1
            assert (sequence["labels"][:prefix] == IGNORED).all()
            assert np.array_equal(sequence["labels"][prefix:], sequence["input_ids"][prefix:])
    total = counts.sum()
    assert counts[0] == counts[5] == 0
    assert np.abs(counts[1:5] / total - 0.25).max() < 3.5 * np.sqrt(0.1875 / total)
    again = objective.features(np.array([7]), 3)[0]
    whole = objective.features(np.arange(20), 3)[7]
    assert all(np.array_equal(again[name], whole[name]) for name in whole)


def test_bilm_is_the_text_alone(store: Any, t5: Vocabulary) -> None:
    objective = LanguageModel(store, t5, LanguageModelConfig(length=16), 0, "bilm")
    assert objective.features(np.array([1]), 0)[0].keys() == {"input_ids"}


def test_lm_errors(store: Any, t5: Vocabulary, bare: Callable[..., Vocabulary]) -> None:
    with pytest.raises(UserError, match=r"holds 1998 tokens, fewer than one sequence of 4000"):
        LanguageModel(store, t5, LanguageModelConfig(length=4000), seed=0)
    with pytest.raises(UserError, match="length = 1"):
        LanguageModelConfig.check({"length": 1}, "recipe.toml")
    with pytest.raises(UserError, match="no token that ends a document"):
        LanguageModel(store, bare(["[UNK]", "a"]), LanguageModelConfig(length=4), seed=0)


@pytest.mark.parametrize(("window", "length"), [(1, 128), (2, 7), (5, 1), (3, 59)])
def test_every_full_window_inside_a_document_is_asked_for_once(
    store: Any, window: int, length: int
) -> None:
    objective = WordWindows(store, WordWindowsConfig(window=window, length=length))
    expected = []
    for begin, end in pairwise(store.documents.tolist()):
        text = store.tokens[begin:end].tolist()
        middles = range(window, len(text) - window)
        expected += [(text[m - window : m + window + 1], text[m]) for m in middles]
    found = []
    sequences = objective.features(np.arange(len(objective)), 0)
    for sequence, size in zip(sequences, objective.lengths.tolist(), strict=True):
        words, labels = sequence["input_ids"], sequence["labels"]
        assert words.dtype == labels.dtype == np.int32
        assert len(words) == size == len(labels) + 2 * window
        assert 1 <= len(labels) <= length
        for position, label in enumerate(labels.tolist()):
            found.append((words[position : position + 2 * window + 1].tolist(), label))
    assert found == expected
    again = objective.features(np.array([3, 1]), 5)
    assert np.array_equal(again[1]["input_ids"], sequences[1]["input_ids"])
    assert np.array_equal(again[0]["labels"], sequences[3]["labels"])


def test_another_window_is_another_fingerprint(store: Any) -> None:
    configs = [WordWindowsConfig(), WordWindowsConfig(window=5), WordWindowsConfig(length=64)]
    assert len({WordWindows(store, config).fingerprint for config in configs}) == 3


def test_no_document_holds_a_window(make_store: MakeStore) -> None:
    for documents in ([[[5, 6, 7]]], []):
        with pytest.raises(UserError, match="a window of 2 words"):
            WordWindows(make_store(documents), WordWindowsConfig(window=2))
