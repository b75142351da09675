"""The names of GPT and GPT-2 in published checkpoints. Free of torch."""

from headwater.models.key_table import HeadKeys, KeyTable, Modules


def _gpt(embeddings: Modules, architecture: str, body: str) -> KeyTable:
    """Return the table of GPT or GPT-2, which differ only outside the layers."""
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
        heads={None: HeadKeys(architecture, {})},
        tied={"lm_head.weight": f"transformer.{embeddings['token']}.weight"},
        ignored=(r"transformer\.position_ids", r"transformer\.h\.\d+\.attn\.(masked_)?bias"),
        bodies=(body,),
        transposed=frozenset(
            f"{layer}.{name}" for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
        ),
        fused={f"{layer}.attn.c_attn": parts},
    )


GPT = _gpt(
    {"token": "tokens_embed", "position": "positions_embed"},
    "OpenAIGPTLMHeadModel",
    "OpenAIGPTModel",
)
GPT2 = _gpt({"token": "wte", "position": "wpe", "norm": "ln_f"}, "GPT2LMHeadModel", "GPT2Model")
