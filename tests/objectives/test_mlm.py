"""Masked language modeling on running text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.data.convert import IGNORED
from headwater.errors import UserError
from headwater.objectives.mlm import MaskedLM, MaskedLMConfig
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

MakeStore = Callable[..., Any]
CLS, SEP, MASK, FIRST_CONTINUATION = 2, 3, 4, 41
TEXT = MaskedLMConfig(max_length=64, next_sentence=False)


@pytest.fixture(scope="module")
def store(make_store: MakeStore) -> Any:
    random = np.random.default_rng(0)
    return make_store([[random.integers(5, 77, 3000)] for _ in range(20)])


def table(sequences: list[dict[str, Any]], name: str) -> np.ndarray:
    return np.stack([sequence[name] for sequence in sequences])


def test_shares_and_counts(store: Any, bert: Vocabulary) -> None:
    objective = MaskedLM(store, bert, TEXT, seed=0)
    sequences = objective.features(np.arange(len(objective)), 0)
    inputs, labels = table(sequences, "input_ids"), table(sequences, "labels")
    assert inputs.dtype == labels.dtype == np.int32
    chosen = labels != IGNORED
    text = np.where(chosen, labels, inputs)
    special = text < 5
    assert (text[:, 0] == CLS).all() and (text[:, -1] == SEP).all()
    assert special[:, 1:-1].any()  # documents end inside sequences
    assert not (chosen & special).any()
    assert (chosen.sum(axis=1) == np.rint(0.15 * (~special).sum(axis=1))).all()
    count = chosen.sum()
    same = (inputs == text)[chosen].mean()
    masked = (inputs == MASK)[chosen].mean()
    # A random token out of 72 is the same one once in a while.
    expected = 0.1 + 0.1 / 72
    assert abs(masked - 0.8) < 3 * np.sqrt(0.8 * 0.2 / count)
    assert abs(same - expected) < 3 * np.sqrt(expected * (1 - expected) / count)
    assert (inputs[chosen & (inputs != MASK)] >= 5).all()
    joined = [
        token for n in range(20) for token in [*store.tokens[n * 3000 : n * 3000 + 3000], SEP]
    ]
    assert text[:, 1:-1].ravel().tolist() == joined[: text[:, 1:-1].size]


def test_whole_words(store: Any, bert: Vocabulary) -> None:
    config = TEXT.model_copy(update={"whole_word": True})
    objective = MaskedLM(store, bert, config, seed=0)
    sequences = objective.features(np.arange(len(objective)), 0)
    labels = table(sequences, "labels")
    chosen = labels != IGNORED
    text = np.where(chosen, labels, table(sequences, "input_ids"))
    goes_on = text[:, 1:] >= FIRST_CONTINUATION
    after_text = text[:, :-1] >= 5
    together = goes_on & after_text
    assert (chosen[:, 1:] == chosen[:, :-1])[together].all()
    allowed = (text >= 5).sum(axis=1)
    assert (chosen.sum(axis=1) <= np.rint(0.15 * allowed)).all()
    assert chosen.sum() > 0.14 * allowed.sum()
    plain = table(MaskedLM(store, bert, TEXT, seed=0).features(np.arange(9), 0), "labels")
    assert not np.array_equal(plain != IGNORED, chosen[:9])


def test_fresh_each_epoch_and_reproducible(store: Any, bert: Vocabulary) -> None:
    for config in (TEXT, TEXT.model_copy(update={"whole_word": True})):
        objective = MaskedLM(store, bert, config, seed=4)
        whole = objective.features(np.arange(30), 1)
        again = MaskedLM(store, bert, config, seed=4).features(np.array([17, 3]), 1)
        for sequence, features in zip((17, 3), again, strict=True):
            for name in ("input_ids", "labels"):
                assert np.array_equal(features[name], whole[sequence][name])
        for epoch, seed in ((2, 4), (1, 5)):
            other = MaskedLM(store, bert, config, seed=seed).features(np.arange(30), epoch)
            assert not any(
                np.array_equal(one["labels"], two["labels"])
                for one, two in zip(whole, other, strict=True)
            )


def test_lengths_and_fingerprint(store: Any, bert: Vocabulary) -> None:
    objective = MaskedLM(store, bert, TEXT, seed=0)
    assert len(objective) == 20 * 3001 // 62
    assert (objective.lengths == 64).all() and len(objective.lengths) == len(objective)
    other = MaskedLM(store, bert, TEXT, seed=1)
    assert objective.fingerprint != other.fingerprint
    assert objective.fingerprint == MaskedLM(store, bert, TEXT, seed=0).fingerprint


def test_vocabularies_that_lack_something(
    store: Any, t5: Vocabulary, bare: Callable[..., Vocabulary], shared: Path
) -> None:
    for vocabulary in (t5, load_vocabulary(shared / "data/tokenizers/gpt2")):
        with pytest.raises(UserError, match="no mask token"):
            MaskedLM(store, vocabulary, TEXT, seed=0)
    with pytest.raises(UserError, match=r"no tokens like \[CLS\] and \[SEP\]"):
        MaskedLM(store, bare(["[UNK]", "[MASK]", "a"]), TEXT, seed=0)


@pytest.mark.parametrize(
    "values",
    [
        {"max_length": 2, "next_sentence": False},
        {"max_length": 4},
        {"max_length": 10**6},
        {"noise_density": 0.0},
    ],
    ids=str,
)
def test_wrong_settings(values: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(values))):
        MaskedLMConfig.check(values, "recipe.toml")


def test_a_corpus_shorter_than_a_feature(make_store: MakeStore, bert: Vocabulary) -> None:
    with pytest.raises(UserError, match="fewer than one sequence of 62"):
        MaskedLM(make_store([[[5] * 9]]), bert, TEXT, seed=0)
