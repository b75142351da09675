"""The settings by which texts become inputs of an encoder. Imports no torch."""

from typing import Self

from pydantic import Field, model_validator

from headwater.config import Config

MOST_SPECIAL_TOKENS = 4  # RoBERTa's <s> question </s></s> context </s>; BERT has 3


class SpanConfig(Config):
    """How contexts are cut into windows and spans are chosen; all counts are in tokens.

    Defaults follow BERT's SQuAD runs (Devlin et al. 2019, section 4.2 and its code).

    max_length: the longest model input, special tokens included.
    stride: how far each window of a long context begins after the previous one (BERT's
        `doc_stride`). None sets it by itself: half of the room that the question leaves, or less
        where that is needed for every answer of `max_answer_length` tokens to stand whole in some
        window.
    max_query_length: questions are cut after so many tokens.
    max_answer_length: the longest answer that is chosen.
    n_best: how many candidates are kept per question.
    """

    max_length: int = Field(default=384, ge=1)
    stride: int | None = Field(default=None, ge=1)
    max_query_length: int = Field(default=64, ge=1)
    max_answer_length: int = Field(default=30, ge=1)
    n_best: int = Field(default=20, ge=1)

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        least = self.max_query_length + MOST_SPECIAL_TOKENS + 1
        if self.max_length < least:
            raise ValueError(
                f"max_length = {self.max_length}: at least {least} was expected, so that a "
                f"question of max_query_length = {self.max_query_length} leaves room for the text"
            )
        return self

    def step(self, room: int) -> int:
        """How far apart windows begin when `room` context tokens fit into each (room >= 1).

        Windows overlap by `room - step` tokens, and an answer of up to `room - step + 1` tokens
        stands whole in one of them wherever it is.
        """
        if self.stride is not None:
            return min(self.stride, room)  # a longer one would leave tokens out
        return max(1, min(room // 2, room - self.max_answer_length + 1))

    def fitting(self, longest: int) -> Self:
        """Shorten windows, and questions where needed, to what a network can read."""
        if self.max_length <= longest:
            return self
        query = max(1, min(self.max_query_length, (longest - MOST_SPECIAL_TOKENS) // 2))
        return self.model_copy(update={"max_length": longest, "max_query_length": query})


class SequenceConfig(Config):
    """How a text or a pair becomes one model input (Devlin et al. 2019, section 4.1).

    max_length: the longest input in tokens, special ones included. Of a longer text the end is
        cut, of a pair that of the longer one; the sentences of tagging go on in another input.
    """

    max_length: int = Field(default=128, ge=8)

    def fitting(self, longest: int) -> Self:
        """Shorten inputs to what a network can read."""
        if self.max_length <= longest:
            return self
        return self.model_copy(update={"max_length": longest})
