"""A model that writes as CTranslate2 lays it out, from our own weights.

    spec = build_spec(network, vocabulary)
    spec.optimize("int8")
    spec.save("folder")         # model.bin, config.json and the tokens

T5 as published, and GPT-2, also one that learned to write targets.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headwater.engines.library import imported
from headwater.errors import UserError, with_article
from headwater.models.build import Model
from headwater.models.gpt.config import GPTConfig
from headwater.models.gpt.network import GPT
from headwater.models.t5.config import T5Config
from headwater.models.t5.network import T5
from headwater.models.t5.stack import Stack
from headwater.nn.attention import Attention
from headwater.nn.positions import RelativePositions
from headwater.text.special_tokens import all_tokens, document_end
from headwater.text.vocabulary import Vocabulary

QUANTIZATIONS = ("float32", "int8", "int8_float32", "bfloat16", "int8_bfloat16", "int16")
"""How weights are stored, by CTranslate2's names; half precision (float16) overflows in a T5."""

_ACTIVATIONS = {
    "gelu": "GELU",
    "gelu_new": "GELUTanh",
    "gelu_pytorch_tanh": "GELUTanh",
    "relu": "RELU",
    "silu": "SWISH",
    "swish": "SWISH",
    "tanh": "Tanh",
}
"""The names of `nn.feedforward` and those of CTranslate2."""


def build_spec(network: Model, vocabulary: Vocabulary) -> Any:
    """Return the `ModelSpec` of a network, with its tokens and its special tokens.

    A network that CTranslate2 does not run is a UserError.
    """
    specs = imported("ctranslate2.specs", "ctranslate2")
    tokens = token_names(vocabulary, network.config.vocab_size)
    if isinstance(network, T5) and _is_read(network.config):
        spec = _t5(specs, network)
        spec.register_source_vocabulary(tokens)
        spec.register_target_vocabulary(tokens)
        spec.config.decoder_start_token = tokens[network.start_id]
        spec.config.layer_norm_epsilon = network.config.layer_norm_epsilon
    elif isinstance(network, GPT) and network.config.pre_norm:
        spec = _gpt2(specs, network)
        spec.register_vocabulary(tokens)
        spec.config.layer_norm_epsilon = network.config.layer_norm_epsilon
    else:
        raise UserError(
            f"{with_article(network.config.model_type)} of this kind is not written for "
            "CTranslate2 here: export a T5 of architecture encoder_decoder, or a GPT-2 without a "
            "head; for encoders there is `export onnx`"
        )
    if (end := document_end(vocabulary)) is None:
        raise UserError("no token of this vocabulary ends a text, which CTranslate2 needs")
    for role, id in (("unk", vocabulary.unk_id), ("bos", end), ("eos", end)):
        setattr(spec.config, f"{role}_token", tokens[end if id is None else id])
    spec.validate()
    return spec


def _is_read(config: T5Config) -> bool:
    """Tell whether it is an encoder-decoder whose layers share their positions."""
    return config.architecture == "encoder_decoder" and config.model_type != "umt5"


def token_names(vocabulary: Vocabulary, rows: int) -> list[str]:
    """Return a name of its own for each row of an embedding: the token, where there is one."""
    names = [*all_tokens(vocabulary), *[None] * (rows - vocabulary.size)]
    return [f"<unused_{id}>" if name is None else name for id, name in enumerate(names)]


def _t5(specs: ModuleType, network: T5) -> Any:
    config: T5Config = network.config
    spec = specs.TransformerSpec.from_config(
        (config.num_layers, config.num_decoder_layers),
        config.num_heads,
        activation=_activation(specs, config.activation),
        ffn_glu=config.gated,
        relative_attention_bias=True,
        rms_norm=True,
    )
    spec.encoder.embeddings[0].weight = _copy(network.embedding.weight)
    spec.decoder.embeddings.weight = _copy(network.embedding.weight)
    spec.decoder.projection.weight = _copy((network.output or network.embedding).weight)
    if config.scale_decoder_outputs:
        spec.decoder.scale_outputs = config.d_model**-0.5
    for side, stack in ((spec.encoder, network.encoder), (spec.decoder, network.decoder)):
        side.scale_embeddings = False
        _norm(side.layer_norm, stack.norm)
        _t5_layers(side.layer, stack)
    return spec


def _t5_layers(layers: Sequence[Any], stack: Stack) -> None:
    positions = stack.positions
    assert isinstance(positions, RelativePositions), "umT5's layers have their own"
    for layer, ours in zip(layers, stack.layers, strict=True):
        own = layer.self_attention
        _attention(own, ours.get_submodule("attention.layer"), fused=3)
        _norm(own.layer_norm, ours.get_submodule("attention.norm"))
        own.queries_scale = 1.0
        own.relative_attention_bias = _copy(positions.table.weight)
        own.relative_attention_max_distance = np.int32(positions.max_distance)
        if hasattr(layer, "attention"):
            _attention(layer.attention, ours.get_submodule("cross.layer"), fused=1)
            _norm(layer.attention.layer_norm, ours.get_submodule("cross.norm"))
            layer.attention.queries_scale = 1.0
        inner = ours.get_submodule("feedforward.layer")
        names = {"inner": layer.ffn.linear_0}
        if hasattr(layer.ffn, "linear_0_noact"):
            names = {"gate": layer.ffn.linear_0, "linear": layer.ffn.linear_0_noact}
        for name, linear in names.items():
            _linear(linear, inner.get_submodule(name))
        _linear(layer.ffn.linear_1, inner.get_submodule("outer"))
        _norm(layer.ffn.layer_norm, ours.get_submodule("feedforward.norm"))


def _gpt2(specs: ModuleType, network: GPT) -> Any:
    config: GPTConfig = network.config
    spec = specs.TransformerDecoderModelSpec.from_config(
        config.n_layer, config.n_head, activation=_activation(specs, config.activation)
    )
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = _copy(network.token.weight)
    decoder.projection.weight = _copy(network.token.weight)
    decoder.position_encodings.encodings = _copy(network.position.weight)
    _norm(decoder.layer_norm, network.get_submodule("norm"))
    for layer, ours in zip(decoder.layer, network.layers, strict=True):
        _attention(layer.self_attention, ours.get_submodule("attention.layer"), fused=3)
        _norm(layer.self_attention.layer_norm, ours.get_submodule("attention.norm"))
        _linear(layer.ffn.linear_0, ours.get_submodule("feedforward.layer.inner"))
        _linear(layer.ffn.linear_1, ours.get_submodule("feedforward.layer.outer"))
        _norm(layer.ffn.layer_norm, ours.get_submodule("feedforward.norm"))
    return spec


def _attention(spec: Any, attention: nn.Module, *, fused: int) -> None:
    """Join the first `fused` of query, key and value to one matrix, and the others to the next."""
    assert isinstance(attention, Attention)
    projections = (attention.query, attention.key, attention.value)
    _linear(spec.linear[0], *projections[:fused])
    if fused < len(projections):
        _linear(spec.linear[1], *projections[fused:])
    _linear(spec.linear[-1], attention.output)


def _linear(spec: Any, *modules: nn.Module) -> None:
    """Fill a matrix with those of modules, one below the other."""
    weights, biases = [], []
    for module in modules:
        assert isinstance(module, nn.Linear)
        weights.append(module.weight.detach())
        if module.bias is not None:
            biases.append(module.bias.detach())
    spec.weight = torch.cat(weights)
    if biases:
        spec.bias = torch.cat(biases)


def _norm(spec: Any, norm: nn.Module) -> None:
    spec.gamma = _copy(norm.get_parameter("weight"))
    if hasattr(norm, "bias"):
        spec.beta = _copy(norm.get_parameter("bias"))


def _copy(weight: Tensor) -> Tensor:
    """Return a weight in memory of its own, in which `optimize` computes."""
    return weight.detach().clone()


def _activation(specs: ModuleType, name: str) -> Any:
    return getattr(specs.Activation, _ACTIVATIONS[name])
