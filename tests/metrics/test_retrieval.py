"""Recall and MRR are those of scikit-learn's ranking measures where these say the same."""

import random

import numpy as np
import pytest
import sklearn.metrics

from headwater.metrics.retrieval import mean_reciprocal_rank, recall


def test_equals_scikit_learn_on_random_rankings() -> None:
    draw = random.Random(0)
    for _ in range(200):
        count = draw.randrange(2, 20)
        rankings = [draw.sample(range(count), count) for _ in range(draw.randrange(1, 8))]
        right = [draw.randrange(count) for _ in rankings]
        scores = np.zeros((len(rankings), count))
        for row, ranking in zip(scores, rankings, strict=True):
            row[ranking] = range(count, 0, -1)
        labels = np.eye(count)[right]
        golds, found = [[str(each)] for each in right], [" ".join(map(str, x)) for x in rankings]
        for k in (1, 5, 10):
            if k < count and count > 2:  # theirs refuses others
                labels_of = {"k": k, "labels": range(count)}
                theirs = sklearn.metrics.top_k_accuracy_score(right, scores, **labels_of)
                assert recall(golds, found, k) == pytest.approx(100 * theirs)
        # with one right label, the mean precision over ranks is the reciprocal rank
        theirs = sklearn.metrics.label_ranking_average_precision_score(labels, scores)
        assert mean_reciprocal_rank(golds, found) == pytest.approx(100 * theirs)


def test_the_first_of_several_right_passages_counts_and_what_is_not_found_is_0() -> None:
    golds, found = [["4", "5"], ["1"], ["2"]], ["9 5 4", "3 1", ""]
    assert recall(golds, found, 1) == 0
    assert recall(golds, found, 2) == pytest.approx(200 / 3)
    assert mean_reciprocal_rank(golds, found) == pytest.approx(100 * (1 / 2 + 1 / 2) / 3)
    assert recall([], [], 1) == mean_reciprocal_rank([], []) == 0
