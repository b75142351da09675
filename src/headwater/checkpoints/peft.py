"""What was trained, as the `peft` package opens it: tensor names and the adapter_config.json of
release 0.21.

In the file a tensor has the name of the published module that it belongs to:

    body.layers.0.attention.layer.query.lora_A.weight                           ours
    base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight    in the file

peft finds the modules to adapt by the ends of their names. Where a short end would also name others
(`dense` is in every part of a BERT), whole names are written.
"""

import re
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from headwater.checkpoints.parts import Adaptation
from headwater.checkpoints.peft_folder import PREFIX
from headwater.methods.lora import LowRankLinear
from headwater.methods.method import head_of, layer_linears
from headwater.models.build import Model
from headwater.models.families import family_of, keys_of
from headwater.models.multi_task import MultiTask

_ADDED = re.compile(r"\.(lora_A|lora_B|adapter)\.")
_TASK_TYPES = {
    "sequence": "SEQ_CLS",
    "multi_label": "SEQ_CLS",
    "regression": "SEQ_CLS",
    "token": "TOKEN_CLS",
    "span": "QUESTION_ANS",
}


def trained_tensors(model: Model) -> dict[str, Tensor]:
    """Return the trained parameters by their names in the file."""
    return {theirs: model.get_parameter(ours) for ours, theirs in trained_names(model).items()}


def trained_names(model: Model) -> dict[str, str]:
    """Return the names of the trained parameters: ours -> that in the file."""
    names = (name for name, each in model.named_parameters() if each.requires_grad)
    return {name: f"{PREFIX}{_published(name, model)}" for name in names}


def _published(name: str, model: Model) -> str:
    """Return a parameter's published name; what was added is named within its module."""
    added = _ADDED.search(name)
    if added is not None:
        return _module(name[: added.start()], model) + name[added.start() :]
    keys = keys_of(model.config)
    if not isinstance(model, MultiTask):
        return keys.name_in_file(name, model.head_name)
    if name.startswith("heads."):
        return name
    return f"body.{keys.name_in_file(name.removeprefix('body.'), None)}"


def _module(name: str, model: Model) -> str:
    """Return a module's published name."""
    return _published(f"{name}.weight", model).removesuffix(".weight")


def adapter_config(model: Model, adaptation: Adaptation) -> dict[str, Any] | None:
    """Return the content of adapter_config.json; None where peft knows no such method or model."""
    if adaptation.config.method != "lora" or isinstance(model, MultiTask):
        return None
    family, head, settings = family_of(model.config), model.head_name, adaptation.config.lora
    encoder = family.kind == "encoder"
    ours = family.model_type(model.config).startswith("headwater-")
    decoder = not encoder and head_of(model) is not None  # its base is an encoder alone
    fused = bool(keys_of(model.config).fused)  # one module of the published code is three of ours
    if ours or decoder or fused or (encoder and head not in _TASK_TYPES):
        return None
    keys, base = keys_of(model.config), adaptation.base
    # Of a head of several layers, as RoBERTa's, peft wants the whole; the pooler is the body's.
    modules = keys.heads[head].modules.values() if encoder else ()
    whole = (n if n.startswith(keys.prefix) else n.partition(".")[0] for n in modules)
    heads = list(dict.fromkeys(whole))
    return {
        "peft_type": "LORA",
        "task_type": _TASK_TYPES[head] if encoder and head else "SEQ_2_SEQ_LM",
        "base_model_name_or_path": base.path,
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "target_modules": _targets(model, heads),
        "modules_to_save": heads or None,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }


def _targets(model: Model, heads: Iterable[str]) -> list[str]:
    """Return the last names of the adapted modules, or their whole names; see above."""
    adapted_names = [
        name for name, each in model.named_modules() if isinstance(each, LowRankLinear)
    ]
    within = tuple(f"{name}." for name in adapted_names)
    plain = [name for name in layer_linears(model) if not name.startswith(within)]
    adapted, others = ({_module(name, model) for name in names} for names in (adapted_names, plain))
    short = {name.rpartition(".")[2] for name in adapted}
    named = (name.endswith(f".{each}") for name in (*others, *heads) for each in short)
    return sorted(adapted if any(named) else short)
