"""The families of models: the one table. Free of torch.

family_of(config).kind        what a model of that config does
sizes_of(config).hidden_size  how wide its outputs are, whatever its family calls it
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from headwater.errors import UserError, did_you_mean
from headwater.models.bert.family import BERT
from headwater.models.cbow.family import CBOW
from headwater.models.config import BodySizes, C, ModelConfig
from headwater.models.elmo.family import ELMO
from headwater.models.family import CheckpointFormat, Family
from headwater.models.gpt.family import GPT
from headwater.models.key_table import KeyTable
from headwater.models.t5.family import T5

FAMILIES: Mapping[str, Family[Any]] = MappingProxyType(
    {family.name: family for family in (BERT, CBOW, ELMO, GPT, T5)}
)

AnyFamily = Family[ModelConfig]

BY_MODEL_TYPE: Mapping[str, Family[Any]] = MappingProxyType(
    {name: family for family in FAMILIES.values() for name in family.formats}
)
"""By `model_type` of config.json."""

PRESETS: Mapping[str, ModelConfig] = MappingProxyType(
    {name: config for family in FAMILIES.values() for name, config in family.presets.items()}
)


def preset(name: str) -> ModelConfig:
    """Return the published sizes of that name."""
    if name in PRESETS:
        return PRESETS[name]
    raise UserError(f"{name}: no such preset; {did_you_mean(name, PRESETS)}")


def family_of(config: C) -> Family[C]:
    """Return the family of a config: a RoBERTa and a DistilBERT are BERTs."""
    return BY_MODEL_TYPE[config.model_type]


def sizes_of(config: ModelConfig) -> BodySizes:
    """Return what the library asks of a body of that config."""
    return family_of(config).sizes(config)


def format_of(config: C) -> CheckpointFormat[C]:
    """Return how a model of that config stands on disk."""
    return family_of(config).format(config)


def keys_of(config: ModelConfig) -> KeyTable:
    """Return the names of the tensors of a model of that config."""
    return format_of(config).keys
