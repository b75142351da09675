"""Test texts found in training text: by 8 and 13 words, across blocks, with the matched run."""

import random
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from headwater.data.matches import TestGrams

LETTERS = [f"w{number}" for number in range(200)]


def said(first: int, last: int) -> str:
    return " ".join(LETTERS[first:last])


def found(test: str, *blocks: str) -> TestGrams:
    grams = TestGrams([test])
    grams.read(blocks, "train.txt")
    return grams


def test_thirteen_words_overlap_and_twelve_do_not() -> None:
    test = said(0, 40)
    for size, overlaps in ((13, True), (12, False), (8, False), (7, False)):
        match = found(test, f"other {said(5, 5 + size)} words").match(test)
        assert match.overlaps is overlaps
        assert match.matched == (said(5, 5 + size) if size >= 8 else "")
        assert match.share == max(0, size - 7) / 33
        assert match.source == ("train.txt" if size >= 8 else "")


def test_a_short_text_overlaps_by_eight_words() -> None:
    assert found(said(0, 10), said(1, 9)).match(said(0, 10)).overlaps
    assert not found(said(0, 7), said(0, 7)).match(said(0, 7)).overlaps


def test_case_punctuation_and_line_ends_do_not_matter() -> None:
    match = found(
        "The mill, by the river; it stood still in 1912.",
        "the MILL by\nthe river it.\nStood -- still",
    ).match("The mill, by the river; it stood still in 1912.")
    assert match.matched == "the mill by the river it stood still" and match.overlaps


@given(st.integers(0, 180), st.lists(st.integers(1, 200), max_size=6))
def test_blocks_change_nothing(begin: int, cuts: list[int]) -> None:
    """Wherever a text is cut between words, the same grams are seen."""
    test = said(begin, begin + 20)
    ends = sorted({*cuts, 200})
    blocks = [said(first, last) for first, last in zip([0, *ends], ends, strict=False)]
    whole, cut = found(test, said(0, 200)).match(test), found(test, *blocks).match(test)
    assert whole == cut
    assert cut.matched == test


def test_two_texts_do_not_run_together() -> None:
    grams = TestGrams([said(0, 26)])
    grams.read([said(0, 7)], "a")
    grams.read([said(7, 14)], "b")
    assert grams.match(said(0, 26)).matched == "" and grams.words == 14


def test_the_longest_of_several_runs_is_shown() -> None:
    rng = random.Random(0)
    test = said(0, 100)
    runs = [(3, 12), (20, 45), (60, 70)]
    rng.shuffle(runs)
    match = found(test, *(f"{said(*run)} x" for run in runs)).match(test)
    assert match.matched == said(20, 45)
    assert match.share == (2 + 18 + 3) / 93


def test_accents_of_two_forms_are_the_same_letter() -> None:
    text = "Der Käse war sehr alt, und er roch nach Heu."
    grams = TestGrams([text])
    grams.read([unicodedata.normalize("NFD", text)], "a")
    found = grams.match(text)
    assert found.overlaps and found.share == 1.0 and found.words == 10
