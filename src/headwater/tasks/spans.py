"""Choosing answers from start and end scores (Devlin et al. 2019, sections 4.2 and 4.3).

The score of a span is the logit of its first token as a start plus that of its last as an end. All
spans of up to `max_answer_length` tokens inside a window's context are compared, as a band
[tokens, max_answer_length]; so none crosses into the question and none of the best is missed. The
score of "no answer" is that of the span at position 0, the least over the windows.

    windows = build_windows(vocabulary, examples, config, labelled=False)
    offsets = [windows.offsets(index) for index in windows.windows_of(0)]
    choice = choose_spans(start_logits, end_logits, offsets, examples[0].context, config)
    choice.candidates[0].text
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from headwater.data.config import SpanConfig
from headwater.tasks.windows import WindowOffsets

Scores = NDArray[np.float64]


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

    apart: those that share no character with a better one, if they were requested.
    """

    candidates: tuple[SpanCandidate, ...]
    null_score: float
    apart: tuple[SpanCandidate, ...] = ()

    @property
    def no_answer_margin(self) -> float:
        """How far "no answer" is ahead of the best span; infinite when there is no span."""
        return self.null_score - self.candidates[0].score if self.candidates else float("inf")


def choose_spans(
    start_logits: Sequence[NDArray[np.floating]],
    end_logits: Sequence[NDArray[np.floating]],
    windows: Sequence[WindowOffsets],
    context: str,
    config: SpanConfig,
    *,
    apart: int = 0,
) -> SpanChoice:
    """Choose the `n_best` spans over all windows of one context, at least one window.

    Args:
        start_logits, end_logits: one array [length] per window; padding at its end is ignored.
        windows: the offsets of the same windows.
        apart: how many spans to choose of which no two share a character.

    Equal character spans count once, with their best score; white space around a span is left
    out of it. Spans without characters are no candidates. Equal scores: the earlier and shorter.
    """
    found: dict[tuple[int, int], float] = {}
    null_score = float("inf")
    bands = []
    for starts, ends, offsets in zip(start_logits, end_logits, windows, strict=True):
        null_score = min(null_score, float(starts[0]) + float(ends[0]))
        band = _band(starts, ends, offsets, config.max_answer_length)
        for span, score in _best(band, offsets, context, config.n_best).items():
            found[span] = max(score, found.get(span, -np.inf))
        bands.append(band)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[: config.n_best]
    candidates = (SpanCandidate(context[a:b], a, b, score) for (a, b), score in ranked)
    different = islice(_apart(bands, windows, context), apart)
    return SpanChoice(tuple(candidates), null_score, tuple(different))


def _band(
    starts: NDArray[np.floating], ends: NDArray[np.floating], offsets: WindowOffsets, longest: int
) -> Scores:
    """Scores [tokens, longest] of the spans of 1 to `longest` tokens from every token on."""
    count = len(offsets.starts)
    context = slice(offsets.first, offsets.first + count)
    padded = np.full(count + longest, -np.inf)
    padded[:count] = ends[context]
    reach = np.lib.stride_tricks.sliding_window_view(padded, longest)[:count]
    band: Scores = starts[context].astype(np.float64)[:, None] + reach
    return band


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


def _apart(
    bands: Sequence[Scores], windows: Sequence[WindowOffsets], context: str
) -> Iterator[SpanCandidate]:
    """Yield the best span, then the best that shares no character with those before, and so on.

    The bands are used up.
    """
    while True:
        best: tuple[float, int, int] | None = None
        for band, offsets in zip(bands, windows, strict=True):
            span = _top(band, offsets, context)
            if span is not None and (best is None or span < best):
                best = span
        if best is None:
            return
        score, start, end = best
        yield SpanCandidate(context[start:end], start, end, -score)
        for band, offsets in zip(bands, windows, strict=True):
            _strike(band, offsets, start, end)


def _top(band: Scores, offsets: WindowOffsets, context: str) -> tuple[float, int, int] | None:
    """Return the best span of a window that holds a character: its score negated, start and end."""
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
