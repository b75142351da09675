"""Noise: exact counts, the published distribution, a function of (seed, epoch, sequence) alone."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.data.order import CHOSEN, SPANS, sequence_keys
from headwater.objectives.noise import (
    amount,
    below,
    choose,
    choose_words,
    random_order,
    random_spans,
    replaced,
    spans_of,
)

ROWS = 10_000


def keys_of(sequences: int, seed: int = 0, epoch: int = 0, stream: int = SPANS) -> np.ndarray:
    return sequence_keys((seed, stream, epoch), np.arange(sequences))


def published_mask(length: int, random: np.random.Generator) -> np.ndarray:
    """T5's random_spans_noise_mask at 0.15 and 3.0, written from its definition."""
    noise = round(length * 0.15)
    spans = round(noise / 3.0)

    def segments(items: int) -> np.ndarray:
        cuts = np.sort(random.choice(np.arange(1, items), spans - 1, replace=False))
        return np.diff([0, *cuts, items])

    lengths = np.stack([segments(length - noise), segments(noise)], axis=1).ravel()
    return np.repeat(np.arange(2 * spans) % 2 == 1, lengths)


@pytest.fixture(scope="module")
def masks() -> np.ndarray:
    return random_spans(keys_of(ROWS), 568, 0.15, 3.0).mask(568)


def test_every_sequence_has_the_published_counts(masks: np.ndarray) -> None:
    assert amount(568, 0.15, 3.0) == (85, 28)
    assert (masks.sum(axis=1) == 85).all()
    begins = masks[:, 1:] & ~masks[:, :-1]
    assert (begins.sum(axis=1) == 28).all()
    assert not masks[:, 0].any() and masks[:, -1].all()


def test_each_position_is_noise_as_often_as_published(masks: np.ndarray) -> None:
    random = np.random.default_rng(0)
    reference = np.mean([published_mask(568, random) for _ in range(3000)], axis=0)
    ours = masks.mean(axis=0)
    both = (ours * ROWS + reference * 3000) / (ROWS + 3000)
    sigma = np.sqrt(both * (1 - both) * (1 / ROWS + 1 / 3000))
    assert (np.abs(ours - reference) <= 4.5 * sigma).all()  # 568 positions


@pytest.mark.parametrize(("which", "items"), [(0, 483), (1, 85)], ids=["clean", "noise"])
def test_span_lengths_have_the_published_distribution(
    masks: np.ndarray, which: int, items: int
) -> None:
    changes = np.diff(masks.astype(np.int8), axis=1, prepend=0, append=0)
    starts = np.nonzero(changes == 1)[1].reshape(ROWS, 28)
    stops = np.nonzero(changes == -1)[1].reshape(ROWS, 28)
    lengths = starts[:, 0] if which == 0 else (stops - starts)[:, 5]
    mean = items / 28
    spread = np.std(lengths) / np.sqrt(ROWS)
    assert abs(lengths.mean() - mean) < 3 * spread
    # One span of a sequence: l tokens leave comb(items - l - 1, 26) ways to cut the rest.
    most = 60 if which == 0 else 12
    expected = np.array([comb(items - n - 1, 26) / comb(items - 1, 27) for n in range(1, most)])
    expected = ROWS * np.append(expected, 1 - expected.sum())
    counts = np.bincount(np.minimum(lengths, most), minlength=most + 1)[1:]
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = most - 1
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)


def test_all_masks_of_a_short_sequence_are_alike() -> None:
    # 3 noisy tokens in 2 spans (2 ways) and 5 clean ones (4 ways).
    assert amount(8, 0.4, 1.5) == (3, 2)
    found = random_spans(keys_of(16_000), 8, 0.4, 1.5).mask(8)
    counts = np.unique(found, axis=0, return_counts=True)[1]
    assert len(counts) == 8
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(2000 * 7 / 8)


@pytest.mark.parametrize("length", range(2, 12))
@pytest.mark.parametrize("density", [0.01, 0.5, 0.99])
def test_short_sequences_keep_noise_and_text(length: int, density: float) -> None:
    tokens, spans = amount(length, density, 1.0)
    mask = random_spans(keys_of(50), length, density, 1.0).mask(length)
    assert (mask.sum(axis=1) == tokens).all()
    assert 1 <= tokens < length
    assert len(random_spans(keys_of(50), length, density, 1.0).sequences) == 50 * spans
    assert not mask[:, 0].any() and mask[:, -1].all()


def test_a_sequence_depends_on_nothing_but_seed_epoch_and_number() -> None:
    whole = random_spans(keys_of(50), 100, 0.15, 3.0).mask(100)
    keys = sequence_keys((0, SPANS, 0), np.array([31, 7]))
    assert np.array_equal(random_spans(keys, 100, 0.15, 3.0).mask(100), whole[[31, 7]])
    for other in (keys_of(50, seed=1), keys_of(50, epoch=1)):
        different = random_spans(other, 100, 0.15, 3.0).mask(100)
        assert (different != whole).any(axis=1).mean() > 0.95


def test_noise_is_fixed_for_good() -> None:
    # Written down: other masks would make saved runs resume on other data.
    mask = random_spans(keys_of(2), 20, 0.15, 1.5).mask(20)
    assert [np.flatnonzero(sequence).tolist() for sequence in mask] == [[5, 6, 19], [2, 18, 19]]


@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=4))
def test_spans_and_masks_say_the_same(sequences: list[list[bool]]) -> None:
    mask = np.array(sequences)
    spans = spans_of(mask)
    assert np.array_equal(spans.mask(7), mask)
    assert (spans.stops > spans.starts).all()


def test_tokens_are_chosen_exactly_and_evenly() -> None:
    allowed = np.ones((ROWS, 40), bool)
    allowed[:, [0, 20, 39]] = False
    allowed[1, 10:] = False  # 9 allowed
    allowed[2] = False
    chosen = choose(keys_of(ROWS, stream=CHOSEN), allowed, 0.15)
    assert not (chosen & ~allowed).any()
    assert chosen.sum(axis=1)[[0, 1, 2]].tolist() == [round(37 * 0.15), 1, 0]
    assert (chosen[3:].sum(axis=1) == 6).all()
    shares = chosen[3:].mean(axis=0)[allowed[0]]
    share = 6 / 37
    assert np.abs(shares - share).max() < 4 * np.sqrt(share * (1 - share) / ROWS)


@given(st.integers(0, 10_000), st.lists(st.sampled_from("bcx"), min_size=1, max_size=30))
def test_words_are_chosen_whole_until_none_fits(seed: int, positions: list[str]) -> None:
    """b: begins a word, c: goes on with one, x: not allowed."""
    allowed = np.array([position != "x" for position in positions])[None]
    begins = np.array([position == "b" for position in positions])[None]
    chosen = choose_words(keys_of(1, seed), allowed, begins, 0.3)[0]
    words: list[list[int]] = []
    for i, position in enumerate(positions):
        if position == "x":
            continue
        if position == "b" or i == 0 or positions[i - 1] == "x":
            words.append([])
        words[-1].append(i)
    taken = [chosen[word].all() for word in words]
    assert all(chosen[word].any() == whole for word, whole in zip(words, taken, strict=True))
    assert chosen.sum() == sum(len(word) for word, whole in zip(words, taken, strict=True) if whole)
    room = max(1, round(allowed.sum() * 0.3))
    assert chosen.sum() <= room
    left = [len(word) for word, whole in zip(words, taken, strict=True) if not whole]
    assert all(size > room - chosen.sum() for size in left)


def test_words_do_not_depend_on_the_other_sequences() -> None:
    random = np.random.default_rng(0)
    allowed, begins = random.random((30, 64)) < 0.95, random.random((30, 64)) < 0.6
    whole = choose_words(keys_of(30), allowed, begins, 0.15)
    alone = choose_words(keys_of(30)[[4]], allowed[[4]], begins[[4]], 0.15)
    assert np.array_equal(alone[0], whole[4])
    shares = [choose_words(keys_of(30, epoch=e), allowed, begins, 0.15) for e in range(200)]
    assert np.mean(shares) == pytest.approx(0.15 * 0.95, rel=0.05)


def test_chosen_tokens_are_replaced_by_the_shares() -> None:
    ids = np.full((2000, 50), 7, np.int32)
    chosen = np.zeros_like(ids, bool)
    chosen[:, ::2] = True
    ordinary = np.arange(100, 200, dtype=np.int32)
    hidden = replaced(ids, chosen, keys_of(2000), 3, ordinary, (0.8, 0.1))
    assert (hidden[~chosen] == 7).all()
    found, count = hidden[chosen], chosen.sum()
    for share, part in ((0.8, found == 3), (0.1, found >= 100), (0.1, found == 7)):
        assert abs(part.mean() - share) < 3 * np.sqrt(share * (1 - share) / count)
    random = np.bincount(found[found >= 100] - 100, minlength=100)
    assert random.min() > 0.5 * random.mean() and random.max() < 1.5 * random.mean()
    assert (ids == 7).all()  # untouched


def test_orders_are_permutations_and_all_alike() -> None:
    orders = random_order(keys_of(6000), 3)
    assert (np.sort(orders, axis=1) == np.arange(3)).all()
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(1000)


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**31))
def test_numbers_stay_below_their_bound(value: int, bound: int) -> None:
    assert 0 <= below(np.array([value], np.uint64), bound)[0] < bound


def test_the_share_is_rounded_in_float64_and_the_published_mask_in_float32() -> None:
    """Of the lengths up to 16,384 that matters for 166, none of which is the usual 568."""

    def in_float32(length: int) -> int:
        return int(np.round(np.float32(length) * np.float32(0.15)))

    lengths = range(4, 2**14 + 1)
    assert all(amount(length, 0.15, 3.0).tokens == round(length * 0.15) for length in lengths)
    differ = [each for each in lengths if in_float32(each) != round(each * 0.15)]
    assert (len(differ), differ[0]) == (166, 190) and 568 not in differ
    assert (amount(190, 0.15, 3.0).tokens, in_float32(190)) == (28, 29)
