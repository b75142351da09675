"""The sizes that a recipe gives to a network of random weights, over those of its preset."""

from dataclasses import fields, replace
from typing import Any

from headwater.checkpoints.description import check_number, names_activation
from headwater.errors import UserError, did_you_mean
from headwater.models.config import ModelConfig
from headwater.models.families import family_of, preset
from headwater.nn.feedforward import ACTIVATIONS
from headwater.runs.recipe import NetworkConfig
from headwater.text.vocabulary import Vocabulary


def sized(network: NetworkConfig, vocabulary: Vocabulary | None = None) -> ModelConfig:
    """Lay the vocabulary's ids and the recipe's sizes over a preset.

    Args:
        vocabulary: None where the sizes alone are checked.
    """
    config = preset(network.preset)
    names = [field.name for field in fields(config) if field.name != "model_type"]
    for name, value in network.sizes.items():
        if name not in names:
            hint = did_you_mean(name, names)
            raise UserError(f"network.sizes: {network.preset} has no size {name!r}; {hint}")
        _check_size(name, value, config)
    ids = {} if vocabulary is None else _ids(vocabulary)
    sizes: dict[str, Any] = {name: id for name, id in ids.items() if name in names}
    return replace(config, **family_of(config).complete_sizes(sizes | network.sizes))


def _ids(vocabulary: Vocabulary) -> dict[str, int]:
    pad, eos = vocabulary.pad_id, vocabulary.eos_id
    special_tokens = {
        "pad_token_id": pad,
        "bos_token_id": eos,  # a GPT-2 begins a text with what ends the one before
        "eos_token_id": eos,
        "decoder_start_token_id": pad,
    }
    found = {name: id for name, id in special_tokens.items() if id is not None}
    return {"vocab_size": vocabulary.size} | found


def _check_size(name: str, value: Any, config: ModelConfig) -> None:
    """Refuse a value that no network can be built with; `config` is the preset's."""
    example = getattr(config, name)
    where = f"network.sizes.{name} = {value!r}"
    if isinstance(example, tuple):
        return  # the config checks what is in it
    if type(value) is not type(example) and not (type(value) is int and type(example) is float):
        raise UserError(f"{where}: expected one like {example!r}")
    if type(value) in (int, float):
        check_number(name, float(value) if type(example) is float else value, where)
    named = isinstance(value, str) and names_activation(config, name)
    if named and value.removeprefix("gated-") not in ACTIVATIONS:
        raise UserError(f"{where}: there are {', '.join(ACTIVATIONS)}")
