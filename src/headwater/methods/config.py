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
    """Bottlenecks inside of each layer (Houlsby et al. 2019).

    size: the inner width (`d` in the T5 paper).
    after_attention: also after each attention, as Houlsby et al. have it.
    """

    size: PositiveInt = 64
    after_attention: bool = False


class LoraConfig(Config):
    """Updates of low rank beside the matrices (Hu et al. 2022).

    rank: the rank of the update of a matrix.
    alpha: the update is scaled by alpha / rank.
    dropout: dropout of the update's input.
    targets: which matrices get an update: of attention `query`, `key`, `value`, `output`, of the
        feed-forward `inner`, `gate`, `linear`, `outer`.
    """

    rank: PositiveInt = 8
    alpha: float = Field(default=16.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: list[Target] = Field(default=["query", "value"], min_length=1)


class UnfreezingConfig(Config):
    """Layers train one after another, from the last on (Howard and Ruder 2018).

    every: steps until one more layer trains; left out: evenly over the run.
    """

    every: PositiveInt | None = None


_TABLES = {"adapters", "lora", "gradual_unfreezing", "features"}


class MethodConfig(Config):
    """`method` of a recipe, with the tables of those methods that have settings.

    method: which parameters train (docs/methods.md).
    """

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
