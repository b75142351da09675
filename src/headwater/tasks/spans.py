"""Choosing answers from start and end scores (Devlin et al. 2019, sections 4.2 and 4.3).

The score of a span is the logit of its first token as a start plus that of its last as an end. All
spans of up to `max_answer_length` tokens inside a window's context are compared, as a band
[tokens, max_answer_length]; so none crosses into the question and none of the best is missed. No
span is punctuation alone, or reaches over the end of a list item, a cell, its name, a row or a
paragraph (`text.lines`). The score of "no answer" is that of the span at position 0, the least over
the windows.

    windows = build_windows(vocabulary, examples, config, labelled=False)
    search = SpanSearch(examples[0].context, config)
    for index in windows.windows_of(0):
        search.add(start_logits[index], end_logits[index], windows.offsets(index))
    search.choice().candidates[0].text
"""

import bisect
import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from headwater.data.config import SpanConfig
from headwater.tasks.windows import WindowOffsets
from headwater.text.lines import cell_ends, line_ends, name_ends

Logits = NDArray[np.floating]
Scores = NDArray[np.float64]
NumberT = TypeVar("NumberT", np.float64, np.int64)

# What makes a text more than punctuation: letters, digits, and symbols outside of ASCII.
_SAYING = re.compile(
    r"(?:[^\W_]|[\u00a2-\u00a6\u00a9\u00ae\u00b0\u20a0-\u20cf\u2100-\u24ff\u2600-\u2bff]"
    r"|[\U0001f000-\U0001ffff])+"
)


@dataclass(frozen=True, slots=True)
class SpanCandidate:
    """A possible answer: `text` is exactly `context[start:end]`, `score` a sum of two logits."""

    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class SpanChoice:
    """The best spans of a context, the best first and each once, and the score of "no answer".

    apart: those that share no character with a better one, if they were requested; of those with
        the same text the best.
    """

    candidates: tuple[SpanCandidate, ...]
    null_score: float
    apart: tuple[SpanCandidate, ...] = ()

    @property
    def no_answer_margin(self) -> float:
        """How far "no answer" is ahead of the best span; infinite when there is no span."""
        return self.null_score - self.candidates[0].score if self.candidates else float("inf")


class _Kept(NamedTuple):
    """A window that may hold one of the best spans, and its best one (see `_top`)."""

    top: "_Top"
    starts: Logits
    ends: Logits
    offsets: WindowOffsets


_Top = tuple[float, int, int]
"""A span's score negated, its start and its end: the better one is the lesser."""


@final
class SpanSearch:
    """Chooses the `n_best` spans of one context, in memory that does not grow with its windows.

    Equal character spans count once, with their best score; white space around a span is left
    out of it. Spans without characters are no candidates. Equal scores: the earlier and shorter.

    Args:
        apart: how many spans with different texts to choose of which no two share a character.
        begin: where spans may begin in the context, and what their positions are counted from. What
            is before is read only.
    """

    def __init__(self, context: str, config: SpanConfig, apart: int = 0, begin: int = 0) -> None:
        self._context, self._config, self._apart = context, config, apart
        self._begin = begin
        self._found: dict[tuple[int, int], float] = {}
        self._null_score = float("inf")
        self._kept: list[_Kept] = []
        self._most = 0

    def add(self, starts: Logits, ends: Logits, offsets: WindowOffsets) -> None:
        """Look at the next window.

        Args:
            starts, ends: the logits [length]; padding at their end is ignored.
        """
        config = self._config
        self._null_score = min(self._null_score, float(starts[0]) + float(ends[0]))
        band = self._band(starts, ends, offsets)
        for span, score in _best(band, offsets, self._context, config.n_best).items():
            self._found[span] = max(score, self._found.get(span, -np.inf))
        if len(self._found) > 8 * config.n_best:
            self._found = dict(self._ranked())
        top = _top(band, offsets, self._context) if self._apart else None
        if top is not None:
            arrays = (offsets.starts.copy(), offsets.ends.copy())  # views would hold more
            kept = WindowOffsets(offsets.first, *arrays)
            self._keep(_Kept(top, starts.copy(), ends.copy(), kept))

    def choice(self) -> SpanChoice:
        """Return the best spans of the windows so far."""
        candidates = tuple(self._candidate(*span, score) for span, score in self._ranked())
        apart: dict[str, SpanCandidate] = {}
        for span in self._picks():
            apart.setdefault(span.text, span)
            if len(apart) >= self._apart:
                break
        return SpanChoice(candidates, self._null_score, tuple(apart.values()))

    def _ranked(self) -> list[tuple[tuple[int, int], float]]:
        ranked = sorted(self._found.items(), key=lambda item: (-item[1], item[0]))
        return ranked[: self._config.n_best]

    def _candidate(self, start: int, end: int, score: float) -> SpanCandidate:
        text, begin = self._context[start:end], self._begin
        return SpanCandidate(text, start - begin, end - begin, score)

    def _band(self, starts: Logits, ends: Logits, offsets: WindowOffsets) -> Scores:
        longest = self._config.max_answer_length
        band = _band(starts, ends, offsets, longest, self._context)
        band[offsets.ends <= self._begin] = -np.inf
        return band

    def _keep(self, window: _Kept) -> None:
        """Keep the windows with the best spans.

        A window counts only if its best span is one of the picks or shares a character with a
        better one, and a span lies in a few windows: there are no more than that for each pick.
        """
        config = self._config
        if not self._most:
            room = len(window.offsets.starts)
            touched = 3 + (room + config.max_answer_length) // config.step(max(1, room))
            self._most = touched * self._most_picks
        self._kept.append(window)
        if len(self._kept) > 2 * self._most:
            self._kept = heapq.nsmallest(self._most, self._kept, key=lambda each: each.top)

    @property
    def _most_picks(self) -> int:
        """How many spans are picked at most: among them are spans of the same text."""
        return self._config.n_best + 4 * self._apart

    def _picks(self) -> Iterator[SpanCandidate]:
        """Yield the best span, then the best that shares no character with those before, etc."""
        picked = DisjointSpans()
        heap = [(window.top, index) for index, window in enumerate(self._kept)]
        heapq.heapify(heap)
        while heap and len(picked) < self._most_picks:
            (score, start, end), index = heap[0]
            if picked.add(start, end):
                yield self._candidate(start, end, -score)
            top = self._top_beside(self._kept[index], picked)
            if top is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (top, index))

    def _top_beside(self, window: _Kept, picked: "DisjointSpans") -> _Top | None:
        """Return the best span of a window that shares no character with those picked."""
        band = self._band(window.starts, window.ends, window.offsets)
        low, high = int(window.offsets.starts.min()), int(window.offsets.ends.max())
        for start, end in picked.between(low, high):
            _strike(band, window.offsets, start, end)
        return _top(band, window.offsets, self._context)


@final
class DisjointSpans:
    """Spans `(start, end)` of which no two share a character."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, start: int, end: int) -> bool:
        """Take a span in, unless it shares a character with another; return whether it was."""
        free = self.free(start, end)
        if free:
            bisect.insort(self._spans, (start, end))
        return free

    def free(self, start: int, end: int) -> bool:
        """Tell whether no span shares a character with this one."""
        return not self.between(start, end)

    def between(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the spans that share a character with this one."""
        last = bisect.bisect_left(self._spans, (end,))
        first = bisect.bisect_right(self._spans, start, hi=last, key=lambda span: span[1])
        return self._spans[first:last]


def _band(starts: Logits, ends: Logits, offsets: WindowOffsets, longest: int, text: str) -> Scores:
    """Scores [tokens, longest] of the spans of 1 to `longest` tokens from every token on."""
    count = len(offsets.starts)
    context = slice(offsets.first, offsets.first + count)
    band: Scores = starts[context].astype(np.float64)[:, None] + _reach(
        ends[context].astype(np.float64), longest, -np.inf
    )
    if count:
        low, high = int(offsets.starts.min()), int(offsets.ends.max())
        lines_begin = (begin for _, begin in line_ends(text, low, high))
        within = *cell_ends(text, low, high), name_ends(text, low, high)
        breaks = np.array(sorted(chain(*within, lines_begin)), np.int64)
        if len(breaks):
            parts = np.searchsorted(breaks, offsets.starts, side="right")
            band[_reach(parts, longest, -1) != parts[:, None]] = -np.inf
        saying = np.cumsum(_saying(offsets, text, low, high), dtype=np.int64)
        before = np.concatenate(([0], saying[:-1]))
        band[_reach(saying, longest, -1) == before[:, None]] = -np.inf
    return band


def _reach(values: NDArray[NumberT], longest: int, fill: float) -> NDArray[NumberT]:
    """Return [tokens, longest]: for every token its value and those of the tokens after it."""
    padded = np.full(len(values) + longest, fill, values.dtype)
    padded[: len(values)] = values
    return np.lib.stride_tricks.sliding_window_view(padded, longest)[: len(values)]


def _saying(offsets: WindowOffsets, text: str, low: int, high: int) -> NDArray[np.bool_]:
    """Tell of every token whether it came from more than punctuation and white space."""
    spans = np.array([found.span() for found in _SAYING.finditer(text, low, high)], np.int64)
    begins, ends = spans.reshape(-1, 2).T
    next_one = np.searchsorted(ends, offsets.starts, side="right")
    return np.append(begins, high)[next_one] < offsets.ends


def _best(
    band: Scores, offsets: WindowOffsets, context: str, wanted: int
) -> dict[tuple[int, int], float]:
    """The `wanted` best different character spans of one window.

    Tokens may share a character, so that more pairs than `wanted` may have to be looked at.
    """
    scores = band.ravel()
    taken = wanted
    while True:
        order = np.argpartition(-scores, taken)[:taken] if taken < len(scores) else slice(None)
        pairs = np.arange(len(scores))[order]
        pairs = pairs[scores[pairs] > -np.inf]
        spans = _spans(pairs, scores, band.shape[1], offsets, context)
        if len(spans) >= wanted or taken >= len(scores):
            return spans
        taken *= 4


def _spans(
    pairs: NDArray[np.int64], scores: Scores, longest: int, offsets: WindowOffsets, context: str
) -> dict[tuple[int, int], float]:
    spans: dict[tuple[int, int], float] = {}
    first, more = np.divmod(pairs, longest)
    starts, ends = offsets.starts[first].tolist(), offsets.ends[first + more].tolist()
    for begin, finish, score in zip(starts, ends, scores[pairs].tolist(), strict=True):
        text = context[begin:finish]
        start = begin + len(text) - len(text.lstrip())
        end = start + len(text.strip())
        if end > start:
            spans[start, end] = max(score, spans.get((start, end), -np.inf))
    return spans


def _top(band: Scores, offsets: WindowOffsets, context: str) -> _Top | None:
    """Return the best span of a window that holds a character."""
    while band.size and band.max() > -np.inf:
        pair = np.array([band.argmax()])
        for (start, end), score in _spans(
            pair, band.ravel(), band.shape[1], offsets, context
        ).items():
            return -score, start, end
        band.flat[pair] = -np.inf
    return None


def _strike(band: Scores, offsets: WindowOffsets, start: int, end: int) -> None:
    """Take the spans that share a character with `context[start:end]` out of a band."""
    touched = np.flatnonzero((offsets.ends > start) & (offsets.starts < end))
    if not len(touched):
        return
    longest = band.shape[1]
    firsts = np.arange(max(0, touched[0] - longest + 1), touched[-1] + 1)
    lasts = firsts[:, None] + np.arange(longest)
    band[firsts[0] : firsts[-1] + 1][lasts >= touched[0]] = -np.inf
