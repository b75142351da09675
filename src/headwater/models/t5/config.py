"""The shape of a T5, its architectures, and the published sizes. Free of torch.

Raffel et al. 2020, section 3.7 ("Scale"): v1.0, relu and one tied embedding. v1.1 and Flan-T5:
gated tanh gelu, an output layer of its own, and other sizes. mT5 (Xue et al. 2021) is a v1.1 of 101
languages, ByT5 (Xue et al. 2022) one of bytes with a deeper encoder. In umT5 (Chung et al. 2023)
each layer has positions of its own. The field names are those of the published config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from headwater.errors import UserError, did_you_mean

ModelType = Literal["t5", "mt5", "umt5"]
Architecture = Literal["encoder_decoder", "shared", "language_model", "prefix_lm"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
OUR_T5 = "headwater-t5"
"""The `model_type` of the architectures that the published code does not know."""
_LEAST_BUCKETS = 4  # one exact distance and one for all further ones, to either side


@dataclass(frozen=True, slots=True)
class T5Config:
    """Sizes and rates of one model that maps text to text; the defaults are t5-small.

    d_model: the width of the model, that of each token's vector.
    d_kv: the width of each attention head.
    d_ff: the inner width of the feed-forward.
    num_layers: the layers of the encoder, or of the one stack.
    num_decoder_layers: the layers of the decoder.
    num_heads: the heads of each attention.
    relative_attention_num_buckets: ranges of distances that attention tells apart.
    relative_attention_max_distance: all distances from there on are one range.
    dropout_rate: dropout of the embeddings, the attention weights, inside of the feed-forward, and
        of each sublayer's output.
    layer_norm_epsilon: what is added to the mean square in a norm.
    initializer_factor: times the published standard deviations of fresh weights.
    """

    model_type: ModelType = "t5"
    architecture: Architecture = "encoder_decoder"
    """Which of the architectures of section 3.2 (table 2) the blocks form. `encoder_decoder`: as
    published; half as many layers on either side are the table's "6 layers". `shared`: the
    decoder's self-attention and feed-forward are the encoder's own. `language_model`: one stack
    that reads inputs and targets as one text, each token seeing those before it. `prefix_lm`: the
    same stack; the inputs are seen by all (docs/decisions/0009-architectures.md)."""
    vocab_size: int = 32128
    d_model: int = 512
    d_kv: int = 64
    d_ff: int = 2048
    num_layers: int = 6
    num_decoder_layers: int = 6
    num_heads: int = 8
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    layer_norm_epsilon: float = 1e-6
    initializer_factor: float = 1.0
    feed_forward_proj: str = "relu"
    """An activation of `nn.feedforward`, with "gated-" before it for the gated form; "gated-gelu"
    is the tanh gelu, as published."""
    tie_word_embeddings: bool = True
    """One table for inputs and outputs; false: an output layer of its own."""
    scale_decoder_outputs: bool = True
    """Multiply the decoder's output by d_model ** -0.5, as v1.0 does."""
    pad_token_id: int = 0
    eos_token_id: int = 1
    decoder_start_token_id: int = 0

    def __post_init__(self) -> None:
        buckets, furthest = (
            self.relative_attention_num_buckets,
            self.relative_attention_max_distance,
        )
        if buckets < _LEAST_BUCKETS or furthest <= buckets // 2:
            raise UserError(
                f"relative_attention_num_buckets {buckets} and relative_attention_max_distance "
                f"{furthest}: expected at least {_LEAST_BUCKETS} buckets, and a distance of more "
                "than half of them"
            )
        if self.architecture not in ARCHITECTURES:
            hint = did_you_mean(self.architecture, ARCHITECTURES)
            raise UserError(f"architecture {self.architecture!r}: {hint}")
        if self.architecture != "encoder_decoder" and self.model_type != "t5":
            raise UserError(f"architecture {self.architecture}: of a T5, and no {self.model_type}")
        one_depth = self.num_layers == self.num_decoder_layers
        if self.architecture != "encoder_decoder" and not one_depth:
            raise UserError(
                f"architecture {self.architecture}: num_layers {self.num_layers} and "
                f"num_decoder_layers {self.num_decoder_layers} must be the same number"
            )

    @property
    def decoder_only(self) -> bool:
        """Whether one stack reads inputs and targets as one text."""
        return self.architecture in ("language_model", "prefix_lm")

    @property
    def activation(self) -> str:
        """The activation's name in `nn.feedforward`."""
        name = self.feed_forward_proj.removeprefix("gated-")
        return "gelu_new" if self.feed_forward_proj == "gated-gelu" else name

    @property
    def gated(self) -> bool:
        return self.feed_forward_proj.startswith("gated-")


def refuse_objective(config: T5Config, objective: str, packed: bool) -> None:
    """Raise UserError where an architecture has no use for the features (section 3.2)."""
    name = config.architecture
    if objective == "lm" and name != "language_model":
        raise UserError(
            f"objective 'lm' has no inputs to read: it trains architecture language_model; "
            f"a T5 of architecture {name} takes prefix_lm"
        )
    if packed and config.decoder_only:
        raise UserError(
            f"architecture {name} reads inputs and targets as one text, which cannot be packed; "
            "set span_corruption.packing = false"
        )


def _v1_0(d_model: int, d_ff: int, layers: int, heads: int, d_kv: int = 64) -> T5Config:
    return T5Config(
        d_model=d_model,
        d_ff=d_ff,
        num_layers=layers,
        num_decoder_layers=layers,
        num_heads=heads,
        d_kv=d_kv,
    )


def _v1_1(d_model: int, d_ff: int, layers: int, heads: int) -> T5Config:
    return replace(
        _v1_0(d_model, d_ff, layers, heads),
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        scale_decoder_outputs=False,
    )


def _byt5(d_model: int, d_ff: int, layers: int, heads: int) -> T5Config:
    deep = _v1_1(d_model, d_ff, layers, heads)
    return replace(deep, vocab_size=384, num_decoder_layers=layers // 3)


_V1_1 = {
    "small": _v1_1(512, 1024, 8, 6),
    "base": _v1_1(768, 2048, 12, 12),
    "large": _v1_1(1024, 2816, 24, 16),
    "xl": _v1_1(2048, 5120, 24, 32),
    "xxl": _v1_1(4096, 10240, 24, 64),
}

PRESETS: Mapping[str, T5Config] = {
    "t5-small": _v1_0(512, 2048, 6, 8),
    "t5-base": _v1_0(768, 3072, 12, 12),
    "t5-large": _v1_0(1024, 4096, 24, 16),
    "t5-3b": _v1_0(1024, 16384, 24, 32, d_kv=128),
    "t5-11b": _v1_0(1024, 65536, 24, 128, d_kv=128),
    **{
        f"{name}-{size}": config
        for name in ("t5-v1_1", "flan-t5")
        for size, config in _V1_1.items()
    },
    **{
        f"mt5-{size}": replace(config, model_type="mt5", vocab_size=250112)
        for size, config in _V1_1.items()
    },
    **{
        f"umt5-{size}": replace(config, model_type="umt5", vocab_size=256384)
        for size, config in _V1_1.items()
    },
    "byt5-small": _byt5(1472, 3584, 12, 6),
    "byt5-base": _byt5(1536, 3968, 18, 12),
    "byt5-large": _byt5(1536, 3840, 36, 16),
    "byt5-xl": _byt5(2560, 6720, 36, 32),
    "byt5-xxl": _byt5(4672, 12352, 36, 64),
}
