"""Averages equal those that were published with their parts."""

import pytest

from headwater.metrics.benchmark_average import (
    GLUE,
    GLUE_OF_BERT,
    GLUE_OF_T5,
    SUPERGLUE,
    Benchmark,
    average,
    task_scores,
)

Scores = dict[str, dict[str, float]]


def glue(cola: float, sst2: float, mnli: tuple[float, float], rte: float, qnli: float) -> Scores:
    names = {"sst2": sst2, "mnli": mnli[0], "mnli_mismatched": mnli[1], "rte": rte, "qnli": qnli}
    return {"cola": {"matthews": cola}, **{task: {"accuracy": n} for task, n in names.items()}}


BERT_LARGE = glue(60.5, 94.9, (86.7, 85.9), 70.1, 92.7) | {
    "mrpc": {"f1": 89.3, "accuracy": 85.4},
    "stsb": {"pearson": 87.6, "spearman": 86.5},
    "qqp": {"f1": 72.1, "accuracy": 89.3},
    "wnli": {"accuracy": 65.1},
    "ax": {"matthews": 39.6},
}

T5_BASELINE = glue(53.84, 92.68, (84.24, 84.57), 76.28, 90.48) | {
    "mrpc": {"f1": 92.07, "accuracy": 88.92},
    "stsb": {"pearson": 88.02, "spearman": 87.94},
    "qqp": {"f1": 88.67, "accuracy": 91.56},
}

T5_11B_SUPERGLUE: Scores = {
    "boolq": {"accuracy": 91.2},
    "cb": {"macro_f1": 93.9, "accuracy": 96.8},
    "copa": {"accuracy": 94.8},
    "multirc": {"f1": 88.1, "exact_match": 63.3},
    "record": {"f1": 94.1, "exact_match": 93.4},
    "superglue_rte": {"accuracy": 92.5},
    "wic": {"accuracy": 76.9},
    "wsc": {"accuracy": 93.8},
}


@pytest.mark.parametrize(
    ("scores", "benchmark", "published"),
    [
        pytest.param(BERT_LARGE, GLUE, 80.5, id="the leaderboard of BERT-large"),
        pytest.param(BERT_LARGE, GLUE_OF_BERT, 82.1, id="table 1 of BERT"),
        pytest.param(T5_BASELINE, GLUE_OF_T5, 83.28, id="table 16 of T5"),
        pytest.param(T5_11B_SUPERGLUE, SUPERGLUE, 89.3, id="the leaderboard of T5-11B"),
    ],
)
def test_published_averages(scores: Scores, benchmark: Benchmark, published: float) -> None:
    digits = len(str(published).partition(".")[2])
    mean = average(scores, benchmark)
    assert mean is not None
    # The parts were rounded before they were published, so that half a last digit may be lacking.
    assert mean == pytest.approx(published, abs=0.51 * 10**-digits)


def test_two_metrics_and_two_tests_are_one_task() -> None:
    means = task_scores(BERT_LARGE, GLUE)
    assert list(means) == list(GLUE)
    assert (means["mnli"], means["mrpc"]) == pytest.approx((86.3, 87.35))


def test_an_average_of_some_tasks_is_none() -> None:
    some = {name: metrics for name, metrics in BERT_LARGE.items() if name != "mnli_mismatched"}
    assert average(some, GLUE) is None
    assert "mnli" not in task_scores(some, GLUE)
    assert average(BERT_LARGE | {"mrpc": {"f1": 89.3}}, GLUE) is None
    assert average({}, SUPERGLUE) is None
