"""Texts as they are searched lead back to the document, character by character."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from headwater.documents.literal import Edits, plain

PAGE = "the ﬁrst exam-\nple of well-\nknown soft\u00adware\nand\n\fnext\n\npara Mar-\nTin"


def known(word: str) -> bool:
    return word == "well-known"


def test_lines_are_joined_and_hyphens_mended() -> None:
    text, edits = plain(PAGE, True, known)
    assert text == "the first example of well-known software and next\n\npara Mar-Tin"
    assert edits.literal(text) == PAGE


def test_quotes_are_literal() -> None:
    text, edits = plain(PAGE, True, known)
    for word, literal in {
        "first": "ﬁrst",
        "rst": "rst",
        "irst": "ﬁrst",  # half of a ligature
        "example": "exam-\nple",
        "well-known": "well-\nknown",
        "software": "soft\u00adware",
        "soft": "soft",
        "ware": "ware",
        "and next": "and\n\fnext",
        "Mar-Tin": "Mar-\nTin",
    }.items():
        start = text.index(word)
        first, last = edits.span(start, start + len(word))
        assert PAGE[first:last] == literal


def test_a_text_that_needs_none_has_no_edits() -> None:
    text, edits = plain("one\ntwo three-\nfour")
    assert text == "one\ntwo three-\nfour" and edits.encode() is None
    assert Edits.decode(None).span(3, 5) == (3, 5)


@given(st.text(alphabet="ab-\u00adﬁﬄ \n\f\u2010", max_size=60), st.booleans())
@example("a-\n b", True)
def test_every_text_leads_back(literal: str, wrapped: bool) -> None:
    text, edits = plain(literal, wrapped)
    again = Edits.decode(edits.encode())
    assert again.literal(text) == literal
    assert "\u00ad" not in text and "ﬁ" not in text
    for found in re.finditer(r"\S+", text):
        first, last = again.span(*found.span())
        assert plain(literal[first:last], wrapped)[0].split() != []
    places = [again.span(start, start)[0] for start in range(len(text) + 1)]
    assert places == sorted(places)
