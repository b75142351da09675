"""What a text is generated from, and the text as it grows token by token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, final

from headwater.data.convert import Features
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig

FinishReason = Literal["length", "eos_token", "stop_sequence"]

_HALF = "\ufffd"  # what stands for bytes that are no character yet


class Token(NamedTuple):
    """A token with its log probability, and what it adds to the text."""

    id: int
    text: str
    log_probability: float


@dataclass(frozen=True, slots=True, eq=False)
class GenerationInput:
    """One input, of which texts are generated.

    features: as `generate_batches` takes them.
    length: the tokens of the input, without special ones.
    written: the text of generated ids.
    index: among the inputs that were given together, which seeds draws.
    stop: texts of which each ends a text, and stands in it.
    """

    features: Features
    length: int
    special: DecoderTokens
    config: GenerationConfig
    written: Callable[[Sequence[int]], str]
    index: int = 0
    stop: Sequence[str] = ()


@final
class WrittenText:
    """A text that is being generated.

    Attributes:
        given: the input that it is generated of.
        text: what is written so far.
        tokens: those so far, without one that ends the text.
        log_probability: of the tokens so far, the end included.
        finish_reason: why it has ended; None: it has not.
    """

    def __init__(self, given: GenerationInput) -> None:
        self.given = given
        self.text = ""
        self.tokens: list[Token] = []
        self.log_probability = 0.0
        self.finish_reason: FinishReason | None = None

    def add(self, id: int, log_probability: float, *, end: bool) -> Token:
        """Take a token; return it with what it adds to the text.

        Args:
            end: whether it ends the text, in which it does not stand.
        """
        self.log_probability += log_probability
        ids = [*(each.id for each in self.tokens), *([] if end else [id])]
        if end:
            self.finish_reason = "eos_token"
        elif len(ids) == self.given.config.max_new_tokens:
            self.finish_reason = "length"
        token = Token(id, self._added(self.given.written(ids)), log_probability)
        if not end:
            self.tokens.append(token)
        if any(each and each in self.text for each in self.given.stop):
            self.finish_reason = self.finish_reason if end else "stop_sequence"
        return token

    def _added(self, text: str) -> str:
        """Return what is new in a text: nothing where its end is a part of a character."""
        if text.endswith(_HALF) and self.finish_reason is None:
            return ""
        pairs = enumerate(zip(self.text, text, strict=False))
        shared = min(len(self.text), len(text))
        before = next((place for place, (old, new) in pairs if old != new), shared)
        self.text = text
        return text[before:]
