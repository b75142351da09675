"""The windows of a long context one after another, in memory that does not grow with it.

They are those of `tasks.windows.build_windows`, at the same positions.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, final

import numpy as np

from headwater.data.config import SpanConfig
from headwater.data.convert import Features
from headwater.data.token_arrays import Ints, Longs, encode_ids
from headwater.tasks.windows import WindowOffsets
from headwater.text.long_text import encode_long
from headwater.text.sequence_layout import SequenceLayout, encoder_layout
from headwater.text.vocabulary import Encoding, Vocabulary


class Window(NamedTuple):
    """One input of a model: `input_ids`, `token_type_ids` int32 [length], and its offsets."""

    features: Features
    offsets: WindowOffsets


@final
class WindowList:
    """Some windows, a FeatureSet."""

    fingerprint = ""  # it is never saved

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        lengths = [len(each.features["input_ids"]) for each in windows]
        self.lengths = np.array(lengths, np.int64)

    def __len__(self) -> int:
        return len(self._windows)

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        return [self._windows[index].features for index in indices.tolist()]


def stream_windows(
    vocabulary: Vocabulary,
    question: str,
    context: str,
    config: SpanConfig,
    layout: SequenceLayout | None = None,
) -> Iterator[Window]:
    """Yield the windows of one question's context, in order."""
    layout = layout or encoder_layout(vocabulary)
    query = encode_ids(vocabulary, [question.strip()], config.max_query_length)[0]
    room = config.max_length - layout.special_tokens - len(query)
    for part in _parts(encode_long(vocabulary, context), room, config.step(room)):
        first = len(layout.before) + len(query) + len(layout.between)
        features: Features = dict(layout.sequence(query, part.ids))
        yield Window(features, WindowOffsets(first, part.starts, part.ends))


def _parts(chunks: Iterator[Encoding], room: int, step: int) -> Iterator[Encoding]:
    """Cut a text's tokens into parts of `room`, `step` apart; the last one ends with the text."""
    kept = np.empty((3, 0), np.int32)
    before, begin = 0, 0  # tokens that are no longer kept; where the next part begins
    for chunk in chunks:
        arrays: list[Ints] = [chunk.ids, chunk.starts, chunk.ends]
        kept = np.concatenate([kept[:, max(0, begin - step - before) :], np.stack(arrays)], axis=1)
        before = max(before, begin - step)
        while begin + room < before + kept.shape[1]:
            yield Encoding(*kept[:, begin - before : begin - before + room])
            begin += step
    last = max(0, min(begin, before + kept.shape[1] - room))
    yield Encoding(*kept[:, last - before :])
