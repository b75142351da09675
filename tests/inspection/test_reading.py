"""What a model reads of a text is what it reads in training and answering."""

from typing import Any

import numpy as np
import pytest

from headwater.data.config import SpanConfig
from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inspection.reading import read
from headwater.models.bert.config import PRESETS
from headwater.tasks.windows import build_windows


def test_a_pair_is_read_as_in_fine_tuning(made: Any) -> None:
    model = made("bert")
    reading = read(model.vocabulary, model.config, "who wrote it?", "Ada wrote it.")
    example = SpanExample("1", "who wrote it?", "Ada wrote it.", ())
    [row] = build_windows(model.vocabulary, [example], SpanConfig(), labelled=False).features(
        np.array([0]), 0
    )
    assert list(reading.ids) == row["input_ids"].tolist()
    assert list(reading.segments or ()) == row["token_type_ids"].tolist()
    assert reading.positions == tuple(range(len(reading.ids)))


def test_roberta_counts_positions_after_the_paddings_and_has_no_segments(made: Any) -> None:
    reading = read(made("bert").vocabulary, PRESETS["roberta-base"], "one two")
    assert reading.segments is None
    assert reading.positions == (2, 3, 4, 5)


@pytest.mark.parametrize("blank", ["[MASK]", "___", "_____", "<mask>"])
def test_a_blank_is_the_mask_of_a_bert(made: Any, blank: str) -> None:
    model = made("bert")
    reading = read(model.vocabulary, model.config, f"on the {blank} side")
    assert reading.blanks == (3,)
    assert reading.ids[3] == model.vocabulary.mask_id


def test_a_blank_is_a_sentinel_of_a_t5_in_turn(made: Any) -> None:
    model = made("t5")
    vocabulary = model.vocabulary
    reading = read(vocabulary, model.config, "a ___ b ___", "___ c ___")
    sentinels = [vocabulary.sentinel(0), vocabulary.sentinel(1)]
    for side in (reading.ids, reading.targets or ()):
        assert [id for id in side if id in sentinels] == sentinels
        assert side[-1] == vocabulary.eos_id


def test_a_blank_ends_what_a_gpt_reads(made: Any) -> None:
    model = made("gpt")
    whole = read(model.vocabulary, model.config, "on the ___ side")
    assert whole.ids == read(model.vocabulary, model.config, "on the").ids
    assert whole.cut


def test_a_blank_is_an_unknown_word(made: Any) -> None:
    model = made("elmo")
    reading = read(model.vocabulary, model.config, "the ___ the")
    the = model.vocabulary.id_of("the")
    assert reading.ids == (the, model.vocabulary.unk_id, the)
    assert reading.blanks == (1,)


@pytest.mark.parametrize(
    ("family", "texts", "said"),
    [
        ("bert", ("  ",), "empty"),
        ("bert", ("a", " "), "empty"),
        ("bert", ("word " * 31,), "33 tokens.*reads 32"),
        ("gpt", ("word " * 33,), "33 tokens.*reads 32"),
        ("gpt", ("a", "b"), "reads one text"),
        ("gpt", ("___ of",), "before the blank"),
        ("cbow", ("a", "b"), "reads one text"),
        ("t5", ("___ " * 200,), "no <extra_id_"),
    ],
)
def test_what_cannot_be_read_is_reported(
    made: Any, family: str, texts: tuple[str, ...], said: str
) -> None:
    model = made(family)
    with pytest.raises(UserError, match=said):
        read(model.vocabulary, model.config, *texts)
