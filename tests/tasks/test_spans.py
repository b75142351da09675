"""Choosing spans: equal to trying every span, exact in characters, unique, sorted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from headwater.data.config import SpanConfig
from headwater.data.example import AnswerSpan, SpanExample
from headwater.tasks.spans import SpanChoice, SpanSearch
from headwater.tasks.windows import SpanWindows, build_windows
from headwater.text.lines import cell_ends, line_ends, name_ends
from headwater.text.vocabulary import Vocabulary

SNIPPETS = [
    "Rhine",
    "flows",
    " ",
    "  ",
    "   ",
    "é",
    "e\u0301",
    "🙂",
    "👩‍👧",
    ",",
    "日本",
    "\n",
    "\t",
    " | ",
    " | Rhine: ",
    "a b c d e f",
]
texts = st.lists(st.sampled_from(SNIPPETS), min_size=1, max_size=25).map("".join)
configs = st.builds(
    SpanConfig,
    max_length=st.integers(14, 40),
    max_query_length=st.just(5),
    max_answer_length=st.integers(1, 9),
    n_best=st.integers(1, 30),
)
Logits = list[NDArray[np.float32]]


def windows_of(
    vocabulary: Vocabulary, context: str, config: SpanConfig, *answers: AnswerSpan
) -> SpanWindows:
    one = SpanExample("q", "Which river?", context, answers)
    return build_windows(vocabulary, [one], config, labelled=bool(answers))


def random_logits(windows: SpanWindows, seed: int) -> tuple[Logits, Logits]:
    generator = np.random.default_rng(seed)
    sizes = [int(length) + 3 for length in windows.lengths]  # padded, with the best scores there
    sides: tuple[Logits, Logits] = ([], [])
    for size in sizes:
        for side in sides:
            side.append(generator.normal(size=size).astype(np.float32))
            side[-1][-3:] = 100.0
    return sides


def choose(
    windows: SpanWindows,
    logits: tuple[Logits, Logits],
    context: str,
    config: SpanConfig,
    apart: int = 0,
    begin: int = 0,
) -> SpanChoice:
    search = SpanSearch(context, config, apart, begin)
    for row, (starts, ends) in enumerate(zip(*logits, strict=True)):
        search.add(starts, ends, windows.offsets(row))
    return search.choice()


def every_span(
    windows: SpanWindows, logits: tuple[Logits, Logits], context: str, longest: int
) -> dict[tuple[int, int], float]:
    """The slow way: all pairs of tokens, one by one."""
    found: dict[tuple[int, int], float] = {}
    whole = (context, 0, len(context))
    breaks = [begin for _, begin in line_ends(*whole)] + [
        each for ends in cell_ends(*whole) for each in ends
    ]
    breaks += name_ends(*whole)
    for row, (starts, ends) in enumerate(zip(*logits, strict=True)):
        offsets = windows.offsets(row)
        count = len(offsets.starts)
        for i in range(count):
            for j in range(i, min(i + longest, count)):
                text = context[offsets.starts[i] : offsets.ends[j]]
                if any(offsets.starts[i] < each < offsets.ends[j] for each in breaks):
                    continue
                if any(c.isalnum() or c > "\U0001f000" for c in text):
                    start = int(offsets.starts[i]) + len(text) - len(text.lstrip())
                    span = (start, start + len(text.strip()))
                    score = float(starts[offsets.first + i]) + float(ends[offsets.first + j])
                    found[span] = max(score, found.get(span, -np.inf))
    return found


@settings(deadline=None, max_examples=150)
@given(context=texts, config=configs, seed=st.integers(0, 10**6))
def test_equal_to_trying_every_span(
    vocabulary: Vocabulary, context: str, config: SpanConfig, seed: int
) -> None:
    windows = windows_of(vocabulary, context, config)
    logits = random_logits(windows, seed)
    choice = choose(windows, logits, context, config)
    every = every_span(windows, logits, context, config.max_answer_length)
    ranked = sorted(every.items(), key=lambda item: (-item[1], item[0]))[: config.n_best]
    assert [((c.start, c.end), c.score) for c in choice.candidates] == ranked
    assert all(c.text == context[c.start : c.end] == c.text.strip() for c in choice.candidates)
    assert choice.null_score == min(float(s[0]) + float(e[0]) for s, e in zip(*logits, strict=True))


@settings(deadline=None, max_examples=100)
@given(context=texts, config=configs, seed=st.integers(0, 10**6), wanted=st.integers(1, 6))
def test_spans_that_share_no_character(
    vocabulary: Vocabulary, context: str, config: SpanConfig, seed: int, wanted: int
) -> None:
    windows = windows_of(vocabulary, context, config)
    logits = random_logits(windows, seed)
    choice = choose(windows, logits, context, config, wanted)
    every = every_span(windows, logits, context, config.max_answer_length)
    picked: list[tuple[int, int]] = []
    for start, end in sorted(every, key=lambda span: (-every[span], span)):
        if all(end <= begin or finish <= start for begin, finish in picked):
            picked.append((start, end))
    texts: dict[str, tuple[int, int]] = {}
    for start, end in picked[: config.n_best + 4 * wanted]:
        texts.setdefault(context[start:end], (start, end))
    expected = list(texts.values())
    assert [(c.start, c.end) for c in choice.apart] == expected[:wanted]
    assert [c.score for c in choice.apart] == [every[span] for span in expected[:wanted]]
    assert choice.candidates[:1] == choice.apart[:1]
    assert choice.candidates == choose(windows, logits, context, config).candidates


@settings(deadline=None, max_examples=50)
@given(above=texts, text=texts, config=configs, seed=st.integers(0, 10**6))
def test_what_stands_above_is_no_answer(
    vocabulary: Vocabulary, above: str, text: str, config: SpanConfig, seed: int
) -> None:
    context, begin = f"{above}\n\n{text}", len(above) + 2
    windows = windows_of(vocabulary, context, config)
    logits = random_logits(windows, seed)
    choice = choose(windows, logits, context, config, 3, begin)
    every = every_span(windows, logits, context, config.max_answer_length).items()
    inside = [((start - begin, end - begin), score) for (start, end), score in every]
    inside = sorted((each for each in inside if each[0][0] >= 0), key=lambda each: -each[1])
    assert [((c.start, c.end), c.score) for c in choice.candidates] == inside[: config.n_best]
    assert all(c.text == text[c.start : c.end] for c in (*choice.candidates, *choice.apart))
    assert choice.candidates[:1] == choice.apart[:1]


TABLE = "| Bob | 3 |\n| Eve | 4 |\nIt was long ago, and it was written down by old\nRed Zed . - ."


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [("Bob", "Bob", "Bob"), ("3", "eve", None), ("old", "red", "old\nRed"), (".", ".", None)],
)
def test_an_answer_is_no_punctuation_and_stays_in_its_line(
    bert_vocabulary: Vocabulary, first: str, last: str, found: str | None
) -> None:
    windows = windows_of(bert_vocabulary, TABLE, SpanConfig())
    offsets = windows.offsets(0)
    starts, ends = np.zeros((2, int(windows.lengths[0])), np.float32)
    begin, end = TABLE.lower().rindex(first.lower()), TABLE.lower().rindex(last.lower()) + len(last)
    starts[offsets.first + offsets.starts.tolist().index(begin)] = 9
    ends[offsets.first + offsets.ends.tolist().index(end)] = 9
    best = choose(windows, ([starts], [ends]), TABLE, SpanConfig()).candidates
    assert (best[0].text == found) is (found is not None)
    assert all(any(map(str.isalnum, each.text)) for each in best)
    assert not any("\n|" in each.text or "|\n" in each.text for each in best)


def test_an_answer_of_a_row_has_no_name_of_a_column(bert_vocabulary: Vocabulary) -> None:
    text = "name: Bob | city: Old Rhine"
    windows = windows_of(bert_vocabulary, text, SpanConfig())
    starts, ends = np.zeros((2, int(windows.lengths[0])), np.float32)
    offsets = windows.offsets(0)
    starts[offsets.first + offsets.starts.tolist().index(text.index("city"))] = 9
    starts[offsets.first + offsets.starts.tolist().index(text.index("Old"))] = 8
    ends[offsets.first + offsets.ends.tolist().index(len(text))] = 9
    best = choose(windows, ([starts], [ends]), text, SpanConfig()).candidates
    assert best[0].text == "Old Rhine"
    assert not any(": " in each.text for each in best)


@settings(deadline=None, max_examples=100)
@given(data=st.data(), config=configs)
def test_one_hot_logits_at_the_labels_give_the_answer_back(
    vocabulary: Vocabulary, data: st.DataObject, config: SpanConfig
) -> None:
    words = data.draw(st.lists(st.sampled_from(["é", "x", "🙂", "e\u0301", "1", "日"]), min_size=1))
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    context, text = "  ".join(words), "  ".join(words[first : last + 1])
    start = len("  ".join([*words[:first], ""]))
    inside = vocabulary.encode(context)
    length = int(((inside.ends > start) & (inside.starts < start + len(text))).sum())
    windows = windows_of(vocabulary, context, config, AnswerSpan(text, start))
    starts = [np.zeros(n, np.float32) for n in windows.lengths]
    ends = [np.zeros(n, np.float32) for n in windows.lengths]
    for row in range(len(windows)):
        starts[row][windows[row]["start_positions"]] = 9
        ends[row][windows[row]["end_positions"]] = 9
    choice = choose(windows, (starts, ends), context, config)
    room = config.max_length - 1 - int(windows.offsets(0).first)
    if length <= min(config.max_answer_length, room):
        best = choice.candidates[0]
        assert (best.text, best.start, best.score) == (text, start, 18.0)
    else:
        assert all(candidate.score < 18 for candidate in choice.candidates)


def test_no_span_from_the_question_or_the_separators(bert_vocabulary: Vocabulary) -> None:
    config = SpanConfig(n_best=1000)
    context = "the rhine flows north"
    windows = windows_of(bert_vocabulary, context, config)
    first, size = windows.offsets(0).first, int(windows.lengths[0])
    scores = np.zeros(size, np.float32)
    scores[:first], scores[-1] = 50, 50
    choice = choose(windows, ([scores], [scores]), context, config)
    assert {c.score for c in choice.candidates} == {0.0}
    assert len(choice.candidates) == 15  # 5 tokens: the, rhine, flow, ##s, north
    assert (choice.null_score, choice.no_answer_margin) == (100.0, 100.0)


def test_equal_scores_prefer_the_earlier_and_shorter(bert_vocabulary: Vocabulary) -> None:
    config = SpanConfig()
    windows = windows_of(bert_vocabulary, "a b c", config)
    flat = [np.zeros(int(windows.lengths[0]), np.float32)]
    choice = choose(windows, (flat, flat), "a b c", config)
    assert [c.text for c in choice.candidates] == ["a", "a b", "a b c", "b", "b c", "c"]


@pytest.mark.parametrize("context", ["\n", " ", "\u200b"])
def test_a_context_without_words_has_no_candidates(
    bert_vocabulary: Vocabulary, context: str
) -> None:
    windows = windows_of(bert_vocabulary, context, SpanConfig())
    choice = choose(windows, random_logits(windows, 0), context, SpanConfig())
    assert (choice.candidates, choice.no_answer_margin) == ((), float("inf"))


def test_one_character_of_many_tokens_counts_once(roberta_vocabulary: Vocabulary) -> None:
    context = "🙂🙃"  # 8 tokens, 36 pairs, but 3 spans of characters
    config = SpanConfig(n_best=3)
    windows = windows_of(roberta_vocabulary, context, config)
    choice = choose(windows, random_logits(windows, 1), context, config)
    assert {c.text for c in choice.candidates} == {"🙂", "🙃", "🙂🙃"}
