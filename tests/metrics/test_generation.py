"""BLEU equals its formula and sacrebleu's call, ROUGE the package rouge-score's."""

import math
import random
from collections import Counter
from statistics import fmean

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from headwater.errors import UserError
from headwater.metrics.generation import bleu, bleu_signature, rouge, rouge_each

ROUGES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
WORDS = ("the", "a", "cat", "sat", "on", "mat", "big")
TEXTS = (
    *("The", "cat", "running", "ran", "7", "é", "mat.", "relational", "Füße", "\n", "\n\n", ","),
    *("on", "of", "dogs", "dog-s", ""),
)


def draw(rng: random.Random, words: tuple[str, ...], most: int, least: int = 0) -> str:
    return " ".join(rng.choice(words) for _ in range(rng.randint(least, most)))


def bleu_by_formula(golds: list[list[str]], said: list[str]) -> float:
    """Papineni et al. 2002, section 2.3, with the k-th count of zero taken as 2^-k."""
    right, total, length, wanted = [0] * 4, [0] * 4, 0, 0
    for texts, text in zip(golds, said, strict=True):
        words, others = text.split(), [gold.split() for gold in texts]
        length += len(words)
        wanted += min((abs(len(other) - len(words)), len(other)) for other in others)[1]
        for n in range(4):
            grams, *most = (
                Counter(tuple(each[i : i + n + 1]) for i in range(len(each) - n))
                for each in (words, *others)
            )
            total[n] += grams.total()
            right[n] += sum(min(k, max(m[gram] for m in most)) for gram, k in grams.items())
    if not any(right) or not all(total):
        return 0.0
    logs, zeros = [], 0
    for hits, count in zip(right, total, strict=True):
        zeros += hits == 0
        logs.append(math.log((hits or 0.5**zeros) / count))
    return 100.0 * math.exp(min(0.0, 1 - wanted / length) + fmean(logs))


def test_bleu_equals_its_formula() -> None:
    rng = random.Random(1)
    for _ in range(1000):
        size = rng.randint(1, 5)
        golds = [[draw(rng, WORDS, 9, 1) for _ in range(rng.randint(1, 3))] for _ in range(size)]
        said = [draw(rng, WORDS, 9) if rng.random() < 0.5 else rng.choice(gold) for gold in golds]
        assert bleu(golds, said) == pytest.approx(bleu_by_formula(golds, said), rel=0, abs=1e-9)


@pytest.mark.parametrize("tokenize", ["13a", "intl"])
def test_bleu_equals_sacrebleu_as_t5_calls_it(tokenize: str) -> None:
    rng = random.Random(2)
    words = (*WORDS, "«Cat»", "it's", "1,000.5", "€5", "Füße.", "&quot;", "U.S.")
    for _ in range(1000):
        golds = [draw(rng, words, 9, 1) for _ in range(rng.randint(1, 4))]
        said = [draw(rng, words, 9) if rng.random() < 0.5 else gold for gold in golds]
        expected = sacrebleu.corpus_bleu(
            said,
            [golds],
            smooth_method="exp",
            smooth_value=0.0,
            force=False,
            lowercase=False,
            tokenize=tokenize,
            use_effective_order=False,
        )
        ours = bleu([[gold] for gold in golds], said, tokenize)
        assert ours == pytest.approx(expected.score, rel=0, abs=1e-9)


def test_the_tokenizer_matters() -> None:
    golds, said = [["the big cat sat on a «mat»"]], ["the big cat sat on a «mat"]
    assert bleu(golds, said, "13a") != bleu(golds, said, "intl")


def test_the_signature_says_how_the_score_was_made() -> None:
    version = sacrebleu.__version__
    assert bleu_signature([["a b"], ["c"]]) == (
        f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}"
    )
    assert bleu_signature([["a b", "b"], ["c"]], "intl") == (
        f"nrefs:var|case:mixed|eff:no|tok:intl|smooth:exp|version:{version}"
    )


@pytest.mark.parametrize("stem", [False, True])
def test_rouge_equals_rouge_score_for_each_text_and_in_the_mean(stem: bool) -> None:
    rng, scorer = random.Random(3), RougeScorer(ROUGES, use_stemmer=stem)
    golds = [[draw(rng, TEXTS, 25) for _ in range(rng.randint(1, 3))] for _ in range(1000)]
    said = [draw(rng, TEXTS, 25) for _ in golds]
    expected = [scorer.score_multi(*pair) for pair in zip(golds, said, strict=True)]
    for gold, text, wanted in zip(golds, said, expected, strict=True):
        for name, score in rouge_each(gold, text, use_stemmer=stem).items():
            assert tuple(score) == pytest.approx(tuple(wanted[name]), rel=0, abs=1e-9)
    means = {name: 100 * fmean(each[name].fmeasure for each in expected) for name in ROUGES}
    assert rouge(golds, said, use_stemmer=stem) == pytest.approx(means, rel=0, abs=1e-9)


def test_only_lsum_looks_at_lines_and_only_stems_join_forms() -> None:
    gold, turned = "the cats ran\na dog sat", "a dog sat\nthe cat ran"
    plain = rouge([[gold]], [turned])
    assert plain["rougeLsum"] == plain["rouge1"] > plain["rougeL"]
    joined = rouge([[gold.replace("\n", " ")]], [turned.replace("\n", " ")])
    assert joined == plain | {"rougeLsum": plain["rougeL"]}
    assert rouge([[gold]], [turned], use_stemmer=True)["rougeLsum"] == pytest.approx(100.0)
    assert plain["rouge1"] == pytest.approx(500 / 6)


def test_the_best_gold_counts_for_each_metric() -> None:
    golds = ["the cat sat", "on a mat the big cat"]
    scores = rouge_each(golds, "the big cat")
    assert scores["rouge1"] == rouge_each(golds[:1], "the big cat")["rouge1"]
    assert scores["rouge2"] == rouge_each(golds[1:], "the big cat")["rouge2"]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(TEXTS)).map(" ".join), st.lists(st.sampled_from(TEXTS)).map(" ".join)
)
def test_rouge_is_symmetric_in_f1_for_words_and_1_for_equal_texts(left: str, right: str) -> None:
    one, other = rouge_each([left], right), rouge_each([right], left)
    for name in ROUGES[:3]:
        assert 0.0 <= one[name].f1 <= 1.0
        assert one[name].f1 == pytest.approx(other[name].f1)
        assert one[name].precision == pytest.approx(other[name].recall)
    same = rouge_each([left], left)
    words = any(letter.isascii() and letter.isalnum() for letter in left)
    assert same["rouge1"].f1 == same["rougeLsum"].f1 == float(words)


def test_empty_predictions_score_0() -> None:
    golds = [["the cat"], ["a mat"]]
    assert bleu(golds, ["", ""]) == 0.0
    assert set(rouge(golds, ["", "..."]).values()) == {0.0}


def test_what_cannot_be_scored_is_reported() -> None:
    for measure in (bleu, rouge):
        with pytest.raises(UserError, match="no text to score"):
            measure([], [])
        with pytest.raises(UserError, match="text 2 of 2 has no gold"):
            measure([["a"], []], ["a", "b"])
        with pytest.raises(ValueError, match="argument 2 is shorter"):
            measure([["a"], ["b"]], ["a"])
