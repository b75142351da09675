"""The settings of a small model on the outputs of a frozen body. Free of torch."""

from typing import Annotated, Any, Literal, get_args

import pydantic

from headwater.config import Config

Layers = Literal["last", "last_four", "mix"] | int


def _known(layers: Any) -> Any:
    if type(layers) is not int and layers not in get_args(get_args(Layers)[0]):
        raise ValueError("expected last, last_four, mix or the number of a layer")
    return layers


class FeaturesConfig(Config):
    """What is taken from the frozen body, and the small model that reads it.

    layers: the outputs of the body's `last` layer, of the `last_four` side by side, a learned
        `mix` of all, or of one by its number (0: the embeddings).
    lstm: the width of each direction of a BiLSTM over them; 0: none.
    dropout: dropout of the features.
    stored_as: how they are kept on disk; float16 takes half the room and rounds them.
    """

    layers: Annotated[Layers, pydantic.BeforeValidator(_known)] = "last"
    lstm: int = pydantic.Field(default=128, ge=0, le=65536)
    dropout: float = pydantic.Field(default=0.1, ge=0, lt=1)
    stored_as: Literal["float32", "float16"] = "float32"
