"""A text one token after another, as it is generated.

stream = load("gpt2").stream("The spring")
for token in stream:
    token.text                     # what it adds to the text: " flows"
stream.text, stream.finish_reason  # " flows again", "length"
"""

from collections.abc import Iterator
from typing import final

import torch

from headwater.engines.ctranslate2_network import EngineNetwork
from headwater.errors import UserError
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.running_batch import RunningBatch
from headwater.inference.written_text import FinishReason, GenerationInput, Token, WrittenText
from headwater.models.body import GeneratingBody


def check_one_text(network: GeneratingBody, config: GenerationConfig) -> None:
    """Refuse what is no one text that grows token by token."""
    if config.num_beams > 1 or config.num_return_sequences > 1:
        raise UserError("token by token there is one text, without beam search: num_beams = 1")
    if isinstance(network, EngineNetwork):
        raise UserError("CTranslate2 writes whole texts; use the model that it was made of")


@final
class TokenStream(Iterator[Token]):
    """Generates one token each time it is asked. Its calls come from one thread at a time.

    Args:
        precision: of the matrix products; None: see `running.running`.
    """

    def __init__(
        self,
        network: GeneratingBody,
        given: GenerationInput,
        precision: torch.dtype | None = None,
    ) -> None:
        check_one_text(network, given.config)
        self._batch, self._given = RunningBatch(network, precision), given
        self._text: WrittenText | None = None

    @property
    def text(self) -> str:
        """What is written so far."""
        return "" if self._text is None else self._text.text

    @property
    def log_probability(self) -> float:
        """That of the tokens so far, the end included."""
        return 0.0 if self._text is None else self._text.log_probability

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why it has ended; None: it has not."""
        return None if self._text is None else self._text.finish_reason

    def __iter__(self) -> Iterator[Token]:
        return self

    def __next__(self) -> Token:
        if self._text is None:
            [self._text] = self._batch.join(self._given)
        if not len(self._batch):
            raise StopIteration
        [(_, token)] = self._batch.step()
        if self.finish_reason == "eos_token":
            raise StopIteration
        return token
