"""The settings of writing text token by token. Free of torch."""

from typing import Literal, Self

from pydantic import Field, model_validator

from headwater.config import Config


class DecodingConfig(Config):
    """How the next token is chosen. The defaults are greedy: always the likeliest.

    max_length: the most tokens written, the end token included.
    beams: how many partial texts beam search keeps; 1 is greedy.
    length_penalty: p in `log probability / length ** p`, by which finished texts are compared
        (the form of `transformers`; T5's paper used that of GNMT instead, with alpha 0.6).
    early_stopping: when a search may end. True: as soon as `beams` texts are finished. False: when
        the best unfinished one, ended now, would not be better. "never": when none could become
        better at any length.
    sample: draw the next token instead.
    temperature: divides the scores before drawing; below 1 is more sober.
    top_k: draw among the k likeliest tokens only (Fan et al. 2018).
    top_p: draw among the fewest likeliest tokens with that much probability together (Holtzman et
        al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1).
    seed: with it the drawn text follows from the place of the input in the list alone.
    """

    max_length: int = Field(default=64, ge=1)
    beams: int = Field(default=1, ge=1)
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False
    sample: bool = False
    temperature: float = Field(default=1.0, gt=0)
    top_k: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.sample and self.beams > 1:
            raise ValueError("sample and beams exclude each other; leave one of them out")
        drawing = self.temperature != 1 or self.top_k is not None or self.top_p is not None
        if drawing and not self.sample:
            raise ValueError("temperature, top_k and top_p are for drawing; add sample = true")
        return self
