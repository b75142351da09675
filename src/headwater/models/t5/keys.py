"""The names of T5 in published checkpoints. Free of torch."""

from collections.abc import Sequence
from dataclasses import replace

from headwater.models.key_table import HeadKeys, KeyTable, Modules

_ATTENTION = {"query": "q", "key": "k", "value": "v", "output": "o"}
_FEED_FORWARD = {"inner": "wi", "gate": "wi_0", "linear": "wi_1", "outer": "wo"}


def _stack(name: str, layers: Sequence[tuple[str, str, Modules]]) -> dict[str, str]:
    """Return one stack's modules: in each block, layer after layer, (ours, theirs, its parts)."""
    table = {
        f"body.{name}.norm": f"{name}.final_layer_norm",
        f"body.{name}.positions.table": (
            f"{name}.block.0.layer.0.SelfAttention.relative_attention_bias"
        ),
    }
    for number, (ours, theirs, parts) in enumerate(layers):
        left, right = f"body.{name}.layers.{{n}}.{ours}", f"{name}.block.{{n}}.layer.{number}"
        table[f"{left}.norm"] = f"{right}.layer_norm"
        for mine, published in parts.items():
            table[f"{left}.layer.{mine}"] = f"{right}.{theirs}.{published}"
    return table


_SELF = ("attention", "SelfAttention", _ATTENTION)
_CROSS = ("cross", "EncDecAttention", _ATTENTION)
_LAST = ("feedforward", "DenseReluDense", _FEED_FORWARD)

T5 = KeyTable(
    prefix="",
    body={"body.embedding": "shared"}
    | _stack("encoder", (_SELF, _LAST))
    | _stack("decoder", (_SELF, _CROSS, _LAST)),
    heads={None: HeadKeys("T5ForConditionalGeneration", {"body.output": "lm_head"})},
    tied={
        "encoder.embed_tokens.weight": "shared.weight",
        "decoder.embed_tokens.weight": "shared.weight",
    },
    ignored=(r"decoder\.block\.\d+\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",),
    output=("lm_head.weight", "shared.weight"),
)

OUR_T5 = replace(T5, heads={None: HeadKeys("HeadwaterT5", T5.heads[None].modules)})
"""T5's other architectures, each with those of T5's tensors that it has."""
