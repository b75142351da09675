"""Scores of written texts: BLEU for translations, ROUGE for summaries, in percent.

BLEU (Papineni et al. 2002) is computed by sacrebleu, so that its signature says how (Post 2018).
The tokenizer `13a` is the usual one; `intl` is what T5's evaluation takes.

ROUGE (Lin 2004, sections 2 and 3) is that of the package rouge-score, which equals the Perl
script's: lower case, only the letters a to z and digits count, so that of "Füße" there remain "f"
and "e". ROUGE-N compares n-grams, ROUGE-L takes the longest common subsequence of the whole texts,
ROUGE-Lsum that of every gold line with every predicted line: a summary's sentences are its lines.
A text with several golds scores the best of them, for each metric on its own. The mean is the
plain one over all texts (T5's is the median of resampled means, a random number close to it).

>>> rouge([["the cat sat on the mat"]], ["the cat on the mat"])["rougeL"]
90.9090909090909
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from statistics import fmean
from typing import TYPE_CHECKING, Literal, NamedTuple

from headwater.errors import UserError
from headwater.metrics.porter import stem as porter_stem

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

Tokens = list[str]
BleuTokenizer = Literal["13a", "intl"]

_NO_LETTER_OR_DIGIT = re.compile(r"[^a-z0-9]+")
_stem = cache(porter_stem)


class Overlap(NamedTuple):
    """How much of the prediction is in the gold, of the gold in it, the harmonic mean; 0 to 1."""

    precision: float
    recall: float
    f1: float


def bleu(
    golds: Sequence[Sequence[str]], predictions: Sequence[str], tokenize: BleuTokenizer = "13a"
) -> float:
    """BLEU over a corpus, in percent; letter case counts, and counts of zero are smoothed (`exp`).

    golds: the translations that count as right, at least one for each text.
    """
    _need_texts(golds, predictions)
    return float(_bleu(tokenize).corpus_score(predictions, _streams(golds)).score)


def bleu_each(
    golds: Sequence[Sequence[str]], predictions: Sequence[str], tokenize: BleuTokenizer = "13a"
) -> list[list[int]]:
    """Return what each text adds to `bleu`, of which `metrics.items` makes a corpus' score.

    Ten numbers: the n-grams of 1 to 4 words that a gold has too, all n-grams of 1 to 4 words, the
    words, the words of the gold that is nearest in length.
    """
    _need_texts(golds, predictions)
    metric, found = _bleu(tokenize), []
    for gold, text in zip(golds, predictions, strict=True):
        one = metric.corpus_score([text], [[each] for each in gold])
        found.append([*one.counts, *one.totals, one.sys_len, one.ref_len])
    return found


def bleu_signature(golds: Sequence[Sequence[str]], tokenize: BleuTokenizer = "13a") -> str:
    """Say how `bleu` scores against these golds, to be given beside the number.

    `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0`: the number of golds (`var` where
    it differs), letter case counts, tokenizer, smoothing, version of sacrebleu.
    """
    firsts = [gold[0] if gold else "" for gold in golds]
    _need_texts(golds, firsts)
    metric = _bleu(tokenize)
    # sacrebleu knows the number of golds once it has scored.
    metric.corpus_score(firsts, _streams(golds))
    return str(metric.get_signature())


def rouge(
    golds: Sequence[Sequence[str]], predictions: Sequence[str], *, use_stemmer: bool = False
) -> dict[str, float]:
    """Mean F1 of ROUGE-1, -2, -L and -Lsum, in percent: `rouge1`, `rouge2`, `rougeL`, `rougeLsum`.

    golds: the summaries that count as right, at least one for each text.
    use_stemmer: whether words longer than three letters are cut to their stem (Porter 1980).
    """
    _need_texts(golds, predictions)
    each = [
        rouge_each(gold, text, use_stemmer=use_stemmer)
        for gold, text in zip(golds, predictions, strict=True)
    ]
    return {name: 100.0 * fmean(scores[name].f1 for scores in each) for name in each[0]}


def rouge_each(
    golds: Sequence[str], prediction: str, *, use_stemmer: bool = False
) -> dict[str, Overlap]:
    """ROUGE-1, -2, -L and -Lsum of one text, each against the gold with the best F1."""
    every = [_rouge_of_one(gold, prediction, use_stemmer) for gold in golds]
    return {
        name: max((scores[name] for scores in every), key=lambda one: one.f1) for name in every[0]
    }


def _need_texts(golds: Sequence[Sequence[str]], predictions: Sequence[str]) -> None:
    if not golds:
        raise UserError("there is no text to score")
    for number, (gold, _) in enumerate(zip(golds, predictions, strict=True), 1):
        if not gold:
            raise UserError(f"text {number} of {len(golds)} has no gold to score against")


def _bleu(tokenize: BleuTokenizer) -> "BLEU":
    # A second that only translations should cost.
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=tokenize)


def _streams(golds: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Turn golds by text into sacrebleu's form: the first of each, the second of each, ...

    None stands where a text has no more.
    """
    return [list(stream) for stream in zip_longest(*golds)]


def _rouge_of_one(gold: str, prediction: str, stem: bool) -> dict[str, Overlap]:
    expected, predicted = _tokens(gold, stem), _tokens(prediction, stem)
    common = len(_common_indices(expected, predicted))
    return {
        "rouge1": _ngram_overlap(expected, predicted, 1),
        "rouge2": _ngram_overlap(expected, predicted, 2),
        "rougeL": _overlap(common, len(expected), len(predicted)),
        "rougeLsum": _line_overlap(_lines(gold, stem), _lines(prediction, stem)),
    }


def _tokens(text: str, stem: bool) -> Tokens:
    tokens = _NO_LETTER_OR_DIGIT.sub(" ", text.lower()).split()
    return [_stem(token) if len(token) > 3 else token for token in tokens] if stem else tokens


def _lines(text: str, stem: bool) -> list[Tokens]:
    return [_tokens(line, stem) for line in text.split("\n")]


def _overlap(common: int, expected: int, predicted: int) -> Overlap:
    if not common:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = common / predicted, common / expected
    return Overlap(precision, recall, 2 * precision * recall / (precision + recall))


def _ngram_overlap(expected: Tokens, predicted: Tokens, n: int) -> Overlap:
    left, right = (
        Counter(zip(*(tokens[shift:] for shift in range(n)), strict=False))
        for tokens in (expected, predicted)
    )
    return _overlap((left & right).total(), left.total(), right.total())


def _line_overlap(expected: list[Tokens], predicted: list[Tokens]) -> Overlap:
    """Count the words of each gold line that are common to it and any predicted line.

    A word counts no more often than it stands in either text, as in the Perl script.
    """
    left = Counter(token for line in expected for token in line)
    others = Counter(token for line in predicted for token in line)
    sizes = left.total(), others.total()
    left &= others
    common = 0
    for line in expected:
        shared = {index for other in predicted for index in _common_indices(line, other)}
        for index in shared:
            common += left[line[index]] > 0
            left[line[index]] -= 1
    return _overlap(common, *sizes)


def _common_indices(expected: Tokens, predicted: Tokens) -> list[int]:
    """Return the indices, in `expected`, of its longest common subsequence with `predicted`.

    Of several the one that rouge-score reads from its table. The table's rows are whole numbers
    (Hyyrö 2004): bit i of row j is 0 where the subsequence of the first i + 1 expected tokens with
    the first j + 1 predicted ones is longer than that of the first i, so that a row takes a few
    operations, and reading backwards needs these bits only.
    """
    bits: dict[str, int] = {}
    for index, token in enumerate(expected):
        bits[token] = bits.get(token, 0) | 1 << index
    row = full = (1 << len(expected)) - 1
    rows = []
    for token in predicted:
        same = row & bits.get(token, 0)
        row = (row + same | row - same) & full
        rows.append(row)
    common: list[int] = []
    index, column = len(expected) - 1, len(predicted) - 1
    while index >= 0 and column >= 0:
        if expected[index] == predicted[column]:
            common.append(index)
            index, column = index - 1, column - 1
        elif rows[column] >> index & 1:
            index -= 1
        else:
            column -= 1
    return common
