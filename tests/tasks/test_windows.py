"""Windows: layout, coverage, labels, and room for everything a text may hold."""

import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from headwater.data.config import SpanConfig
from headwater.data.example import AnswerSpan, SpanExample
from headwater.errors import UserError
from headwater.tasks.window_stream import stream_windows
from headwater.tasks.windows import build_windows
from headwater.text import long_text
from headwater.text.sequence_layout import encoder_layout
from headwater.text.vocabulary import Vocabulary

SNIPPETS = [
    "Rhine",
    "flows",
    " ",
    "  ",
    "é",
    "e\u0301",
    "🙂",
    "👩‍👧",
    "\u200b",
    "ﬁ",
    ",",
    "日本",
    "\n",
]
texts = st.lists(st.sampled_from(SNIPPETS), max_size=40).map("".join)
configs = st.builds(
    SpanConfig,
    max_length=st.integers(12, 40),
    max_query_length=st.integers(1, 7),
    max_answer_length=st.integers(1, 30),
    stride=st.none() | st.integers(1, 50),
)


def example(question: str, context: str, *answers: AnswerSpan) -> SpanExample:
    return SpanExample("q", question, context, answers, impossible=not answers)


def tokens(vocabulary: Vocabulary, ids: Any) -> list[str]:
    return [vocabulary.token(int(id)) for id in ids]


def test_bert_layout_and_segments(bert_vocabulary: Vocabulary) -> None:
    one = example("Which river?", "The Rhine flows", AnswerSpan("Rhine", 4))
    row = build_windows(bert_vocabulary, [one], SpanConfig(), labelled=True)[0]
    assert " ".join(tokens(bert_vocabulary, row["input_ids"])) == (
        "[CLS] w ##h ##i ##c ##h river ? [SEP] the rhine flow ##s [SEP]"
    )
    assert row["token_type_ids"].tolist() == [0] * 9 + [1] * 5
    assert (int(row["start_positions"]), int(row["end_positions"])) == (10, 10)
    assert {value.dtype for value in row.values()} == {np.dtype(np.int32)}
    assert row["start_positions"].shape == ()


def test_roberta_layout_has_two_separators_and_no_segments(roberta_vocabulary: Vocabulary) -> None:
    one = example(" Who? ", "é x", AnswerSpan("é", 0))
    row = build_windows(roberta_vocabulary, [one], SpanConfig(), labelled=True)[0]
    assert tokens(roberta_vocabulary, row["input_ids"]) == (
        ["<s>", "W", "h", "o", "?", "</s>", "</s>", "Ã", "©", "Ġ", "x", "</s>"]
    )
    assert not row["token_type_ids"].any()
    assert (int(row["start_positions"]), int(row["end_positions"])) == (7, 8)


@settings(deadline=None)
@given(context=texts, config=configs, chunk=st.integers(1, 60))
def test_streamed_windows_are_the_same(
    vocabulary: Vocabulary, context: str, config: SpanConfig, chunk: int
) -> None:
    one = example("Which river?", context)
    whole = build_windows(vocabulary, [one], config, labelled=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_text, "CHUNK", chunk)
        streamed = list(stream_windows(vocabulary, one.question, context, config))
    assert len(streamed) == len(whole)
    for index, window in enumerate(streamed):
        expected, offsets = whole[index], whole.offsets(index)
        assert all(np.array_equal(window.features[name], expected[name]) for name in expected)
        assert window.offsets.first == offsets.first
        assert np.array_equal(window.offsets.starts, offsets.starts)
        assert np.array_equal(window.offsets.ends, offsets.ends)


def test_unlabelled_features_have_no_positions(vocabulary: Vocabulary) -> None:
    one = example("Who?", "Rhine", AnswerSpan("Rhine", 0))
    row = build_windows(vocabulary, [one], SpanConfig(), labelled=False)[0]
    assert set(row) == {"input_ids", "token_type_ids"}


def test_other_vocabularies_are_refused(shared: Any) -> None:
    from headwater.text.loading import load_vocabulary

    with pytest.raises(UserError, match=r"no tokens like \[CLS\] and \[SEP\]"):
        encoder_layout(load_vocabulary(shared / "data/tokenizers/gpt2"))


@settings(deadline=None, max_examples=150)
@given(contexts=st.lists(texts, min_size=1, max_size=4), question=texts, config=configs)
def test_windows_cover_every_token_in_order_and_fit(
    vocabulary: Vocabulary, contexts: list[str], question: str, config: SpanConfig
) -> None:
    examples = [example(question, context) for context in contexts]
    windows = build_windows(vocabulary, examples, config, labelled=False)
    query = vocabulary.encode(question.strip()).ids[: config.max_query_length]
    rows = [row for index in range(len(contexts)) for row in windows.windows_of(index)]
    assert rows == list(range(len(windows)))
    for index, context in enumerate(contexts):
        encoding = vocabulary.encode(context)
        covered, last = 0, -1
        for row in windows.windows_of(index):
            assert windows.example_of[row] == index
            ids, offsets = windows[row]["input_ids"], windows.offsets(row)
            count = len(offsets.starts)
            assert len(ids) == windows.lengths[row] <= config.max_length
            assert len(ids) == config.max_length or len(windows.windows_of(index)) == 1
            assert query.tolist() == ids[1 : 1 + len(query)].tolist()
            inside = ids[offsets.first : offsets.first + count]
            begin = next(
                at
                for at in range(last + 1, len(encoding) + 1)
                if encoding.ids[at : at + count].tolist() == inside.tolist()
                and encoding.starts[at : at + count].tolist() == offsets.starts.tolist()
                and encoding.ends[at : at + count].tolist() == offsets.ends.tolist()
            )
            assert begin <= covered
            covered, last = max(covered, begin + count), begin
        assert covered == len(encoding)


@settings(deadline=None, max_examples=100)
@given(data=st.data(), config=configs)
def test_any_answer_that_fits_stands_whole_in_a_window(
    bert_vocabulary: Vocabulary, data: st.DataObject, config: SpanConfig
) -> None:
    config = config.model_copy(update={"stride": None})
    words = ["rhine"] * data.draw(st.integers(1, 90))
    room = config.max_length - 3 - 1
    length = data.draw(st.integers(1, min(config.max_answer_length, room, len(words))))
    first = data.draw(st.integers(0, len(words) - length))
    answer = AnswerSpan(" ".join(words[:length]), 6 * first)
    one = example("?", " ".join(words), answer)
    windows = build_windows(bert_vocabulary, [one], config, labelled=True)
    found = 0
    for row in range(len(windows)):
        start, end = (int(windows[row][f"{side}_positions"]) for side in ("start", "end"))
        offsets = windows.offsets(row)
        if start or end:
            found += 1
            assert end - start + 1 == length
            assert offsets.starts[start - offsets.first] == answer.start
            assert offsets.ends[end - offsets.first] == answer.end
        else:
            assert offsets.starts[0] > answer.start or offsets.ends[-1] < answer.end
    assert found >= 1


def test_an_answer_across_a_cut_is_labelled_only_where_whole(bert_vocabulary: Vocabulary) -> None:
    config = SpanConfig(max_length=8, max_query_length=1, stride=4, max_answer_length=4)
    one = example("?", "a b c d e f g h", AnswerSpan("d e", 6))
    windows = build_windows(bert_vocabulary, [one], config, labelled=True)
    rows = [windows[row] for row in range(len(windows))]
    slices = ["".join(tokens(bert_vocabulary, row["input_ids"])[3:-1]) for row in rows]
    assert slices == ["abcd", "efgh"]
    assert [(int(row["start_positions"]), int(row["end_positions"])) for row in rows] == [
        (0, 0)
    ] * 2


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_labels_fit_the_characters_of_any_form(vocabulary: Vocabulary, form: str) -> None:
    context = unicodedata.normalize(form, "Né à  Besançon 🙂, près de là 👩‍👧 (Été)")
    for word in ("Besançon", "🙂", "près", "👩‍👧", "Été"):
        text = unicodedata.normalize(form, word)
        answer = AnswerSpan(text, context.index(text))
        windows = build_windows(
            vocabulary, [example("Où?", context, answer)], SpanConfig(), labelled=True
        )
        row, offsets = windows[0], windows.offsets(0)
        start = offsets.starts[row["start_positions"] - offsets.first]
        end = offsets.ends[row["end_positions"] - offsets.first]
        assert (context[start:end], int(start)) == (text, answer.start)


def test_contexts_without_tokens_and_long_questions(vocabulary: Vocabulary) -> None:
    config = SpanConfig(max_length=20, max_query_length=5)
    windows = build_windows(vocabulary, [example("x" * 99, "\u200b\n"[1:])], config, labelled=True)
    assert len(windows) == 1
    assert windows.lengths[0] <= 20
    assert len(windows.offsets(0).starts) in (0, 1)  # bytes keep the line break, words drop it


def test_no_examples_no_windows(vocabulary: Vocabulary) -> None:
    windows = build_windows(vocabulary, [], SpanConfig(), labelled=True)
    assert (len(windows), windows.lengths.dtype) == (0, np.int64)


def test_the_fingerprint_follows_features_and_labels(bert_vocabulary: Vocabulary) -> None:
    def digest(context: str, start: int, config: SpanConfig, labelled: bool = True) -> str:
        one = example("Who?", context, AnswerSpan("rhine", start))
        return build_windows(bert_vocabulary, [one], config, labelled=labelled).fingerprint

    small = SpanConfig(max_length=12, max_query_length=7)
    prints = [
        digest("rhine rhine", 0, SpanConfig()),
        digest("rhine rhine", 6, SpanConfig()),
        digest("rhine river", 0, SpanConfig()),
        digest("rhine rhine", 0, SpanConfig(), labelled=False),
        digest("rhine rhine " * 9, 0, SpanConfig()),
        digest("rhine rhine " * 9, 0, small),
    ]
    assert len(set(prints)) == len(prints)
    assert digest("rhine rhine", 0, SpanConfig()) == prints[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_length": 68}, "at least 69 was expected"),
        ({"stride": 0}, "stride"),
        ({"n_best": 0}, "n_best"),
        ({"max_answer_length": -1}, "max_answer_length"),
    ],
)
def test_settings_that_leave_no_room(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SpanConfig(**settings)
    with pytest.raises(UserError, match=message):
        SpanConfig.check(settings, "recipe.toml")
