"""Ids as text: nothing is left out, and joined runs are the text."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.inspection.spelling import Speller
from headwater.text.loading import load_vocabulary

TEXT = "The old miller, unaffable: grinds 12 Größen."


def test_tokens_are_joined_to_words(made: Any) -> None:
    speller = Speller(made("bert").vocabulary)
    ids = speller.vocabulary.encode("unaffable [SEP] miller").ids.tolist()
    assert len(ids) > 3
    assert speller.text(ids).strip() == "unaffable [SEP] miller"
    assert [span.highlight for span in speller.spans(ids)] == ["plain", "special", "plain"]


@pytest.mark.parametrize("name", ["t5/spiece.model", "gpt2"])
def test_text_comes_back(shared: Path, name: str) -> None:
    speller = Speller(load_vocabulary(shared / "data" / "tokenizers" / name))
    ids = speller.vocabulary.encode(TEXT).ids.tolist()
    assert speller.text(ids).strip() == TEXT
    assert "".join(span.text for span in speller.spans(ids)) == TEXT


def test_bytes_of_a_letter_are_shown_as_the_letter(shared: Path) -> None:
    speller = Speller(load_vocabulary(shared / "data" / "tokenizers" / "gpt2"))
    ids = speller.vocabulary.encode(" groß\n").ids.tolist()
    assert "".join(speller.token(id) for id in ids) == "ĠgroßĊ"


def test_an_id_without_a_token_has_a_name(made: Any) -> None:
    speller = Speller(made("bert").vocabulary)
    assert speller.token(speller.vocabulary.size + 5) == f"<{speller.vocabulary.size + 5}>"


@pytest.fixture(scope="session")
def spellers(vocabularies: Any) -> list[Speller]:
    return [Speller(vocabularies[family]) for family in ("bert", "t5", "cbow")]


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_marks_part_the_text_and_lose_nothing(spellers: Any, data: st.DataObject) -> None:
    for speller in spellers:
        ids = data.draw(st.lists(st.integers(0, speller.vocabulary.size - 1), max_size=12))
        highlights = data.draw(
            st.lists(st.sampled_from(["plain", "noise"]), min_size=len(ids), max_size=len(ids))
        )
        joined = "".join(span.text for span in speller.spans(ids, highlights))
        assert joined.strip(" ") == speller.text(ids).strip(" ")
