"""The settings of a small model on the outputs of a frozen body. Free of torch."""

from typing import Literal

from pydantic import Field

from headwater.config import Config

Layers = Literal["last", "last_four", "mix"] | int


class FeaturesConfig(Config):
    """`[features]`: what is taken from the frozen body, and the small model that reads it.

    layers: the outputs of the body's `last` layer, of the `last_four` side by side, a learned
        `mix` of all, or of one by its number (0: the embeddings).
    lstm: the width of each direction of a BiLSTM over them; 0: none.
    dropout: of the features.
    stored_as: how they are kept on disk; float16 takes half the room and rounds them.
    """

    layers: Layers = "last"
    lstm: int = Field(default=128, ge=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    stored_as: Literal["float32", "float16"] = "float32"
