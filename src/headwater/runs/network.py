"""A network with random weights: a preset's sizes, changed where the recipe says so."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from headwater.checkpoints.description import check_number, names_activation
from headwater.checkpoints.folder import know_words
from headwater.errors import UserError, did_you_mean
from headwater.models.build import Model
from headwater.models.config import ModelConfig
from headwater.models.families import preset
from headwater.models.head_names import HeadName
from headwater.models.memory import check_memory
from headwater.nn.feedforward import ACTIVATIONS
from headwater.runs.recipe import NetworkConfig
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary


def random_network(
    network: NetworkConfig,
    head: HeadName | None,
    vocabulary: Vocabulary | None,
    build: Callable[[ModelConfig], Model],
) -> tuple[Model, Vocabulary]:
    """Build a network of the preset's sizes, and return it with its vocabulary."""
    if network.vocabulary is not None:
        vocabulary = load_vocabulary(Path(network.vocabulary).expanduser())
    if vocabulary is None:
        raise UserError("missing key 'network.vocabulary': a folder or file with a vocabulary")
    config = _sized(preset(network.preset), network, vocabulary)
    check_memory(config, head)
    model = build(config)
    know_words(model, vocabulary)
    return model, vocabulary


def _sized(config: ModelConfig, network: NetworkConfig, vocabulary: Vocabulary) -> ModelConfig:
    """Lay the vocabulary's ids and the recipe's sizes over a preset."""
    names = [field.name for field in fields(config) if field.name != "model_type"]
    known = {name: getattr(config, name) for name in names}
    for name, value in network.sizes.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise UserError(f"network.sizes: {network.preset} has no size {name!r}; {hint}")
        _check_size(name, value, config)
    pad, eos = vocabulary.pad_id, vocabulary.eos_id
    special_tokens = {
        "pad_token_id": pad,
        "bos_token_id": eos,  # a GPT-2 begins a text with what ends the one before
        "eos_token_id": eos,
        "decoder_start_token_id": pad,
    }
    ids = {name: id for name, id in special_tokens.items() if name in known and id is not None}
    sizes: dict[str, Any] = {"vocab_size": vocabulary.size} | ids | network.sizes
    return replace(config, **_one_stack(sizes))


def _one_stack(sizes: dict[str, Any]) -> dict[str, Any]:
    """Give a T5 whose two sides must be equally deep its `num_layers` on both, unless said."""
    one = sizes.get("architecture", "encoder_decoder") != "encoder_decoder"
    depth = {"num_decoder_layers": sizes["num_layers"]} if one and "num_layers" in sizes else {}
    return depth | sizes


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
