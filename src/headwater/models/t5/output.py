"""The output layer of every architecture of T5: tied to the embedding, or one of its own."""

from dataclasses import replace

from torch import Tensor, nn

from headwater.models.t5.config import T5Config
from headwater.models.text_to_text import TextToText
from headwater.nn.output import OutputLayer, copied_output


class T5Body(TextToText):
    """The scores of targets, from the states of an architecture.

    Attributes:
        embedding: the table of the inputs, to which scores are tied where `output` is None.
        output: see `output_layer`.
    """

    config: T5Config
    embedding: nn.Embedding
    output: nn.Linear | None

    def __init__(self) -> None:
        super().__init__()
        self.scoring = OutputLayer()

    def scores(self, states: Tensor) -> Tensor:
        if self.config.scale_decoder_outputs:
            states = states * self.config.d_model**-0.5
        scores: Tensor = self.scoring(states, (self.output or self.embedding).weight)
        return scores

    def untied_output(self) -> nn.Linear:
        """Return the output layer; where scores are tied, it becomes a copy of the embedding."""
        if self.output is None:
            config = self.config
            scale = config.d_model**-0.5 if config.scale_decoder_outputs else 1.0
            self.output = copied_output(self.embedding.weight, scale)
            self.config = replace(config, tie_word_embeddings=False, scale_decoder_outputs=False)
        return self.output


def output_layer(config: T5Config) -> nn.Linear | None:
    """Build the output layer; None where scores are tied to the embedding."""
    if config.tie_word_embeddings:
        return None
    return nn.Linear(config.d_model, config.vocab_size, bias=False)
