"""Official question-answering scores: exact match and F1 of SQuAD v1.1 and v2.0.

An answer is compared after normalization: lower case, no punctuation, no English articles, single
spaces. F1 is the overlap of the two bags of words. A question scores the best over its gold
answers. These definitions follow the official scripts evaluate-v1.1.py and evaluate-v2.0.py
(Rajpurkar et al. 2016, section 6.1; Rajpurkar et al. 2018, section 5) to the last bit.
ReCoRD, WebQuestions and NQ-open are scored the same way, as `any_alias` does; TriviaQA has a
normalization of its own (Joshi et al. 2017, section 5.1).

>>> squad_v1({"q1": ["the Rhine", "Rhine"]}, {"q1": "Rhine river"})
{'exact_match': 0.0, 'f1': 66.66666666666666}
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from headwater.errors import UserError

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SURE = 1.0  # the official script's --na-prob-thresh
_TO_SPACES = str.maketrans(dict.fromkeys(string.punctuation + "‘’´`", " "))

Normalize = Callable[[str], str]
Golds = Mapping[str, Sequence[str]]
Predictions = Mapping[str, str]
Scores = dict[str, float]


def normalize_answer(text: str) -> str:
    """Lower the case, drop ASCII punctuation and the words a, an, the, and make spaces single."""
    text = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def normalize_trivia_qa(text: str) -> str:
    """Do as `normalize_answer`, but put a space for punctuation, quotation marks among it."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_TO_SPACES)).split())


def exact_match(prediction: str, gold: str, normalize: Normalize = normalize_answer) -> float:
    """1.0 when the two are equal after normalization, else 0.0."""
    return float(normalize(prediction) == normalize(gold))


def f1(prediction: str, gold: str, normalize: Normalize = normalize_answer) -> float:
    """Harmonic mean of word precision and recall, 0 to 1; 0 when either has no words (v1.1)."""
    predicted, expected = normalize(prediction).split(), normalize(gold).split()
    same = sum((Counter(predicted) & Counter(expected)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted), same / len(expected)
    return (2 * precision * recall) / (precision + recall)


def f1_or_null(prediction: str, gold: str) -> float:
    """F1 as in v2.0: two answers without words agree fully."""
    if not normalize_answer(prediction) or not normalize_answer(gold):
        return exact_match(prediction, gold)
    return f1(prediction, gold)


def squad_v1(golds: Golds, predictions: Predictions) -> Scores:
    """Score SQuAD v1.1 predictions in percent: `exact_match` and `f1`.

    golds: question id -> its gold answers, at least one. predictions: question id -> answer.
    A missing prediction scores 0; unknown ids are ignored.
    """
    _need_questions(golds)
    for question, answers in golds.items():
        if not answers:
            raise UserError(
                f"question {question!r} has no gold answer, which SQuAD v1.1 does not know; "
                "score it as squad_v2"
            )
    return any_alias(golds, predictions)


def any_alias(
    golds: Golds, predictions: Predictions, normalize: Normalize = normalize_answer
) -> Scores:
    """Score answers by the alias that fits best, in percent: `exact_match` and `f1`.

    As `squad_v1`, but that both texts are normalized by a function of the caller's.
    """
    exact, overlap = each_alias(golds, predictions, normalize)
    return {
        "exact_match": 100.0 * sum(exact.values()) / len(golds),
        "f1": 100.0 * sum(overlap.values()) / len(golds),
    }


def each_alias(
    golds: Golds, predictions: Predictions, normalize: Normalize = normalize_answer
) -> tuple[Scores, Scores]:
    """Return what `any_alias` is the mean of: exact match and F1 of each question, 0 to 1."""
    _need_questions(golds)
    for question, answers in golds.items():
        if not answers:
            raise UserError(f"question {question!r} has no gold answer to score against")
    exact = _raw_scores(golds, predictions, partial(exact_match, normalize=normalize))
    overlap = _raw_scores(golds, predictions, partial(f1, normalize=normalize))
    return exact, overlap


def squad_v2(
    golds: Golds,
    predictions: Predictions,
    no_answer_probabilities: Mapping[str, float] | None = None,
) -> Scores:
    """Score SQuAD v2.0 predictions with the names and numbers of the official script.

    `exact`, `f1` and `total` over all questions, then the same for those with an answer (`HasAns_`)
    and without (`NoAns_`) where there are any. With probabilities also the best score over all
    thresholds and that threshold: `best_exact`, `best_exact_thresh`, `best_f1`, `best_f1_thresh`.

    golds: no answers where the text holds none. predictions: "" for "no answer"; a missing one
    scores 0 (the official script stops there). no_answer_probabilities: how sure the model is that
    there is no answer, for every predicted question; above 1, as odds may be, it has said so.
    """
    answerable = [key for key, answers in golds.items() if answers]
    unanswerable = [key for key, answers in golds.items() if not answers]
    raw_exact, raw_overlap = _raw_v2(golds, predictions)
    exact, overlap = (
        _withdrawn(raw, golds, predictions, no_answer_probabilities)
        for raw in (raw_exact, raw_overlap)
    )
    scores = _averages("", golds, exact, overlap)
    if answerable:
        scores |= _averages("HasAns_", answerable, exact, overlap)
    if unanswerable:
        scores |= _averages("NoAns_", unanswerable, exact, overlap)
    if no_answer_probabilities is not None:
        order = _by_probability(golds, predictions, no_answer_probabilities)
        for name, raw in (("exact", raw_exact), ("f1", raw_overlap)):
            best, threshold = _best_threshold(order, predictions, raw, frozenset(answerable))
            scores[f"best_{name}"] = 100.0 * best / len(golds)
            scores[f"best_{name}_thresh"] = threshold
    return scores


def each_v2(
    golds: Golds,
    predictions: Predictions,
    no_answer_probabilities: Mapping[str, float] | None = None,
) -> tuple[Scores, Scores]:
    """Return what `squad_v2` is the mean of: exact match and F1 of each question, 0 to 1."""
    exact, overlap = _raw_v2(golds, predictions)
    probabilities = no_answer_probabilities
    return (
        _withdrawn(exact, golds, predictions, probabilities),
        _withdrawn(overlap, golds, predictions, probabilities),
    )


def with_words(answers: Sequence[str]) -> list[str]:
    """Return the answers with words in them after normalization; without any, the empty one."""
    return list(filter(normalize_answer, answers)) or [""]


def _need_questions(golds: Golds) -> None:
    if not golds:
        raise UserError("there is no question to score")


def _raw_scores(
    golds: Golds, predictions: Predictions, measure: Callable[[str, str], float]
) -> Scores:
    return {
        key: max(measure(predictions[key], answer) for answer in answers)
        if key in predictions
        else 0.0
        for key, answers in golds.items()
    }


def _raw_v2(golds: Golds, predictions: Predictions) -> tuple[Scores, Scores]:
    """Return exact match and F1 of each question, whatever the no-answer probabilities are.

    Gold answers without words count here, where they are compared; not for whether there is one.
    """
    _need_questions(golds)
    texts = {key: with_words(answers) for key, answers in golds.items()}
    return (
        _raw_scores(texts, predictions, exact_match),
        _raw_scores(texts, predictions, f1_or_null),
    )


def _withdrawn(
    raw: Scores,
    golds: Golds,
    predictions: Predictions,
    probabilities: Mapping[str, float] | None,
) -> Scores:
    """Return the scores where an answer surely not there is "no answer" instead."""
    sure = {key for key in predictions if (probabilities or {}).get(key, 0.0) > _SURE}
    return raw | {key: float(not golds[key]) for key in sure & golds.keys()}


def _averages(prefix: str, keys: Iterable[str], exact: Scores, overlap: Scores) -> Scores:
    keys = list(keys)
    return {
        f"{prefix}exact": 100.0 * sum(exact[key] for key in keys) / len(keys),
        f"{prefix}f1": 100.0 * sum(overlap[key] for key in keys) / len(keys),
        f"{prefix}total": len(keys),
    }


def _by_probability(
    golds: Golds, predictions: Predictions, probabilities: Mapping[str, float]
) -> list[tuple[str, float]]:
    """Predicted questions from the surest answer to the surest "no answer"; ties as in the file."""
    missing = [key for key in golds if key in predictions and key not in probabilities]
    if missing:
        raise UserError(
            f"question {missing[0]!r} has a prediction but no no-answer probability "
            f"({len(missing)} such); give one for every prediction"
        )
    known = [(key, value) for key, value in probabilities.items() if key in golds]
    return sorted(
        ((key, value) for key, value in known if key in predictions), key=lambda item: item[1]
    )


def _best_threshold(
    order: list[tuple[str, float]],
    predictions: Predictions,
    raw: Scores,
    answerable: frozenset[str],
) -> tuple[float, float]:
    """Best sum of scores when answers with a probability above the threshold are withdrawn.

    At first all are withdrawn and every question without an answer is right; then the predictions
    are let in one by one, the surest first.
    """
    current: float = sum(key not in answerable for key, _ in order)
    best, threshold = current, 0.0
    for key, probability in order:
        if key in answerable:
            current += raw[key]
        elif predictions[key]:
            current -= 1
        if current > best:
            best, threshold = current, probability
    return best, threshold
