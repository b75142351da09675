"""The record of GPT and GPT-2. Free of torch."""

from dataclasses import replace
from typing import Any

from headwater.errors import UserError
from headwater.models.config import BodySizes, HeadName, same_names
from headwater.models.family import CheckpointFormat, Family, Json, QuickStudy
from headwater.models.gpt.config import PRESETS, GPTConfig
from headwater.models.key_table import HeadKeys, KeyTable, Modules


def _heads(published: str) -> dict[HeadName | None, HeadKeys]:
    """Return the heads; of the first GPT no class for spans or tokens is published."""
    names: tuple[HeadName, ...] = ("sequence", "multi_label", "regression")
    score = HeadKeys(f"{published}ForSequenceClassification", {"head.dense": "score"})
    return {
        **dict.fromkeys(names, score),
        "span": HeadKeys(f"{published}ForQuestionAnswering", {"head.dense": "qa_outputs"}),
        "token": HeadKeys(f"{published}ForTokenClassification", {"head.dense": "classifier"}),
    }


def _keys(embeddings: Modules, published: str) -> KeyTable:
    """Return the table of GPT or GPT-2, which differ only outside the layers.

    Args:
        published: begins the names of the published classes.
    """
    layer = "transformer.h.{n}"
    parts = ("query", "key", "value")
    table = {
        "attention.norm": "ln_1",
        **{f"attention.layer.{part}": f"attn.c_attn.{part}" for part in parts},
        "attention.layer.output": "attn.c_proj",
        "feedforward.norm": "ln_2",
        "feedforward.layer.inner": "mlp.c_fc",
        "feedforward.layer.outer": "mlp.c_proj",
    }
    return KeyTable(
        prefix="transformer.",
        body={f"body.{ours}": f"transformer.{theirs}" for ours, theirs in embeddings.items()}
        | {f"body.layers.{{n}}.{ours}": f"{layer}.{theirs}" for ours, theirs in table.items()},
        heads={None: HeadKeys(f"{published}LMHeadModel", {}), **_heads(published)},
        tied={"lm_head.weight": f"transformer.{embeddings['token']}.weight"},
        ignored=(r"transformer\.position_ids", r"transformer\.h\.\d+\.attn\.(masked_)?bias"),
        bodies=(f"{published}Model",),
        transposed=frozenset(
            f"{layer}.{name}" for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
        ),
        fused={f"{layer}.attn.c_attn": parts},
    )


_GPT_KEYS = _keys({"token": "tokens_embed", "position": "positions_embed"}, "OpenAIGPT")
_GPT2_KEYS = _keys({"token": "wte", "position": "wpe", "norm": "ln_f"}, "GPT2")

_OWN = ("label_names", "target_start_token_id")
_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")


def _read(values: dict[str, Any], json: Json, default: GPTConfig) -> dict[str, Any]:
    """Of an id, null says that there is none."""
    start = json.get("target_start_token_id")
    if start is not None and type(start) is not int:
        raise UserError(f"target_start_token_id = {start!r:.40}, int was expected")
    nothing = {name: None for name in _IDS if json.get(name, 0) is None}
    return values | nothing | {"target_start_token_id": start}


def _write(config: GPTConfig, head: HeadName | None) -> dict[str, Any]:
    """As null, `n_inner` is four times the hidden size."""
    written: dict[str, Any] = {}
    if config.model_type == "gpt2":
        written["n_inner"] = config.n_inner or None
    if config.writes:
        written["target_start_token_id"] = config.target_start_token_id
    if head is not None and config.pad_token_id == config.eos_token_id:
        written["pad_token_id"] = None  # the published code would take the end for padding
    return written


def _sizes(config: GPTConfig) -> BodySizes:
    return BodySizes(
        hidden_size=config.n_embd,
        layers=config.n_layer,
        longest_input=config.n_positions,
        first_position=0,
        decoder_start_id=config.target_start_token_id,
        one_stack=config.writes,
        running_text=True,
    )


GPT = Family(
    name="gpt",
    title="GPT",
    kind="causal_lm",
    presets=PRESETS,
    formats={
        "gpt2": CheckpointFormat(_GPT2_KEYS, same_names(GPTConfig, *_OWN), GPTConfig(), "gpt2"),
        "openai-gpt": CheckpointFormat(
            _GPT_KEYS,
            same_names(GPTConfig, "n_inner", *_OWN) | {"activation_function": "afn"},
            PRESETS["gpt"],
            "gpt",
        ),
    },
    sizes=_sizes,
    summary=lambda config: (
        f"{config.n_layer} layers, {config.n_embd} wide, {config.n_head} heads, decoder"
    ),
    training={"optimizer": "adamw", "schedule": "cosine", "warmup": 0.1},
    pretraining={"learning_rate": 2.5e-4},  # Radford et al. 2018, section 4.1
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
    writer=lambda config, start: replace(config, target_start_token_id=start),
)
