"""The names of an encoder-decoder in published checkpoints, by its two sides. Free of torch.

encoder.embeddings.LayerNorm.weight         the encoder's own name, without its prefix
decoder.bert.embeddings.LayerNorm.weight    that of the published class that continues texts
"""

import re
from dataclasses import replace
from functools import cache

from headwater.models.config import ModelConfig
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.families import keys_of
from headwater.models.key_table import HeadKeys, KeyTable, Modules

_PROJECTIONS = ("query", "key", "value")
_BERT_CROSS = {
    **{f"layer.{name}": f"crossattention.self.{name}" for name in _PROJECTIONS},
    "layer.output": "crossattention.output.dense",
    "norm": "crossattention.output.LayerNorm",
}
_GPT_LAYER = "transformer.h.{n}"
_GPT_CROSS = {
    "layer.query": "crossattention.q_attn",
    "layer.key": "crossattention.c_attn.key",
    "layer.value": "crossattention.c_attn.value",
    "layer.output": "crossattention.c_proj",
    "norm": "ln_cross_attn",
}
_LAYERS = "layers.{n}."
_TOKEN = "embeddings.token"


@cache
def keys_of_sides(config: EncoderDecoderConfig) -> KeyTable:
    """Return the names of the tensors of a model with these two sides."""
    encoder, decoder = _encoder(config.encoder), _decoder(config.decoder)
    body = {f"body.encoder.{ours}": theirs for ours, theirs in encoder.body.items()}
    body |= {f"body.decoder.{ours}": theirs for ours, theirs in decoder.body.items()}
    body["body.decoder.projection"] = "enc_to_dec_proj"
    table = f"{decoder.body[_TOKEN]}.weight"
    both = {
        decoder.body[ours]: theirs
        for ours, theirs in encoder.body.items()
        if config.tie_encoder_decoder and ours != _TOKEN
    }
    return KeyTable(
        prefix="",
        body=body,
        heads={None: HeadKeys("EncoderDecoderModel", {})},
        tied=decoder.tied,
        renamed=decoder.renamed,
        ignored=encoder.ignored + decoder.ignored,
        output=decoder.output,
        shared=(table, f"{encoder.body[_TOKEN]}.weight"),
        copied=both,
        transposed=encoder.transposed | decoder.transposed,
        fused={**encoder.fused, **decoder.fused},
    )


def _encoder(config: ModelConfig) -> KeyTable:
    """Return the table of an encoder, with our names within it."""
    table = keys_of(config)
    return _under(table, "encoder.", table.prefix, table.body, (r"encoder\.pooler\..*",))


def _decoder(config: ModelConfig) -> KeyTable:
    """Return the table of a decoder, with our names within it."""
    table = keys_of(config)
    own = {"token": _TOKEN, "position": "embeddings.position"}  # as a GPT has none around them
    body = {
        f"body.{own.get(ours.removeprefix('body.'), ours.removeprefix('body.'))}": theirs
        for ours, theirs in table.body.items()
    }
    if "masked_lm" in table.heads:
        layer = table.body["body.layers.{n}.attention.norm"].partition(".attention.")[0]
        body |= {
            f"body.{ours}": theirs for ours, theirs in table.heads["masked_lm"].modules.items()
        }
        cross = _BERT_CROSS
    else:
        layer, cross = _GPT_LAYER, _GPT_CROSS
        attention = f"{layer}.crossattention"
        table = replace(
            table,
            transposed=table.transposed
            | {f"{attention}.{name}" for name in ("q_attn", "c_attn", "c_proj")},
            fused={**table.fused, f"{attention}.c_attn": ("key", "value")},
            ignored=(*table.ignored, r"transformer\.h\.\d+\.crossattention\.(masked_)?bias"),
        )
    body |= {f"body.{_LAYERS}cross.{ours}": f"{layer}.{theirs}" for ours, theirs in cross.items()}
    return _under(table, "decoder.", "", body, ())


def _under(
    table: KeyTable, side: str, prefix: str, body: Modules, ignored: tuple[str, ...]
) -> KeyTable:
    """Return a table whose published names stand under those of a side, `prefix` left out."""

    def named(name: str) -> str:
        return side + name.removeprefix(prefix)

    patterns = (each.removeprefix(re.escape(prefix)) for each in table.ignored)
    return replace(
        table,
        body={ours.removeprefix("body."): named(theirs) for ours, theirs in body.items()},
        tied={named(second): named(first) for second, first in table.tied.items()},
        renamed={named(second): named(first) for second, first in table.renamed.items()},
        ignored=(*(re.escape(side) + each for each in patterns), *ignored),
        output=None if table.output is None else (named(table.output[0]), named(table.output[1])),
        transposed=frozenset(map(named, table.transposed)),
        fused={named(module): parts for module, parts in table.fused.items()},
    )
