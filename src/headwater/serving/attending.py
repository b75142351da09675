"""`/attention`: where a model looked that found an answer in a text."""

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np
from pydantic import NonNegativeInt

from headwater.config import Config
from headwater.errors import UserError
from headwater.inference.loaded import LoadedModel
from headwater.inspection.attention import attention
from headwater.models.families import sizes_of
from headwater.pipelines.task import field, first_or_all
from headwater.text.sequence_layout import encoder_layout

MOST = 512  # tokens of question and text, whose maps are all in memory at once
AROUND = 600  # characters of the text on each side of an answer
SPARE = 8  # tokens: special ones, and what more a part of a text may have than the whole had there


class AnswerOptions(Config):
    """Where the answer stands in the text, in characters."""

    start: NonNegativeInt = 0
    end: NonNegativeInt = 0


class Answered(NamedTuple):
    """A question with the text that it was answered from."""

    question: str
    context: str


@final
class Attending:
    """Gives the attention of an answer's tokens over the text around it, of an encoder."""

    options = AnswerOptions

    def __init__(self, model: LoadedModel) -> None:
        self._model = model

    def items(self, inputs: Any) -> tuple[list[Answered], bool]:
        """Check `{"question": ..., "context": ...}`."""
        texts = (field(inputs, name, "request") for name in ("question", "context"))
        return [Answered(*texts)], True

    def characters(self, item: Answered) -> int:
        return len(item.question) + min(len(item.context), 2 * AROUND)

    def run(self, items: Sequence[Answered], options: AnswerOptions) -> list[Any]:
        return [self._weights(each, options.start, options.end) for each in items]

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)

    def _weights(self, item: Answered, start: int, end: int) -> dict[str, Any]:
        """Return the tokens as `[start, end]` in the text, and their weights layer by layer.

        A weight is the mean over the answer's tokens and over the heads, in percent.
        """
        if not start < end <= len(item.context):
            raise UserError(f"request.end = {end}: an answer from {start} on in the text is wanted")
        vocabulary = self._model.vocabulary
        first, part = self._fitting(item, start, end)
        encoding = vocabulary.encode(part)
        starts, ends = encoding.starts + first, encoding.ends + first
        maps = attention(self._model, item.question, part)
        begin = len(maps[0].keys) - len(encoder_layout(vocabulary).after) - len(encoding)
        inside = np.flatnonzero((starts < end) & (ends > start)) + begin
        if not len(inside):
            raise UserError(f"request.start = {start}: no token stands from there to {end}")
        layers = []
        for layer in sorted({each.layer for each in maps}):
            heads = [each.weights for each in maps if each.layer == layer]
            seen = np.mean(heads, axis=0)[inside].mean(axis=0)[begin : begin + len(encoding)]
            layers.append(np.round(100 * seen, 2).tolist())
        tokens = np.stack([starts, ends], axis=1).tolist()
        return {"start": first, "tokens": tokens, "layers": layers}

    def _fitting(self, item: Answered, start: int, end: int) -> tuple[int, str]:
        """Return the text around an answer, as much as is read with the question."""
        first, part = _around(item.context, start, end)
        encode = self._model.vocabulary.encode
        longest = min(MOST, sizes_of(self._model.config).longest_input)
        room = max(1, longest - len(encode(item.question)) - SPARE)
        encoding = encode(part)
        if len(encoding) <= room:
            return first, part
        middle = int(np.searchsorted(encoding.ends + first, start, "right"))
        low = min(max(0, middle - room // 2), len(encoding) - room)
        begin, stop = int(encoding.starts[low]), int(encoding.ends[low + room - 1])
        return first + begin, part[begin:stop]


def _around(text: str, start: int, end: int) -> tuple[int, str]:
    """Return the text around an answer, from where it begins; both ends are those of words."""
    low, high = max(0, start - AROUND), min(len(text), end + AROUND)
    while low > 0 and low < start and not text[low - 1].isspace():
        low += 1
    while high < len(text) and high > end and not text[high].isspace():
        high -= 1
    part = text[low:high]
    return low + len(part) - len(part.lstrip()), part.strip()
