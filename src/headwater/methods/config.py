"""The settings of the ways to adapt a model, each a table of a recipe. Imports no torch."""

from typing import Literal, Self

import tomli_w
from pydantic import Field, PositiveInt, model_validator

from headwater.config import Config
from headwater.models.features_config import FeaturesConfig

MethodName = Literal["all", "head_only", "features", "adapters", "gradual_unfreezing", "lora"]

Target = Literal["query", "key", "value", "output", "inner", "gate", "linear", "outer"]
"""The linear layers of a block: those of its attentions, then those of its feed-forward."""


class AdaptersConfig(Config):
    """`[adapters]`.

    size: the inner width (`d` in the T5 paper).
    after_attention: also after each attention, as Houlsby et al. have it.
    """

    size: PositiveInt = 64
    after_attention: bool = False


class LoraConfig(Config):
    """`[lora]`: rank, the scale alpha / rank, the share of its inputs dropped out, and where."""

    rank: PositiveInt = 8
    alpha: float = Field(default=16.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: list[Target] = Field(default=["query", "value"], min_length=1)


class UnfreezingConfig(Config):
    """`[gradual_unfreezing]`: a layer more every so many steps; left out: evenly over the run."""

    every: PositiveInt | None = None


_TABLES = {"adapters", "lora", "gradual_unfreezing", "features"}


class MethodConfig(Config):
    """`method` of a recipe, with the tables of those methods that have settings."""

    method: MethodName = "all"
    adapters: AdaptersConfig = AdaptersConfig()
    lora: LoraConfig = LoraConfig()
    gradual_unfreezing: UnfreezingConfig = UnfreezingConfig()
    features: FeaturesConfig = FeaturesConfig()

    @model_validator(mode="after")
    def _own_table(self) -> Self:
        for name in _TABLES & self.model_fields_set:
            if name != self.method:
                raise ValueError(f"[{name}] is for method = {name!r}; this is {self.method!r}")
        return self

    def to_toml(self) -> str:
        """Return the resolved values as TOML, without the tables of other methods."""
        others = _TABLES - {self.method}
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True, exclude=others))
