"""Folders of sentence-transformers: what stands on an encoder to give vectors of texts.

config.json, model.safetensors, ...    the encoder, as everywhere
modules.json                           what stands on it, in order, and in which folders:
1_Pooling/config.json                  how its outputs become one vector
2_Dense/config.json, model.safetensors a dense layer
2_Normalize                            nothing; the vector gets length 1
sentence_bert_config.json              the longest text
config_sentence_transformers.json      prompts

What is written has the names and keys of its version 2, which all later ones read.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from torch import nn

from headwater import tensor_file
from headwater.checkpoints.weights import MANIFEST, SINGLE, read_weights, write_manifest
from headwater.data.json_fields import json_field, json_objects
from headwater.errors import UserError, listed
from headwater.files import read_json, write_json
from headwater.models.embedding import ACTIVATIONS, EmbeddingHead
from headwater.models.embedding_config import POOLINGS, DenseConfig, EmbeddingConfig, Pooling

MODULES = "modules.json"
_PROMPTS = "config_sentence_transformers.json"
_LENGTHS = [f"sentence_{name}_config.json" for name in ("bert", "roberta", "distilbert")]
_TOKENIZER = "tokenizer_config.json"
_LENGTHS_KNOWN = range(8, 10**6)  # a tokenizer that knows none writes a huge one
_SWITCHES: Mapping[str, Pooling] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""How versions before 6 write the pooling, in the order in which vectors stand side by side."""


class _Module(NamedTuple):
    """A module by the name of its class, its folder and the content of its config.json."""

    kind: str
    folder: Path
    config: Mapping[str, Any]

    @property
    def where(self) -> str:
        return str(self.folder / "config.json")


def read_head(folder: Path, width: int) -> EmbeddingHead | None:
    """Return what stands on the encoder of a folder, with its weights; None: no modules.json.

    Args:
        width: of the encoder's outputs.
    """
    if not (folder / MODULES).exists():
        return None
    pooling, *others = _modules(folder)
    config = replace(
        _read_texts(folder),
        pooling=_pooling(pooling),
        pools_prompt=bool(pooling.config.get("include_prompt", True)),
        layers=tuple(_dense(each) if each.kind == "Dense" else "normalize" for each in others),
    )
    head, width = EmbeddingHead(config), width * len(config.pooling)
    for layer, dense, each in zip(head.layers, config.layers, others, strict=True):
        if isinstance(dense, DenseConfig):
            if dense.inputs != width:
                raise UserError(f"{each.where}: in_features is {dense.inputs}, not {width}")
            _fill(cast(nn.Sequential, layer)[0], each.folder)
            width = dense.outputs
    return head.eval()


def write_head(folder: Path, head: EmbeddingHead, width: int) -> None:
    """Write into an encoder's folder what stands on it.

    Args:
        width: of the encoder's outputs.
    """
    config = head.config
    kinds = ["Transformer", "Pooling"]
    kinds += ["Dense" if isinstance(each, DenseConfig) else "Normalize" for each in config.layers]
    paths = ["", *(f"{number}_{kind}" for number, kind in enumerate(kinds[1:], 1))]
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(zip(paths, kinds, strict=True))
    ]
    write_json(folder / MODULES, modules)
    content: dict[str, Any] = {"word_embedding_dimension": width}
    content |= {key: name in config.pooling for key, name in _SWITCHES.items()}
    content["include_prompt"] = config.pools_prompt
    write_json(folder / paths[1] / "config.json", content)
    for path, layer, dense in zip(paths[2:], head.layers, config.layers, strict=True):
        (folder / path).mkdir()
        if isinstance(dense, DenseConfig):
            _write_dense(folder / path, cast(nn.Sequential, layer)[0], dense)
    longest = {"max_seq_length": config.max_length, "do_lower_case": config.lower_case}
    write_json(folder / _LENGTHS[0], longest)
    prompts = {"prompts": dict(config.prompts), "default_prompt_name": config.default_prompt}
    write_json(folder / _PROMPTS, {**prompts, "similarity_fn_name": "cosine"})


def files_of_head(folder: Path) -> list[str]:
    """Return the names of the files in an encoder's folder that tell of its head, if it has one."""
    if not (folder / MODULES).exists():
        return []
    own = [MODULES, _PROMPTS, *_LENGTHS]
    for module in _modules(folder):
        inside = module.folder.relative_to(folder)
        own += [str(inside / name) for name in ("config.json", SINGLE, MANIFEST)]
    return own


def _modules(folder: Path) -> list[_Module]:
    """Return the modules after the encoder, the pooling first."""
    file = folder / MODULES
    found = []
    for each, where in json_objects({"modules": read_json(file)}, "modules", str(file), ": "):
        kind = json_field(each, "type", str, where).rpartition(".")[2]
        path = Path(json_field(each, "path", str, where))
        if path.is_absolute() or ".." in path.parts:
            raise UserError(f"{where}: path {str(path)!r}: a folder in this one was expected")
        own = folder / path
        config = read_json(own / "config.json") if (own / "config.json").is_file() else {}
        if not isinstance(config, dict):
            raise UserError(f"{own / 'config.json'}: a JSON object was expected")
        found.append(_Module(kind, own, config))
    kinds = [each.kind for each in found]
    if kinds[:2] != ["Transformer", "Pooling"] or not {*kinds[2:]} <= {"Dense", "Normalize"}:
        raise UserError(
            f"{file}: Transformer, Pooling, then Dense or Normalize were expected, and these are "
            f"{listed(kinds)}"
        )
    return found[1:]


def _pooling(module: _Module) -> tuple[Pooling, ...]:
    """Return how outputs are pooled: `pooling_mode`, or the switches of earlier versions."""
    given = module.config.get("pooling_mode")
    if given is None:
        found = tuple(each for key, each in _SWITCHES.items() if module.config.get(key))
        return found or ("mean",)
    names = given if isinstance(given, list) else [given]
    unknown = [name for name in names if name not in POOLINGS]
    if unknown or not names:
        raise UserError(f"{module.where}: pooling_mode {given!r:.40}; known are {listed(POOLINGS)}")
    return tuple(names)


def _dense(module: _Module) -> DenseConfig:
    config, where = module.config, module.where
    inputs, outputs = (json_field(config, f"{way}_features", int, where) for way in ("in", "out"))
    activation = str(config.get("activation_function", "Tanh")).rpartition(".")[2]
    if activation not in ACTIVATIONS:
        raise UserError(
            f"{where}: activation_function {activation!r:.40}; known are {listed(ACTIVATIONS)}"
        )
    if config.get("use_residual"):
        raise UserError(f"{where}: use_residual = true is not supported")
    return DenseConfig(inputs, outputs, bool(config.get("bias", True)), activation)


def _fill(dense: nn.Module, folder: Path) -> None:
    """Give a dense layer its weights."""
    tensors = {name.removeprefix("linear."): each for name, each in read_weights(folder).items()}
    wanted = {name: tuple(each.shape) for name, each in dense.state_dict().items()}
    if (shapes := {name: tuple(each.shape) for name, each in tensors.items()}) != wanted:
        raise UserError(f"{folder / SINGLE}: holds {shapes}, its config.json asks for {wanted}")
    dense.load_state_dict({name: each.float() for name, each in tensors.items()}, assign=True)


def _write_dense(folder: Path, layer: nn.Module, config: DenseConfig) -> None:
    tensors = {f"linear.{name}": each for name, each in layer.state_dict().items()}
    tensor_file.write(folder / SINGLE, tensors)
    content = {"in_features": config.inputs, "out_features": config.outputs, "bias": config.bias}
    activation = getattr(nn, config.activation)
    named = f"{activation.__module__}.{activation.__name__}"
    write_json(folder / "config.json", {**content, "activation_function": named})
    write_manifest(folder, [SINGLE, "config.json"])


def _read_texts(folder: Path) -> EmbeddingConfig:
    """Return how texts are prompted, lower-cased and cut."""
    asked, tokenizer = _object(folder / _PROMPTS), _object(folder / _TOKENIZER)
    files = (each for name in _LENGTHS if (each := _object(folder / name)))
    limits = next(files, {})
    longest = limits.get("max_seq_length") or tokenizer.get("model_max_length")
    prompts = asked.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(x, str) for x in prompts.values()):
        raise UserError(f"{folder / _PROMPTS}: prompts: an object of texts was expected")
    default = asked.get("default_prompt_name")
    if default is not None and default not in prompts:
        raise UserError(f"{folder / _PROMPTS}: default_prompt_name {default!r:.40} is no prompt")
    return EmbeddingConfig(
        prompts=prompts,
        default_prompt=default,
        max_length=longest if type(longest) is int and longest in _LENGTHS_KNOWN else None,
        lower_case=bool(limits.get("do_lower_case")),
    )


def _object(file: Path) -> dict[str, Any]:
    """Return the JSON object of a file; empty where there is no file."""
    content = read_json(file) if file.exists() else {}
    if not isinstance(content, dict):
        raise UserError(f"{file}: a JSON object was expected")
    return content
