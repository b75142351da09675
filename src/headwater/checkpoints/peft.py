"""The adapter_config.json that the `peft` package opens, as its release 0.21 writes it.

peft finds the modules to adapt by the ends of their names. Where a short end would also name others
(`dense` is in every part of a BERT), whole names are written.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from headwater.checkpoints.adapter_config import Adapted
from headwater.checkpoints.configs import family_name
from headwater.checkpoints.hub import BUNDLED
from headwater.checkpoints.huggingface import FAMILIES, their_name
from headwater.methods.freezing import layer_linears
from headwater.methods.lora import LowRankLinear
from headwater.models.bert.config import BertConfig
from headwater.models.build import Model, config_of, head_name
from headwater.models.multi_task import MultiTask

PREFIX = "base_model.model."
"""Before the name of each tensor in the file."""

_TASK_TYPES = {
    "sequence": "SEQ_CLS",
    "regression": "SEQ_CLS",
    "token": "TOKEN_CLS",
    "span": "QUESTION_ANS",
}


def adapter_config(model: Model, adapted: Adapted) -> dict[str, Any] | None:
    """Return the content of adapter_config.json; None where no published class is such a model."""
    config, head = config_of(model), head_name(model)
    name, settings = family_name(config), adapted.config.lora
    encoder = isinstance(config, BertConfig)
    if isinstance(model, MultiTask) or name.startswith("headwater-"):
        return None
    if encoder and head not in _TASK_TYPES:
        return None
    family, base = FAMILIES[name], adapted.base
    # Of a head of several layers, as RoBERTa's, peft wants the whole; the pooler is the body's.
    modules = family.heads[head].modules.values() if encoder else ()
    whole = (n if n.startswith(family.prefix) else n.partition(".")[0] for n in modules)
    heads = list(dict.fromkeys(whole))
    return {
        "peft_type": "LORA",
        "task_type": _TASK_TYPES[head] if encoder and head else "SEQ_2_SEQ_LM",
        "base_model_name_or_path": str(BUNDLED.get(base.path, Path(base.path))),
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
    beside = [name for name, each in model.named_modules() if isinstance(each, LowRankLinear)]
    within = tuple(f"{name}." for name in beside)
    plain = [name for name in layer_linears(model) if not name.startswith(within)]
    adapted, others = ({_module(name, model) for name in names} for names in (beside, plain))
    short = {name.rpartition(".")[2] for name in adapted}
    named = (name.endswith(f".{each}") for name in (*others, *heads) for each in short)
    return sorted(adapted if any(named) else short)


def _module(name: str, model: Model) -> str:
    family = FAMILIES[family_name(config_of(model))]
    return their_name(f"{name}.weight", family, head_name(model)).removesuffix(".weight")
