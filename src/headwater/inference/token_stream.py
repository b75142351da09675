"""A text one token after another, as it is generated.

stream = load("gpt2").stream("The spring")
for token in stream:
    token.text                     # what it adds to the text: " flows"
stream.text, stream.finish_reason  # " flows again", "length"
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, final

import torch

from headwater.data.batching import collate
from headwater.data.convert import Features
from headwater.engines.ctranslate2_network import EngineNetwork
from headwater.errors import UserError
from headwater.inference.decoding import Steps, one_sequence
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.running import device_of, running
from headwater.models.body import GeneratingBody
from headwater.text.vocabulary import Vocabulary

FinishReason = Literal["length", "eos_token"]

_HALF = "\ufffd"  # what stands for bytes that are no character yet


class Token(NamedTuple):
    """A token with its log probability, and what it adds to the text."""

    id: int
    text: str
    log_probability: float


@final
class TokenStream(Iterator[Token]):
    """Generates one token each time it is asked. Its calls come from one thread at a time.

    Attributes:
        text: what is written so far.
        log_probability: of the tokens so far, the end included.
        finish_reason: why it has ended; None: it has not.

    Args:
        features: the input, as `generate_batches` takes it.
        written: the text of ids.
        precision: of the matrix products; None: see `running.running`.
    """

    def __init__(
        self,
        network: GeneratingBody,
        vocabulary: Vocabulary,
        features: Features,
        special: DecoderTokens,
        config: GenerationConfig,
        written: Callable[[Sequence[int]], str],
        precision: torch.dtype | None = None,
    ) -> None:
        if config.num_beams > 1 or config.num_return_sequences > 1:
            raise UserError("token by token there is one text, without beam search: num_beams = 1")
        if isinstance(network, EngineNetwork):
            raise UserError("CTranslate2 writes whole texts; use the model that it was made of")
        self._network, self._vocabulary, self._features = network, vocabulary, features
        self._special, self._config, self._written = special, config, written
        self._precision = precision
        self._steps: Steps | None = None
        self._ids: list[int] = []
        self.text = ""
        self.log_probability = 0.0
        self.finish_reason: FinishReason | None = None

    def __iter__(self) -> Iterator[Token]:
        return self

    def __next__(self) -> Token:
        if self.finish_reason is not None:
            raise StopIteration
        with running(self._network, self._precision) as network:
            if self._steps is None:
                pad, device = self._special.start_id, device_of(self._network)
                batch = collate([self._features], pad, device)
                self._steps = one_sequence(network, batch, self._special, self._config)
            chance = float(self._steps.take(network)[0])
        self.log_probability += chance
        if not len(self._steps.alive):
            self.finish_reason = "eos_token"
            raise StopIteration
        if self._steps.ended:
            self.finish_reason = "length"
        id = int(self._steps.last[0, 0])
        self._ids.append(id)
        return Token(id, self._added(), chance)

    def _added(self) -> str:
        """Return what the last token adds: nothing where it is a part of a character."""
        text = self._written(self._ids)
        if text.endswith(_HALF) and self.finish_reason is None:
            return ""
        pairs = enumerate(zip(self.text, text, strict=False))
        shared = min(len(self.text), len(text))
        before = next((place for place, (old, new) in pairs if old != new), shared)
        self.text = text
        return text[before:]
