"""The families of models: the one table. Free of torch.

family_of(config).kind        what a model of that config does
sizes_of(config).hidden_size  how wide its outputs are, whatever its family calls it
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, cast, final

from headwater.errors import UserError, did_you_mean
from headwater.models.config import BodySizes, C, ModelConfig
from headwater.models.family import CheckpointFormat, Family, Kind
from headwater.models.key_table import KeyTable

MODEL_TYPES: Mapping[str, tuple[str, ...]] = {
    "bert": ("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "headwater-bert"),
    "albert": ("albert",),
    "bart": ("bart",),
    "cbow": ("cbow",),
    "deberta": ("deberta-v2",),
    "electra": ("electra",),
    "elmo": ("elmo",),
    "encoder_decoder": ("encoder-decoder",),
    "gpt": ("gpt2", "openai-gpt"),
    "modernbert": ("modernbert",),
    "mpnet": ("mpnet",),
    "t5": ("t5", "mt5", "umt5", "headwater-t5"),
}
"""By family, whose record stands in models/NAME/family.py: the `model_type`s of config.json. The
first that learns an objective stands for all where the family makes no difference."""

AnyFamily = Family[ModelConfig]


@final
class _Records(Mapping[str, Family[Any]]):
    """Records of families, each imported on its first use: no run pays for the others."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def __getitem__(self, key: str) -> Family[Any]:
        name = self._names[key]
        module = import_module(f"headwater.models.{name}.family")
        return cast(Family[Any], getattr(module, name.upper()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


FAMILIES = _Records({name: name for name in MODEL_TYPES})

BY_MODEL_TYPE = _Records({each: name for name, types in MODEL_TYPES.items() for each in types})
"""By `model_type` of config.json."""


@cache
def presets() -> Mapping[str, ModelConfig]:
    """Return the published sizes of all families by name."""
    return {name: each for family in FAMILIES.values() for name, each in family.presets.items()}


def preset(name: str) -> ModelConfig:
    """Return the published sizes of that name."""
    if name in presets():
        return presets()[name]
    raise UserError(f"{name}: no such preset; {did_you_mean(name, presets())}")


def family_of(config: C) -> Family[C]:
    """Return the family of a config: a RoBERTa and a DistilBERT are BERTs."""
    return BY_MODEL_TYPE[config.model_type]


def kind_of(config: ModelConfig) -> Kind:
    """Return what a model of that config does: a GPT with a start for targets writes them."""
    family = family_of(config)
    return family.kind if family.sizes(config).decoder_start_id is None else "text_to_text"


def sizes_of(config: ModelConfig) -> BodySizes:
    """Return what the library asks of a body of that config."""
    return family_of(config).sizes(config)


def format_of(config: C) -> CheckpointFormat[C]:
    """Return how a model of that config stands on disk."""
    return family_of(config).format(config)


def keys_of(config: ModelConfig) -> KeyTable:
    """Return the names of the tensors of a model of that config."""
    return format_of(config).keys
