"""What a text is generated from, and the text as it grows token by token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final

from headwater.data.convert import Features
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig

FinishReason = Literal["length", "eos_token", "stop_sequence"]

_HALF = "\ufffd"  # what stands for bytes that are no character yet


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A token of a text, with its log probability.

    count: how many tokens the text then has.
    last: whether the text has then ended.
    """

    id: int
    log_probability: float
    count: int
    last: bool
    _of: "WrittenText"

    @property
    def text(self) -> str:
        """What it adds to the text."""
        return self._of.added_by(self)


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
    """A text that is being generated. Tokens become text only once it is asked for.

    Attributes:
        given: the input that it is generated of.
        tokens: those so far, without one that ends the text.
        log_probability: of the tokens so far, the end included.
        finish_reason: why it has ended; None: it has not.
    """

    def __init__(self, given: GenerationInput) -> None:
        self.given = given
        self.tokens: list[Token] = []
        self.log_probability = 0.0
        self.finish_reason: FinishReason | None = None
        self._ids: list[int] = []
        self._text = ""  # up to the tokens in `_later`
        self._later: list[Token] = []
        self._added: dict[Token, str] = {}

    @property
    def text(self) -> str:
        """What is written so far."""
        found = (self._written(token) for token in reversed(self._later))
        return next((text for text in found if text is not None), self._text)

    def add(self, id: int, log_probability: float, *, end: bool) -> Token:
        """Take a token and return it.

        Args:
            end: whether it ends the text, in which it does not stand.
        """
        self.log_probability += log_probability
        if end:
            self.finish_reason = "eos_token"
        else:
            self._ids.append(id)
            if len(self._ids) == self.given.config.max_new_tokens:
                self.finish_reason = "length"
        last = self.finish_reason is not None
        token = Token(id, log_probability, len(self._ids), last, self)
        self._later.append(token)
        if not end:
            self.tokens.append(token)
        if self._stops():
            self.finish_reason = self.finish_reason if end else "stop_sequence"
        return token

    def added_by(self, token: Token) -> str:
        """Return what a token adds to the text: nothing where its end is a part of a character."""
        self._read()
        return self._added[token]

    def _stops(self) -> bool:
        stop = [each for each in self.given.stop if each]
        if stop:
            self._read()
        return any(each in self._text for each in stop)

    def _read(self) -> None:
        """Note what each token adds that came since the last time."""
        for token in self._later:
            text = self._written(token)
            self._added[token] = "" if text is None else text[_shared(self._text, text) :]
            self._text = self._text if text is None else text
        self._later = []

    def _written(self, token: Token) -> str | None:
        """Return the text up to a token; None: its end is a part of a character."""
        text = self.given.written(self._ids[: token.count])
        return None if text.endswith(_HALF) and not token.last else text


def _shared(one: str, other: str) -> int:
    """Return with how many characters both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((count for count, (a, b) in pairs if a != b), min(len(one), len(other)))
