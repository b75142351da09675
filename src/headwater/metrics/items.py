"""What each item of a test adds to a score, so that items can be drawn again or exchanged.

Every score here is a function of sums over the items. An answer's F1 adds itself and a count of 1;
a sentence adds its gold, its predicted and its right entities; a translation its matching n-grams.
The score of any choice of items is then that of the sum of their numbers:

    found = item_sums("span", ("f1",), scored)["f1"]
    found.score(found.sums.sum(0))           the score that `names.measure` gives
    found.score(found.sums[chosen].sum(0))   that of some items

An item is an example; of MultiRC's exact match a question, of gender parity a pair. A score whose
threshold is chosen on the test itself (`best_f1`) has no items. Ranks of Spearman's correlation
are those among all items.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from headwater.metrics import classification, generation, qa, retrieval, several, tagging, totals
from headwater.metrics.names import METRICS, MetricKind, Scored, sentences_as_lines
from headwater.metrics.resampling import bootstrap, interval
from headwater.metrics.totals import Array

Score = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class ItemSums:
    """A metric's numbers of each item, and how their sum becomes the score.

    ids: of the items: examples, questions or pairs.
    sums: `[items, columns]`.
    score: of sums `[..., columns]` gives scores `[...]` in percent; 0 where there is nothing.
    right_or_wrong: whether the score is the share of the items that are right.
    """

    ids: tuple[str, ...]
    sums: Array
    score: Score
    right_or_wrong: bool = False


_LARGEST = 1e100  # a predicted number whose square is a number still

Items = Callable[[Scored], Mapping[str, ItemSums]]


def item_sums(kind: MetricKind, names: Sequence[str], scored: Scored) -> dict[str, ItemSums]:
    """Return the named metrics that have items, each function called once."""
    table = ITEMS[kind]
    functions = dict.fromkeys(table[name] for name in names if name in table)
    found = {name: each for function in functions for name, each in function(scored).items()}
    return {name: found[name] for name in names if name in found}


def score_intervals(found: Mapping[str, ItemSums]) -> dict[str, tuple[float, float]]:
    """Return the 95% bootstrap interval of each metric."""
    return {name: interval(each.score(bootstrap(each.sums))) for name, each in found.items()}


def _mean(ids: Iterable[str], values: Iterable[float], *, right: bool = False) -> ItemSums:
    column = np.array([*values], np.float64)
    return ItemSums(tuple(ids), np.stack([column, np.ones_like(column)], 1), totals.ratio, right)


def _accuracy(scored: Scored) -> Mapping[str, ItemSums]:
    right = [a == b for a, b in zip(scored.gold_labels, scored.predicted, strict=True)]
    return {"accuracy": _mean(scored.golds, right, right=True)}


def _positive_f1(scored: Scored) -> Mapping[str, ItemSums]:
    known = classification.as_labels(scored.gold_labels, scored.predicted, scored.labels)
    sums = _counts(scored.gold_labels, known, scored.labels[1:])
    return {"f1": ItemSums(tuple(scored.golds), sums, totals.f1)}


def _every_f1(scored: Scored) -> Mapping[str, ItemSums]:
    sums = _counts(scored.gold_labels, scored.predicted, scored.labels)
    return {"macro_f1": ItemSums(tuple(scored.golds), sums, totals.macro_f1)}


def _counts(golds: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Array:
    """Return `[items, 3 x labels]`: gold, predicted and both, of each label."""
    gold, found = (np.array(each)[:, None] == np.array(labels) for each in (golds, predicted))
    return np.stack([gold, found, gold & found], -1).reshape(len(golds), -1).astype(np.float64)


def _several(scored: Scored) -> Mapping[str, ItemSums]:
    """Of texts with several labels."""
    sets = [
        [several.labels_of(each) for each in texts]
        for texts in (scored.gold_labels, scored.predicted)
    ]
    golds, found = sets
    by_label = [
        [each in gold_or_found for gold_or_found in (gold, said, gold & said)]
        for gold, said in zip(golds, found, strict=True)
        for each in scored.labels
    ]
    counts = np.array(by_label, np.float64).reshape(len(golds), -1)
    every = np.array(
        [(len(a), len(b), len(a & b)) for a, b in zip(golds, found, strict=True)], np.float64
    )
    right = (a == b for a, b in zip(golds, found, strict=True))
    return {
        "micro_f1": ItemSums(tuple(scored.golds), every, totals.f1),
        "macro_f1": ItemSums(tuple(scored.golds), counts, totals.macro_f1),
        "exact_match": _mean(scored.golds, right, right=True),
    }


def _matthews_items(scored: Scored) -> Mapping[str, ItemSums]:
    known = [each if each in scored.labels else "" for each in scored.predicted]
    classes = [*scored.labels, ""]
    gold, found = (
        (np.array(each)[:, None] == np.array(classes)).astype(np.float64)
        for each in (scored.gold_labels, known)
    )
    right = (gold * found).sum(1, keepdims=True)
    sums = np.concatenate([right, gold, found], 1)
    return {"matthews": ItemSums(tuple(scored.golds), sums, totals.matthews)}


def _grouped(scored: Scored) -> Mapping[str, ItemSums]:
    right: dict[str, bool] = defaultdict(lambda: True)
    for id, gold, found in zip(scored.golds, scored.gold_labels, scored.predicted, strict=True):
        right[id.rpartition("-")[0]] &= gold == found
    return {"exact_match": _mean(right, right.values(), right=True)}


def _gender_parity(scored: Scored) -> Mapping[str, ItemSums]:
    predicted, ids = scored.predicted, [*scored.golds]
    equal = [one == other for one, other in zip(predicted[::2], predicted[1::2], strict=False)]
    return {"gender_parity": _mean(ids[: 2 * len(equal) : 2], equal, right=True)}


def _numbers(scored: Scored) -> Mapping[str, ItemSums]:
    gold, found = (
        np.array(classification.numbers(each), np.float64)
        for each in (scored.gold_labels, scored.predicted)
    )
    pairs = {
        "pearson": (gold, found),
        "spearman": (classification.ranks(gold), classification.ranks(found)),
    }
    ids = tuple(scored.golds)
    return {
        name: ItemSums(ids, _products(*each), totals.correlation) for name, each in pairs.items()
    }


def _products(x: Array, y: Array) -> Array:
    """Return 1, x, y, xx, yy, xy of each, from the middle of x, which two systems share."""
    middle = x.mean()
    x, y = x - middle, np.clip(y - middle, -_LARGEST, _LARGEST)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], 1)


def _entities(scored: Scored) -> Mapping[str, ItemSums]:
    counts, words = [], []
    for gold, tags in zip(*tagging.read_texts(scored.golds, scored.predictions), strict=True):
        expected, predicted = set(tagging.chunks(gold)), set(tagging.chunks(tags))
        counts.append((len(expected), len(predicted), len(expected & predicted)))
        words.append((tagging.right_tags(gold, tags), len(gold)))
    ids, found = tuple(scored.golds), np.array(counts, np.float64)
    return {
        "f1": ItemSums(ids, found, totals.f1),
        "precision": ItemSums(ids, found[:, [2, 1]], totals.ratio),
        "recall": ItemSums(ids, found[:, [2, 0]], totals.ratio),
        "accuracy": ItemSums(ids, np.array(words, np.float64), totals.ratio),
    }


def _answers(normalize: qa.Normalize, scored: Scored) -> Mapping[str, ItemSums]:
    predictions = dict(zip(scored.golds, scored.predicted, strict=True))
    return _exact_and_f1(*qa.each_alias(scored.golds, predictions, normalize))


def _spans(scored: Scored) -> Mapping[str, ItemSums]:
    return _exact_and_f1(*qa.each_alias(scored.golds, scored.predictions))


def _exact_and_f1(exact: qa.Scores, overlap: qa.Scores) -> Mapping[str, ItemSums]:
    return {
        "exact_match": _mean(exact, exact.values(), right=True),
        "f1": _mean(overlap, overlap.values()),
    }


def _null_spans(scored: Scored) -> Mapping[str, ItemSums]:
    both = qa.each_v2(scored.golds, scored.predictions, scored.no_answer_probabilities)
    found: dict[str, ItemSums] = {}
    for name, each in zip(("exact", "f1"), both, strict=True):
        right = name == "exact"
        found[name] = _mean(each, each.values(), right=right)
        for prefix, has in (("HasAns_", True), ("NoAns_", False)):
            part = {id: value for id, value in each.items() if bool(scored.golds[id]) is has}
            if part:
                found[prefix + name] = _mean(part, part.values(), right=right)
    return found


def _passages(scored: Scored) -> Mapping[str, ItemSums]:
    ranks = np.array(retrieval.ranks([*scored.golds.values()], scored.predicted), np.float64)
    found = {"mrr": _mean(scored.golds, 1 / ranks)}
    for name in METRICS["retrieval"].keys() - {"mrr"}:
        found[name] = _mean(scored.golds, ranks <= int(name.partition("@")[2]), right=True)
    return found


def _translations(
    name: str, tokenize: generation.BleuTokenizer, scored: Scored
) -> Mapping[str, ItemSums]:
    sums = generation.bleu_each([*scored.golds.values()], scored.predicted, tokenize)
    return {name: ItemSums(tuple(scored.golds), np.array(sums, np.float64), totals.bleu)}


def _summaries(use_stemmer: bool, scored: Scored) -> Mapping[str, ItemSums]:
    each = [
        generation.rouge_each(
            [*map(sentences_as_lines, golds)], sentences_as_lines(text), use_stemmer=use_stemmer
        )
        for golds, text in zip(scored.golds.values(), scored.predicted, strict=True)
    ]
    ending = "_stemmed" if use_stemmer else ""
    return {name + ending: _mean(scored.golds, (one[name].f1 for one in each)) for name in each[0]}


_squad_answers, _trivia_answers = (
    partial(_answers, normalize) for normalize in (qa.normalize_answer, qa.normalize_trivia_qa)
)
_rouge, _rouge_stemmed = (partial(_summaries, use_stemmer) for use_stemmer in (False, True))

ITEMS: Mapping[MetricKind, Mapping[str, Items]] = {
    "sequence": {
        "accuracy": _accuracy,
        "f1": _positive_f1,
        "macro_f1": _every_f1,
        "matthews": _matthews_items,
        "exact_match": _grouped,
        "gender_parity": _gender_parity,
    },
    "multi_label": dict.fromkeys(METRICS["multi_label"], _several),
    "regression": dict.fromkeys(("pearson", "spearman"), _numbers),
    "token": dict.fromkeys(METRICS["token"], _entities),
    "span": dict.fromkeys(METRICS["span"], _spans),
    "null_span": {
        name: _null_spans for name in METRICS["null_span"] if not name.startswith("best_")
    },
    "retrieval": dict.fromkeys(METRICS["retrieval"], _passages),
    "text": {
        "bleu": partial(_translations, "bleu", "13a"),
        "bleu_intl": partial(_translations, "bleu_intl", "intl"),
        **{
            name: _rouge_stemmed if name.endswith("_stemmed") else _rouge
            for name in METRICS["text"]
            if name.startswith("rouge")
        },
        **dict.fromkeys(("exact_match", "f1"), _squad_answers),
    },
    "trivia": dict.fromkeys(METRICS["trivia"], _trivia_answers),
}
"""By kind and name as `names.METRICS` has them."""
