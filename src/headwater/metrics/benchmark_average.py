"""One number for a benchmark: the average as the leaderboard computes it, and as papers do.

The leaderboards of GLUE and SuperGLUE (Wang et al. 2018, section 3.4; Wang et al. 2019, section 4)
take the mean over the tasks; a task with two metrics counts with their mean, and the matched and
the mismatched test of MNLI are one task. The papers leave out WNLI: T5's tables otherwise average
as the leaderboard does (Raffel et al. 2020, section 2.3), BERT's takes one metric a task and
counts both tests of MNLI (Devlin et al. 2019, table 1).

>>> scores = {"mrpc": {"f1": 92.0, "accuracy": 88.0}, "rte": {"accuracy": 76.0}}
>>> task_scores(scores, GLUE), average(scores, GLUE)
({'mrpc': 90.0, 'rte': 76.0}, None)
"""

from collections.abc import Mapping
from statistics import fmean

Benchmark = Mapping[str, tuple[tuple[str, str], ...]]
"""By task: the scores, each a task's name and a metric's, of which the mean is the task's."""

GLUE: Benchmark = {
    "cola": (("cola", "matthews"),),
    "sst2": (("sst2", "accuracy"),),
    "mrpc": (("mrpc", "f1"), ("mrpc", "accuracy")),
    "stsb": (("stsb", "pearson"), ("stsb", "spearman")),
    "qqp": (("qqp", "f1"), ("qqp", "accuracy")),
    "mnli": (("mnli", "accuracy"), ("mnli_mismatched", "accuracy")),
    "qnli": (("qnli", "accuracy"),),
    "rte": (("rte", "accuracy"),),
    "wnli": (("wnli", "accuracy"),),
}

GLUE_OF_T5: Benchmark = {task: metrics for task, metrics in GLUE.items() if task != "wnli"}

GLUE_OF_BERT: Benchmark = {
    **GLUE_OF_T5,
    "mrpc": (("mrpc", "f1"),),
    "stsb": (("stsb", "spearman"),),
    "qqp": (("qqp", "f1"),),
    "mnli": (("mnli", "accuracy"),),
    "mnli_mismatched": (("mnli_mismatched", "accuracy"),),
}

SUPERGLUE: Benchmark = {
    "boolq": (("boolq", "accuracy"),),
    "cb": (("cb", "macro_f1"), ("cb", "accuracy")),
    "copa": (("copa", "accuracy"),),
    "multirc": (("multirc", "f1"), ("multirc", "exact_match")),
    "record": (("record", "f1"), ("record", "exact_match")),
    "rte": (("superglue_rte", "accuracy"),),
    "wic": (("wic", "accuracy"),),
    "wsc": (("wsc", "accuracy"),),
}


def task_scores(
    scores: Mapping[str, Mapping[str, float]], benchmark: Benchmark
) -> dict[str, float]:
    """Return one score for each of the benchmark's tasks that was fully measured.

    Args:
        scores: by task and metric, in percent; other tasks and metrics are passed over.
        benchmark: `GLUE`, `GLUE_OF_T5`, `GLUE_OF_BERT` or `SUPERGLUE`.
    """
    return {
        task: fmean(scores[name][metric] for name, metric in parts)
        for task, parts in benchmark.items()
        if all(metric in scores.get(name, {}) for name, metric in parts)
    }


def average(scores: Mapping[str, Mapping[str, float]], benchmark: Benchmark) -> float | None:
    """Return the benchmark's average in percent; None unless every task of it was measured."""
    means = task_scores(scores, benchmark)
    return fmean(means.values()) if len(means) == len(benchmark) else None
