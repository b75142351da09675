"""The sum of what the items add is the score of the metric itself, for every metric."""

import random
from collections.abc import Mapping

import numpy as np
import pytest

from headwater.metrics.items import ITEMS, ItemSums, item_sums
from headwater.metrics.names import METRICS, MetricKind, Scored, measure

WORDS = ("the", "mill", "by", "river", "old", "stood", ".", "Rhine", "stands", "of", "a")
LABELS = ("no", "yes")
TAGS = ("O", "B-a", "I-a", "B-b", "I-b")


def text(rng: random.Random, most: int = 9) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, most)))


def tags(rng: random.Random, size: int) -> str:
    return " ".join(rng.choices(TAGS, k=size))


def sample(kind: MetricKind, rng: random.Random, items: int = 40) -> Scored:
    """Golds and predictions, some of them missing or of no label."""
    ids = [f"{number // 3}-{number}" for number in range(items)]
    if kind == "sequence":
        golds = {id: [rng.choice(LABELS)] for id in ids}
        return Scored(golds, {id: rng.choice((*LABELS, "maybe")) for id in ids[1:]}, LABELS)
    if kind == "multi_label":
        some = [
            ", ".join(label for label in LABELS if rng.random() < 0.5) for _ in range(2 * items)
        ]
        golds = {id: [some.pop()] for id in ids}
        return Scored(golds, {id: rng.choice((some.pop(), "maybe")) for id in ids}, LABELS)
    if kind == "regression":
        golds = {id: [f"{rng.choice((1, 2.5, 3, 4.75))}"] for id in ids}
        return Scored(golds, {id: rng.choice(("2", "3.25", "none", "5")) for id in ids})
    if kind == "token":
        sizes = {id: rng.randint(1, 6) for id in ids}
        golds = {id: [tags(rng, size)] for id, size in sizes.items()}
        return Scored(golds, {id: tags(rng, sizes[id]) for id in ids[1:]})
    if kind == "retrieval":
        golds = {id: [str(rng.randint(0, 20))] for id in ids}
        found = {id: " ".join(map(str, rng.sample(range(21), 12))) for id in ids}
        return Scored(golds, found)
    golds = {id: [text(rng) for _ in range(rng.randint(1, 3))] for id in ids}
    chances = {id: rng.choice((0.0, 0.5, 2.0)) for id in ids}
    if kind == "null_span":
        golds |= {id: [] for id in ids[::4]}
        return Scored(golds, {id: rng.choice(("", text(rng, 3))) for id in ids}, (), chances)
    return Scored(golds, {id: rng.choice((golds[id][0], text(rng))) for id in ids[1:]})


@pytest.mark.parametrize("kind", METRICS)
def test_the_sum_of_the_items_is_the_score(kind: MetricKind) -> None:
    for seed in range(5):
        scored = sample(kind, random.Random(seed))
        expected = measure(kind, tuple(METRICS[kind]), scored)
        for name, found in item_sums(kind, tuple(METRICS[kind]), scored).items():
            total = float(found.score(found.sums.sum(0)))
            assert total == pytest.approx(expected[name], abs=1e-9), name
            assert len(found.ids) == len(found.sums)


@pytest.mark.parametrize("kind", METRICS)
def test_the_sum_of_some_items_is_their_score(kind: MetricKind) -> None:
    """Several totals at once, each that of a part of the examples measured alone."""
    if kind == "regression":
        pytest.skip("ranks are those among all items")
    scored = sample(kind, random.Random(7))
    parts = [[*scored.golds][:21], [*scored.golds][21:]]
    for name, found in item_sums(kind, tuple(METRICS[kind]), scored).items():
        if name == "gender_parity":
            continue  # 21 examples are no pairs
        shares = [_rows(found, part) for part in parts]
        scores = found.score(np.stack([found.sums[rows].sum(0) for rows in shares]))
        alone = [measure(kind, (name,), _part(scored, part))[name] for part in parts]
        assert scores.tolist() == pytest.approx(alone, abs=1e-9), name


def test_every_metric_has_items_but_those_with_a_threshold_and_errors() -> None:
    without = {"null_span": {"best_exact", "best_f1"}, "regression": {"mse", "mae", "r2"}}
    assert ITEMS.keys() == METRICS.keys()
    for kind, names in METRICS.items():
        assert ITEMS[kind].keys() == names.keys() - without.get(kind, set())


@pytest.mark.parametrize(("predicted", "expected"), [(("3", "3"), 0.0), (("1e300", "2"), -100.0)])
def test_a_correlation_is_one_of_finite_numbers(
    predicted: tuple[str, str], expected: float
) -> None:
    scored = Scored({"0": ["1"], "1": ["2"]}, dict(zip("01", predicted, strict=True)))
    found = item_sums("regression", ("pearson",), scored)["pearson"]
    assert float(found.score(found.sums.sum(0))) == pytest.approx(expected)


def _rows(found: ItemSums, part: list[str]) -> list[int]:
    whole = {id.rpartition("-")[0] for id in part} | set(part)
    return [row for row, id in enumerate(found.ids) if id in whole]


def _part(scored: Scored, part: list[str]) -> Scored:
    golds: Mapping[str, list[str]] = {id: [*scored.golds[id]] for id in part}
    chances = scored.no_answer_probabilities
    return Scored(golds, scored.predictions, scored.labels, chances)
