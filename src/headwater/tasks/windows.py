"""Span questions as model inputs: sliding windows over the context, labelled with the answer.

BERT reads `[CLS] question [SEP] context [SEP]` (Devlin et al. 2019, section 4.2), RoBERTa
`<s> question </s></s> context </s>` (Liu et al. 2019). A context too long for one input is read in
windows that overlap; the last one is moved back to end with the context, so that every window is
full. A window is labelled with the answer's first and last token when it holds the whole answer,
else with position 0, which stands for "no answer here". (BERT's "maximal context" rule is not
used: equal spans from two windows keep the better score.)

A context shared by several questions is encoded once, and windows are slices of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from headwater.data.config import SpanConfig
from headwater.data.convert import Features
from headwater.data.example import SpanExample
from headwater.data.token_arrays import (
    EncodedTexts,
    Ints,
    Longs,
    Ragged,
    encode_ids,
    encode_tokens,
    fingerprint,
)
from headwater.text.sequence_layout import SequenceLayout, encoder_layout
from headwater.text.vocabulary import Vocabulary

_NOWHERE = (-1, -1)


@dataclass(frozen=True, slots=True)
class WindowOffsets:
    """Where a window's context tokens stand: position `first + i` of the sequence holds token i.

    `starts`, `ends` int32 [context tokens]: the characters `context[starts[i]:ends[i]]`.
    """

    first: int
    starts: Ints
    ends: Ints


@dataclass(frozen=True, slots=True)
class _Spans:
    """One entry per window, int64 [windows]: its example, and its slice of all contexts' tokens.

    `bounds` [examples + 1] cuts the windows by example.
    """

    example: Longs
    begin: Longs
    end: Longs
    bounds: Longs


@final
class SpanWindows:
    """The windows of many examples, a FeatureSet. Windows of one example follow each other.

    A feature is `input_ids`, `token_type_ids` int32 [length]; when labelled also
    `start_positions`, `end_positions`, int32 scalars. `lengths` is int64 [windows].
    """

    def __init__(
        self,
        layout: SequenceLayout,
        questions: Ragged,
        contexts: EncodedTexts,
        spans: _Spans,
        labels: Ints | None,
    ) -> None:
        self._layout, self._questions, self._contexts = layout, questions, contexts
        self._spans, self._labels = spans, labels
        self.example_of = spans.example
        texts = questions.lengths[spans.example] + (spans.end - spans.begin)
        self.lengths = texts + layout.special_tokens

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Features:
        context = self._contexts.ids.values[self._spans.begin[index] : self._spans.end[index]]
        features = self._layout.sequence(self._questions[self.example_of[index]], context)
        if self._labels is not None:
            start, end = self._labels[index]
            features |= {"start_positions": np.array(start), "end_positions": np.array(end)}
        return features

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        return [self[index] for index in indices.tolist()]

    def windows_of(self, example: int) -> range:
        """The indices of one example's windows, in the order of the context."""
        return range(int(self._spans.bounds[example]), int(self._spans.bounds[example + 1]))

    def offsets(self, index: int) -> WindowOffsets:
        """The character offsets of a window's context tokens (views)."""
        window = slice(self._spans.begin[index], self._spans.end[index])
        return WindowOffsets(
            self._first(index), self._contexts.starts[window], self._contexts.ends[window]
        )

    @property
    def fingerprint(self) -> str:
        spans, contexts, questions = self._spans, self._contexts.ids, self._questions
        texts = (questions.values, questions.bounds, contexts.values, contexts.bounds)
        windows = (spans.example, spans.begin, spans.end)
        return fingerprint(self._layout.identity, (*texts, *windows, self._labels))

    def _first(self, index: int) -> int:
        """The position of a window's first context token."""
        question = self.example_of[index]
        length = int(self._questions.bounds[question + 1] - self._questions.bounds[question])
        return len(self._layout.before) + length + len(self._layout.between)


def build_windows(
    vocabulary: Vocabulary,
    examples: Iterable[SpanExample],
    config: SpanConfig,
    *,
    labelled: bool,
    layout: SequenceLayout | None = None,
) -> SpanWindows:
    """Cut every example into windows; with `labelled`, labels come from the answer most
    agreed on (`SpanExample.agreed_answer`).

    Questions are cut to `max_query_length` tokens. A context without tokens gives one window.
    """
    examples = list(examples)
    layout = layout or encoder_layout(vocabulary)
    which, texts = _distinct([example.context for example in examples])
    questions = [example.question.strip() for example in examples]
    queries = encode_ids(vocabulary, questions, config.max_query_length)
    contexts = encode_tokens(vocabulary, texts)
    low, high = contexts.ids.bounds[which], contexts.ids.bounds[which + 1]
    if labelled:
        spans = [_answer_tokens(*each, contexts) for each in zip(examples, low, high, strict=True)]
    else:
        spans = [_NOWHERE] * len(examples)
    answers = np.array(spans, np.int64).reshape(-1, 2)
    windows = _cut(low, high, config.max_length - layout.special_tokens - queries.lengths, config)
    first = (len(layout.before) + len(layout.between) + queries.lengths)[windows.example]
    labels = _labels(windows, answers[windows.example], first)
    return SpanWindows(layout, queries, contexts, windows, labels if labelled else None)


def _distinct(texts: Sequence[str]) -> tuple[Longs, list[str]]:
    """Return for every text its index among the distinct ones, and those."""
    indices: dict[str, int] = {}
    which = [indices.setdefault(text, len(indices)) for text in texts]
    return np.array(which, np.int64), list(indices)


def _answer_tokens(
    example: SpanExample, low: np.int64, high: np.int64, contexts: EncodedTexts
) -> tuple[int, int]:
    """First and last token, counted over all contexts, that share characters with the answer."""
    if not example.answers:
        return _NOWHERE
    answer = example.agreed_answer
    inside = (contexts.ends[low:high] > answer.start) & (contexts.starts[low:high] < answer.end)
    tokens = np.flatnonzero(inside) + low
    return (int(tokens[0]), int(tokens[-1])) if len(tokens) else _NOWHERE


def _cut(low: Longs, high: Longs, rooms: Longs, config: SpanConfig) -> _Spans:
    """Slice the contexts `low[e]:high[e]` into windows of at most `rooms[e]` tokens."""
    steps = np.array([config.step(room) for room in rooms.tolist()], np.int64)
    surplus = np.maximum(high - low - rooms, 0)
    counts = 1 + -(-surplus // steps)
    bounds = np.concatenate(([0], np.cumsum(counts)))
    example = np.repeat(np.arange(len(low)), counts)
    order = np.arange(len(example)) - bounds[example]
    begin = low[example] + np.minimum(order * steps[example], surplus[example])
    return _Spans(example, begin, np.minimum(begin + rooms[example], high[example]), bounds)


def _labels(windows: _Spans, answers: Longs, first: Longs) -> Ints:
    """Input positions int32 [windows, 2] of the answers [windows, 2] that a window holds whole."""
    begin, end = windows.begin[:, None], windows.end[:, None]
    inside = ((answers >= begin) & (answers < end)).all(axis=1, keepdims=True)
    return np.where(inside, answers - begin + first[:, None], 0).astype(np.int32)
