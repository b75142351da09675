"""With which tokens a text is generated, and what comes of it. Free of torch."""

from typing import NamedTuple, Self

from headwater.inference.generation_config import GenerationConfig


class DecoderTokens(NamedTuple):
    """The special tokens with which a generated text begins, and those of which any ends it."""

    start_id: int
    eos_ids: tuple[int, ...]

    def changed(self, config: GenerationConfig) -> Self:
        """Return those that a config names in place of these."""
        start, ends = config.decoder_start_token_id, config.eos_token_id
        return self._replace(
            start_id=self.start_id if start is None else start,
            eos_ids=self.eos_ids if ends is None else tuple(ends),
        )


class Generated(NamedTuple):
    """Token ids, without those that begin and end the text, and their log probability.

    The probability is that of the model, whatever way the tokens were chosen.
    """

    ids: list[int]
    log_probability: float
