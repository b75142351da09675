"""The record of GPT and GPT-2. Free of torch."""

from typing import TYPE_CHECKING, Any

from headwater.models.config import BodySizes, same_names
from headwater.models.family import CheckpointFormat, Family, Json, QuickStudy
from headwater.models.gpt import keys
from headwater.models.gpt.config import PRESETS, GPTConfig
from headwater.models.head_names import HeadName

if TYPE_CHECKING:
    from torch import nn

    from headwater.models.body import Body

_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")


def _read(values: dict[str, Any], json: Json, default: GPTConfig) -> dict[str, Any]:
    """Of an id, null says that there is none."""
    return values | {name: None for name in _IDS if json.get(name, 0) is None}


def _write(config: GPTConfig, head: HeadName | None) -> dict[str, Any]:
    """As null, `n_inner` is four times the hidden size."""
    return {"n_inner": config.n_inner or None} if config.model_type == "gpt2" else {}


def _sizes(config: GPTConfig) -> BodySizes:
    return BodySizes(
        hidden_size=config.n_embd,
        layers=config.n_layer,
        longest_input=config.n_positions,
        first_position=0,
    )


def _build_body(config: GPTConfig, bare: bool) -> "Body":
    from headwater.models.gpt.network import GPT

    return GPT(config)


def _initialize(module: "nn.Module", config: GPTConfig) -> None:
    from headwater.models.gpt.network import initialize

    initialize(module, config)


GPT = Family(
    name="gpt",
    title="GPT",
    kind="causal_lm",
    presets=PRESETS,
    formats={
        "gpt2": CheckpointFormat(keys.GPT2, same_names(GPTConfig), GPTConfig(), "gpt2"),
        "openai-gpt": CheckpointFormat(
            keys.GPT,
            same_names(GPTConfig, "n_inner") | {"activation_function": "afn"},
            PRESETS["gpt"],
            "gpt",
        ),
    },
    sizes=_sizes,
    summary=lambda config: (
        f"{config.n_layer} layers, {config.n_embd} wide, {config.n_head} heads, decoder"
    ),
    build_body=_build_body,
    initialize=_initialize,
    training={"optimizer": "adamw", "schedule": "cosine", "warmup": 0.1},
    objectives=("lm", "prefix_lm"),
    quick=QuickStudy(
        preset="gpt2",
        sizes={
            "n_embd": 64,
            "n_layer": 2,
            "n_head": 2,
            "n_positions": 64,
            "initializer_range": 0.05,
            "embd_pdrop": 0.0,
            "attn_pdrop": 0.0,
            "resid_pdrop": 0.0,
        },
        objective={"objective": "lm", "lm": {"length": 32}},
        learning_rate=2e-3,
    ),
    read=_read,
    write=_write,
)
