"""Texts packed into sequences: the plan, and that each text is an example of its own."""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.data.convert import IGNORED
from headwater.errors import UserError
from headwater.objectives.lm import LanguageModel, LanguageModelConfig
from headwater.objectives.mlm import MaskedLM, MaskedLMConfig
from headwater.objectives.packing import Packing, fit, join
from headwater.objectives.span_corruption import SpanCorruption, SpanCorruptionConfig
from headwater.text.special_tokens import sentinel_ids
from headwater.text.vocabulary import Vocabulary

MakeStore = Callable[..., Any]
VARIANTS = ["span_corruption", "replace_spans", "drop_tokens", "bert_style", "mass_style"]
VARIANTS += ["deshuffling"]
SIZES = [3, 120, 0, 1, 40, 17, 64, 2, 9, 33, 200, 5, 11]


@pytest.fixture
def store(make_store: MakeStore) -> Any:
    """Documents of `SIZES` tokens, each token a number of its own that no vocabulary has."""
    begins = np.cumsum([1000, *SIZES])
    return make_store([[range(b, b + size)] for b, size in zip(begins, SIZES, strict=False)])


@pytest.fixture
def letters(make_store: MakeStore) -> Any:
    """Documents of tokens that the small WordPiece vocabulary has."""
    chance = np.random.default_rng(0)
    return make_store([[chance.integers(5, 77, size)] for size in SIZES])


def lm(store: Any, t5: Vocabulary, **config: Any) -> Any:
    kind = config.pop("kind", "lm")
    values = {"length": 32, "packing": True, **config}
    return LanguageModel(store, t5, LanguageModelConfig.check(values, "test"), 3, kind)


def spans(store: Any, t5: Vocabulary, variant: str = "span_corruption", seed: int = 3) -> Any:
    values = {"variant": variant, "inputs": 40, "packing": True}
    return SpanCorruption(store, t5, SpanCorruptionConfig.check(values, "test"), seed)


def blocks_of(sequence: dict[str, np.ndarray], name: str) -> list[list[int]]:
    """Return the blocks of one feature of a sequence."""
    blocks = sequence[
        "label_blocks" if name == "labels" and "label_blocks" in sequence else "blocks"
    ]
    assert (np.diff(blocks) >= 0).all() and len(blocks) == len(sequence[name])
    return [sequence[name][blocks == number].tolist() for number in range(1, blocks.max() + 1)]


def parts_of(store: Any, longest: int, least: int, end: list[int]) -> list[list[int]]:
    parts = []
    for begin, stop in pairwise(store.documents):
        text = [*store.tokens[begin:stop].tolist(), *end] if stop > begin else []
        parts += [text[at : at + longest] for at in range(0, len(text), longest)]
    return sorted(part for part in parts if len(part) >= least)


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=80), room=st.integers(50, 90))
def test_every_part_has_a_sequence_with_room(sizes: list[int], room: int) -> None:
    sequence = fit(np.array(sizes), room)
    loads = np.bincount(sequence, weights=sizes)
    assert len(sequence) == len(sizes)
    assert loads.min() > 0 and loads.max() <= room
    # What best fit promises: no two sequences would fit into one.
    assert len(loads) < 2 or np.sort(loads)[:2].sum() > room


def test_the_fullest_sequence_that_has_room_is_taken() -> None:
    assert fit(np.array([4, 2, 6, 2, 5]), 8).tolist() == [2, 0, 0, 1, 1]


@pytest.mark.timing
def test_a_hundred_thousand_documents_are_planned_in_a_second(make_store: MakeStore) -> None:
    sizes = np.random.default_rng(0).lognormal(5, 1.2, 100_000).astype(np.int64) + 1
    store = type(make_store([[range(3)]]))(
        np.zeros(sizes.sum(), np.uint16), np.cumsum([0, *sizes]), np.zeros(1, np.int64), ""
    )
    begin = time.perf_counter()
    packing = Packing(store, inputs=np.arange(513), room=512, least=1)
    assert time.perf_counter() - begin < 3  # about 0.7 on the machine it was written on
    assert packing.lengths.sum() == sizes.sum()
    assert packing.lengths.mean() > 0.99 * 512


def test_lm_sequences_hold_every_part_once(store: Any, t5: Vocabulary) -> None:
    objective = lm(store, t5)
    sequences = objective.features(np.arange(len(objective)), 0)
    texts = [text for sequence in sequences for text in blocks_of(sequence, "input_ids")]
    assert sorted(texts) == parts_of(store, 32, 2, [t5.eos_id])
    assert [len(sequence["input_ids"]) for sequence in sequences] == objective.lengths.tolist()
    assert objective.lengths.max() <= 32
    for sequence in sequences:
        asked = sequence["labels"] != IGNORED
        assert (asked == (np.diff(sequence["blocks"], prepend=0) == 0)).all()
        assert np.array_equal(sequence["labels"][asked], sequence["input_ids"][asked])


def test_prefixes_are_those_of_each_text(store: Any, t5: Vocabulary) -> None:
    objective = lm(store, t5, kind="prefix_lm")
    seen = set()
    for sequence in objective.features(np.arange(len(objective)), 0):
        blocks = [blocks_of(sequence, name) for name in ("input_ids", "labels", "prefix_length")]
        for ids, labels, prefixes in zip(*blocks, strict=True):
            [prefix] = set(prefixes)
            assert 1 <= prefix < len(ids)
            assert labels == [IGNORED] * prefix + ids[prefix:]
            seen.add(prefix)
    assert len(seen) > 8


def test_masks_are_those_of_each_text(letters: Any, bert: Vocabulary) -> None:
    config = MaskedLMConfig(max_length=32, next_sentence=False, packing=True)
    objective = MaskedLM(letters, bert, config, 3)
    texts, hidden = [], 0
    sequences = objective.features(np.arange(len(objective)), 0)
    for sequence in sequences:
        for ids, labels in zip(
            blocks_of(sequence, "input_ids"), blocks_of(sequence, "labels"), strict=True
        ):
            assert (ids[0], ids[-1]) == (bert.cls_id, bert.sep_id)
            chosen = [position for position, label in enumerate(labels) if label != IGNORED]
            assert len(chosen) == max(1, round(0.15 * (len(ids) - 2)))
            hidden += sum(ids[position] == bert.mask_id for position in chosen)
            for position in chosen:
                ids[position] = labels[position]
            texts.append(ids[1:-1])
    assert sorted(texts) == parts_of(letters, 30, 1, [])
    assert hidden
    assert [len(sequence["input_ids"]) for sequence in sequences] == objective.lengths.tolist()


@pytest.mark.parametrize("variant", VARIANTS)
def test_inputs_and_targets_are_those_of_each_text(
    store: Any, t5: Vocabulary, variant: str
) -> None:
    objective = spans(store, t5, variant)
    sequences = objective.features(np.arange(len(objective)), 0)
    sentinels = sentinel_ids(t5)
    texts = []
    for sequence, length, targets in zip(
        sequences, objective.lengths, objective.target_lengths, strict=True
    ):
        found = len(sequence["input_ids"]), len(sequence["labels"])
        if variant == "replace_spans":
            assert found[0] <= length - targets <= 40 and found[1] <= targets
        else:
            assert found == (length - targets, targets) and found[0] <= 40
        for source, target in zip(
            blocks_of(sequence, "input_ids"), blocks_of(sequence, "labels"), strict=True
        ):
            assert source.pop() == t5.eos_id and target.pop() == t5.eos_id
            if variant == "span_corruption":
                named = [id for id in source if id in sentinels]
                assert named == sentinels[: len(named)] == [id for id in target if id in sentinels]
            clean = [id for id in source + target if id not in sentinels]
            if variant in ("span_corruption", "replace_spans", "drop_tokens"):
                texts.append(sorted(clean))
            else:
                texts.append(target)
    raw = SpanCorruptionConfig.check({"variant": variant, "inputs": 40}, "test").raw
    assert sorted(texts) == parts_of(store, raw, 2, [])


@pytest.mark.parametrize("made", [lm, spans])
def test_a_sequence_can_be_made_again_alone_and_is_new_in_each_epoch(
    store: Any, t5: Vocabulary, made: Any
) -> None:
    objective = made(store, t5)
    whole = objective.features(np.arange(len(objective)), 2)
    for number, sequence in zip((3, 0), made(store, t5).features(np.array([3, 0]), 2), strict=True):
        assert sequence.keys() == whole[number].keys()
        assert all(np.array_equal(sequence[name], whole[number][name]) for name in sequence)
    if made is spans:
        pairs = zip(whole, objective.features(np.arange(len(objective)), 3), strict=True)
        same = [np.array_equal(one["labels"], two["labels"]) for one, two in pairs]
        assert sum(same) < len(same) / 2  # short texts have one span, at their end, always
        other = spans(store, t5, seed=4)
        assert other.fingerprint != objective.fingerprint


def test_packing_changes_the_fingerprint(store: Any, t5: Vocabulary) -> None:
    assert lm(store, t5).fingerprint != lm(store, t5, packing=False).fingerprint


def test_little_of_a_sequence_is_padding(make_store: MakeStore, t5: Vocabulary) -> None:
    sizes = np.random.default_rng(0).lognormal(4, 1.0, 2000).astype(int) + 1
    store = make_store([[np.full(size, 200)] for size in sizes])
    config = SpanCorruptionConfig(inputs=256, packing=True)
    objective = SpanCorruption(store, t5, config, 0)
    inputs = objective.lengths - objective.target_lengths
    assert inputs.mean() > 0.99 * 256


def test_a_sequence_of_one_text_is_one_block() -> None:
    sequence = join([{"input_ids": np.arange(3), "labels": np.arange(2)}], pairs=True)
    assert sequence["blocks"].tolist() == [1, 1, 1] and sequence["label_blocks"].tolist() == [1, 1]


def test_mistakes_are_reported(make_store: MakeStore, store: Any, t5: Vocabulary) -> None:
    single = make_store([[[7]], [[]], [[8]]])
    with pytest.raises(UserError, match=r"no document has 2 tokens; .* packing = false"):
        spans(single, t5)
    with pytest.raises(UserError, match="no document has 2 tokens"):
        spans(make_store([]), t5)
    with pytest.raises(UserError, match=r"bilm reads running text; set lm\.packing = false"):
        lm(store, t5, kind="bilm")
    with pytest.raises(UserError, match="set next_sentence = false"):
        MaskedLMConfig.check({"packing": True}, "test")
