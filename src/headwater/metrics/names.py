"""All metrics by kind of task and name; a new one is entered here.

A metric is a function of what there is to score. It returns its number, in percent unless it is an
error, or several by name where one pass gives them all; names that are not in the table are details
of a report.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from headwater.metrics import (
    classification,
    generation,
    qa,
    regression,
    retrieval,
    several,
    tagging,
)
from headwater.metrics.classification import numbers

MetricKind = Literal[
    "sequence",
    "multi_label",
    "regression",
    "token",
    "span",
    "null_span",
    "retrieval",
    "text",
    "trivia",
]
"""The kind of a task, but that questions which may have no answer are `null_span`, that
TriviaQA's answers are normalized in their own way, and that passages found are `retrieval`."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a metric sees; golds and predictions are texts, whatever the kind.

    golds: by example id, all that counts as right; nothing where "no answer" is right.
    predictions: by example id; some may be missing, others of no example.
    labels: the labels of the task, in their official order.
    no_answer_probabilities: by example id, where they are known.
    """

    golds: Mapping[str, Sequence[str]]
    predictions: Mapping[str, str]
    labels: Sequence[str] = ()
    no_answer_probabilities: Mapping[str, float] | None = None

    @property
    def gold_labels(self) -> list[str]:
        """The first gold of each example."""
        return [golds[0] for golds in self.golds.values()]

    @property
    def predicted(self) -> list[str]:
        """The prediction of each example, in the order of the golds; "" where it is missing."""
        return [self.predictions.get(id, "") for id in self.golds]


Metric = Callable[[Scored], float | Mapping[str, float]]


def _of_labels(metric: Callable[[list[str], list[str]], float], scored: Scored) -> float:
    return metric(scored.gold_labels, scored.predicted)


def _among_labels(
    metric: Callable[[list[str], list[str], Sequence[str]], float], scored: Scored
) -> float:
    return metric(scored.gold_labels, scored.predicted, scored.labels)


def _of_numbers(metric: Callable[[list[float], list[float]], float], scored: Scored) -> float:
    return metric(numbers(scored.gold_labels), numbers(scored.predicted))


def _of_texts(metric: Callable[[list[Sequence[str]], list[str]], float], scored: Scored) -> float:
    return metric(list(scored.golds.values()), scored.predicted)


def _of_answers(normalize: qa.Normalize, scored: Scored) -> Mapping[str, float]:
    predictions = dict(zip(scored.golds, scored.predicted, strict=True))
    return qa.any_alias(scored.golds, predictions, normalize)


def question_exact_match(scored: Scored) -> float:
    """Percent of MultiRC's questions with all answers judged right; ids are `question-answer`."""
    questions = [id.rpartition("-")[0] for id in scored.golds]
    return classification.group_exact_match(questions, scored.gold_labels, scored.predicted)


def gender_parity(scored: Scored) -> float:
    """Percent of AX-g's pairs, examples 0 and 1, 2 and 3, and so on, with equal predictions."""
    predicted = scored.predicted
    pairs = list(zip(predicted[::2], predicted[1::2], strict=False))
    return 100.0 * sum(one == other for one, other in pairs) / len(pairs) if pairs else 0.0


def entities(scored: Scored) -> Mapping[str, float]:
    """Scores of all entities, then `f1 person` and so on of each type."""
    found = tagging.tagging_texts(scored.golds, scored.predictions)
    return {
        "f1": found.overall.f1,
        "precision": found.overall.precision,
        "recall": found.overall.recall,
        "accuracy": found.accuracy,
        **{f"f1 {kind}": one.f1 for kind, one in found.by_type.items()},
    }


def rouge(scored: Scored, *, use_stemmer: bool = False) -> Mapping[str, float]:
    """ROUGE; a sentence ends, as in T5's published code, at a line break or ` . `.

    use_stemmer: as rouge-score has it; the names then end in `_stemmed`.
    """
    golds = [tuple(map(sentences_as_lines, texts)) for texts in scored.golds.values()]
    predicted = [sentences_as_lines(text) for text in scored.predicted]
    found = generation.rouge(golds, predicted, use_stemmer=use_stemmer)
    return {f"{name}_stemmed": score for name, score in found.items()} if use_stemmer else found


def sentences_as_lines(text: str) -> str:
    """Return a text whose sentences are its lines, as ROUGE-Lsum reads them."""
    return text.replace(" . ", " .\n")


def _squad_v1(scored: Scored) -> Mapping[str, float]:
    return qa.squad_v1(scored.golds, scored.predictions)


def _squad_v2(scored: Scored) -> Mapping[str, float]:
    return qa.squad_v2(scored.golds, scored.predictions, scored.no_answer_probabilities)


ERRORS: Mapping[str, Callable[[list[float], list[float]], float]] = {
    "mse": regression.mean_squared_error,
    "mae": regression.mean_absolute_error,
}
"""Metrics that are the better the lower, and no percent."""
_SQUAD_V2 = (
    *("exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1"),
    *("best_exact", "best_f1"),
)
_RECALLS = (1, 5, 10)
_ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")

METRICS: Mapping[MetricKind, Mapping[str, Metric]] = {
    "sequence": {
        "accuracy": partial(_of_labels, classification.accuracy),
        "f1": partial(_among_labels, classification.f1),
        "macro_f1": partial(_among_labels, classification.macro_f1),
        "matthews": partial(_among_labels, classification.matthews),
        "exact_match": question_exact_match,
        "gender_parity": gender_parity,
    },
    "multi_label": {
        "micro_f1": partial(_among_labels, several.micro_f1),
        "macro_f1": partial(_among_labels, several.macro_f1),
        "exact_match": partial(_of_labels, several.exact_match),
    },
    "regression": {
        "pearson": partial(_of_numbers, classification.pearson),
        "spearman": partial(_of_numbers, classification.spearman),
        "r2": partial(_of_numbers, regression.r_squared),
        **{name: partial(_of_numbers, each) for name, each in ERRORS.items()},
    },
    "token": dict.fromkeys(("f1", "precision", "recall", "accuracy"), entities),
    "span": dict.fromkeys(("exact_match", "f1"), _squad_v1),
    "null_span": dict.fromkeys(_SQUAD_V2, _squad_v2),
    "retrieval": {
        "mrr": partial(_of_texts, retrieval.mean_reciprocal_rank),
        **{f"recall@{k}": partial(_of_texts, partial(retrieval.recall, k=k)) for k in _RECALLS},
    },
    "text": {
        "bleu": partial(_of_texts, generation.bleu),
        "bleu_intl": partial(_of_texts, partial(generation.bleu, tokenize="intl")),
        **dict.fromkeys(_ROUGE, rouge),
        **dict.fromkeys((f"{name}_stemmed" for name in _ROUGE), partial(rouge, use_stemmer=True)),
        **dict.fromkeys(("exact_match", "f1"), partial(_of_answers, qa.normalize_answer)),
    },
    "trivia": dict.fromkeys(("exact_match", "f1"), partial(_of_answers, qa.normalize_trivia_qa)),
}


def measure(kind: MetricKind, names: Sequence[str], scored: Scored) -> dict[str, float]:
    """Return the named metrics with their details, each function called once."""
    table = METRICS[kind]
    called: set[Metric] = set()
    found: dict[str, float] = {}
    for name in names:
        metric = table[name]
        if metric not in called:
            called.add(metric)
            value = metric(scored)
            found |= value if isinstance(value, Mapping) else {name: value}
    return {name: value for name, value in found.items() if name in names or name not in table}
