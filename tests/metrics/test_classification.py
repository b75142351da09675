"""Scores equal scikit-learn's and scipy's on 1,000 random cases each, and hold their laws."""

import random
import warnings
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import UserError
from headwater.metrics import classification
from headwater.metrics.classification import (
    accuracy,
    f1,
    group_exact_match,
    macro_f1,
    matthews,
    numbers,
    pearson,
    spearman,
    unknown,
)

LABELS = ("no", "yes", "maybe", "never")
YES_NO = LABELS[:2]
CLOSE = pytest.approx


def close(value: float) -> object:
    return pytest.approx(value, rel=0, abs=1e-9)


def draw_labels(rng: random.Random, known: int) -> tuple[list[str], list[str]]:
    """Golds and predictions that are sometimes constant and sometimes no label."""
    size, kinds = rng.randint(1, 30), rng.randint(1, known)
    golds = [LABELS[rng.randrange(kinds)] for _ in range(size)]
    said = [rng.choice((*LABELS[:known], "", "yes.")) for _ in range(size)]
    if rng.random() < 0.5:
        said = [LABELS[rng.randrange(kinds)] for _ in range(size)]
    if rng.random() < 0.1:
        said = [LABELS[known - 1]] * size
    return golds, said


def reference(measure: Callable[..., float], *arguments: object, **options: object) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is not defined is expected to be 0 here
        return 100.0 * float(np.nan_to_num(measure(*arguments, **options)))


def test_two_classes_equal_scikit_learn() -> None:
    rng = random.Random(1)
    for _ in range(1000):
        golds, said = draw_labels(rng, 2)
        assert accuracy(golds, said) == close(
            reference(sklearn.metrics.accuracy_score, golds, said)
        )
        targets = np.array([YES_NO.index(gold) for gold in golds])
        indices = np.array([YES_NO.index(each) if each in YES_NO else -1 for each in said])
        assert matthews(golds, said, YES_NO) == close(
            reference(sklearn.metrics.matthews_corrcoef, targets, indices)
        )
        indices[indices < 0] = 1 - targets[indices < 0]  # as T5's F1 of two classes does
        assert f1(golds, said, YES_NO) == close(
            reference(sklearn.metrics.f1_score, targets, indices, zero_division=0)
        )


def test_more_classes_equal_scikit_learn() -> None:
    rng = random.Random(2)
    for _ in range(1000):
        known = rng.randint(3, 4)
        golds, said = draw_labels(rng, known)
        labels = LABELS[:known]
        targets = [labels.index(gold) for gold in golds]
        indices = [labels.index(each) if each in labels else -1 for each in said]
        options = {"labels": range(known), "average": "macro", "zero_division": 0}
        assert macro_f1(golds, said, labels) == close(
            reference(sklearn.metrics.f1_score, targets, indices, **options)
        )
        assert matthews(golds, said, labels) == close(
            reference(sklearn.metrics.matthews_corrcoef, targets, indices)
        )


def test_correlations_equal_scipy() -> None:
    rng = np.random.default_rng(3)
    for case in range(1000):
        size, scale = int(rng.integers(2, 40)), 10.0 ** rng.integers(-6, 7)
        golds = rng.integers(0, rng.integers(1, 30), size) / 5  # ties, and constants
        said = (golds * rng.integers(-1, 2) + rng.normal(size=size)) * scale
        if case % 2:
            said = np.round(said / scale) * scale
        pair = golds.tolist(), said.tolist()
        assert pearson(*pair) == close(
            reference(lambda *both: scipy.stats.pearsonr(*both)[0], *pair)
        )
        assert spearman(*pair) == close(
            reference(lambda *both: scipy.stats.spearmanr(*both)[0], *pair)
        )


def test_questions_with_every_answer_right_equal_their_definition() -> None:
    rng = random.Random(4)
    for _ in range(1000):
        golds, said = draw_labels(rng, 2)
        groups = [str(rng.randint(0, 4)) for _ in golds]
        answers = defaultdict(list)
        for group, gold, each in zip(groups, golds, said, strict=True):
            answers[group].append((gold, each))
        right = [100.0 * all(gold == each for gold, each in rows) for rows in answers.values()]
        assert group_exact_match(groups, golds, said) == close(np.mean(right))


@pytest.mark.parametrize("constant", [0.1, 0.0, 3.0, -1e300])
def test_a_constant_correlates_with_nothing(constant: float) -> None:
    values = [0.1, 0.2, 0.7, 0.4, 0.4, 0.6, 0.9]
    for measure in (pearson, spearman):
        assert measure(values, [constant] * 7) == 0.0
        assert measure([constant] * 7, values) == 0.0
        assert measure([2.0], [3.0]) == 0.0


def test_huge_and_tiny_numbers_do_not_overflow() -> None:
    golds, said = [1.0, 2.0, 3.0, 5.0], [2.0, 1.0, 7.0, -8.0]
    expected = pearson(golds, said)
    assert expected == CLOSE(100 * np.corrcoef(golds, said)[0, 1])
    for scale in (1e307, 1e-307):
        assert pearson(golds, [scale * value for value in said]) == CLOSE(expected)
    assert pearson([-1.7e308, 1.7e308], [0.0, 1.0]) == CLOSE(100.0)


values = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=20
).filter(lambda rows: all(len({row[side] for row in rows}) > 1 for side in (0, 1)))


@settings(deadline=None)
@given(values)
def test_ranks_alone_count_for_spearman_and_signs_turn_correlations(
    rows: list[tuple[int, int]],
) -> None:
    golds, said = ([float(row[side]) for row in rows] for side in (0, 1))
    assert spearman(golds, [value**3 for value in said]) == CLOSE(spearman(golds, said))
    for measure in (pearson, spearman):
        assert -100 <= measure(golds, said) <= 100
        assert measure(said, golds) == CLOSE(measure(golds, said), abs=1e-9)
        assert measure(golds, [-value for value in said]) == CLOSE(-measure(golds, said), abs=1e-9)
        assert measure(golds, golds) == CLOSE(100.0)


both = st.lists(st.sampled_from(YES_NO), min_size=2).filter(lambda golds: len(set(golds)) == 2)


@settings(deadline=None)
@given(both)
def test_predictions_that_are_no_label_are_all_wrong(golds: list[str]) -> None:
    said = [""] * len(golds)
    assert (accuracy(golds, said), f1(golds, said, YES_NO), macro_f1(golds, said, YES_NO)) == (
        *(0.0, 0.0),
        0.0,
    )
    assert matthews(golds, said, YES_NO) == 0.0
    assert matthews(golds, golds, YES_NO) == CLOSE(100.0)


def test_an_unknown_prediction_costs_f1_as_the_wrong_label_does() -> None:
    golds, labels = ["yes", "yes", "no", "no"], YES_NO
    for index, wrong in ((0, "no"), (2, "yes")):
        said = list(golds)
        said[index] = "Yes!"
        known = list(golds)
        known[index] = wrong
        assert f1(golds, said, labels) == f1(golds, known, labels) < 100.0


def test_the_second_label_is_the_positive_one() -> None:
    golds, said = ["yes", "no", "no", "no"], ["yes", "no", "no", "yes"]
    assert f1(golds, said, ("no", "yes")) == CLOSE(200 / 3)
    assert f1(golds, said, ("yes", "no")) == CLOSE(80.0)


def test_what_is_no_label_or_number_is_counted() -> None:
    assert unknown(["yes", "Yes", "", "no", "no "], YES_NO) == 3
    texts = ["2.6", " 3 ", "five", "", "nan", "inf", "1e999", "-1.0"]
    assert numbers(texts) == [2.6, 3.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
    assert unknown(texts, ()) == 5


@pytest.mark.parametrize("name", ["f1", "macro_f1", "matthews"])
def test_no_example_is_no_score(name: str) -> None:
    with pytest.raises(UserError, match="no example to score"):
        getattr(classification, name)([], [], YES_NO)
    for measure in (accuracy, pearson, spearman):
        with pytest.raises(UserError, match="no example to score"):
            measure([], [])
    with pytest.raises(UserError, match="no example to score"):
        group_exact_match([], [], [])


def test_f1_of_three_labels_is_refused_with_a_hint() -> None:
    with pytest.raises(UserError, match=r"two labels, not of 3: no, yes, maybe; use macro_f1"):
        f1(["no"], ["no"], LABELS[:3])


def test_lists_of_different_length_are_a_fault() -> None:
    with pytest.raises(ValueError, match="shorter"):
        accuracy(["no", "no"], ["no"])
