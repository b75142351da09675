"""The settings of reading texts, pairs and sentences whole."""

from typing import Self

from pydantic import Field

from headwater.config import Config


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
