"""What decoding begins with, and what it returns."""

from typing import NamedTuple


class DecoderTokens(NamedTuple):
    """The special tokens with which a generated text begins and ends."""

    start_id: int
    eos_id: int


class Generated(NamedTuple):
    """Token ids, without those that begin and end the text, and their log probability.

    The probability is that of the model, whatever way the tokens were chosen.
    """

    ids: list[int]
    log_probability: float
