"""The shape of a DeBERTa-v2 or v3, and the published sizes. Free of torch.

He et al. 2021, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention"; He et al. 2023,
"DeBERTaV3". All published ones attend from content to position and back, with one set of
projections for both, and add no absolute positions; the larger v2 have a convolution beside their
first layer. The field names are those of the published config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from headwater.errors import UserError
from headwater.models.bert.config import bert_within


@dataclass(frozen=True, slots=True)
class DebertaConfig:
    """Sizes and rates of one encoder; the defaults are deberta-v3-base.

    conv_act: the activation of that convolution.
    pooler_dropout: dropout of what the pooler reads, the first token's output.
    pooler_hidden_act: the activation of the pooler.
    """

    model_type: Literal["deberta-v2"] = "deberta-v2"
    vocab_size: int = 128100
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 0
    layer_norm_eps: float = 1e-7
    initializer_range: float = 0.02
    pad_token_id: int = 0
    position_buckets: int = 256
    """Ranges of distances to either side; -1: each distance up to `max_relative_positions` has a
    vector of its own."""
    max_relative_positions: int = -1
    """The furthest distance that is told apart; -1: as many as `max_position_embeddings`."""
    conv_kernel_size: int = 0
    """The width of the convolution beside the first layer; 0: there is none."""
    conv_act: str = "tanh"
    pooler_dropout: float = 0.0
    pooler_hidden_act: str = "gelu"
    classifier_dropout: float = 0.1
    """Dropout before a classifier: that of the body unless config.json says otherwise."""
    label_names: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    """The classes of a classification head, in the order of its outputs."""

    def __post_init__(self) -> None:
        assert bert_within(self).longest > 0  # it checks what both have
        if self.convolves and self.conv_kernel_size % 2 == 0:
            raise UserError(f"conv_kernel_size {self.conv_kernel_size}: an odd number was expected")
        if 0 < self.position_buckets < 4:
            raise UserError(f"position_buckets {self.position_buckets}: at least 4 were expected")
        single = self.position_buckets // 2  # distances up to it have buckets of their own
        if self.buckets and self.furthest <= single + 1 < self.max_position_embeddings:
            raise UserError(
                f"max_relative_positions {self.furthest} with position_buckets "
                f"{self.position_buckets}: at least {single + 2} were expected"
            )

    @property
    def convolves(self) -> bool:
        """Whether there is a convolution beside the first layer."""
        return self.conv_kernel_size > 0

    @property
    def furthest(self) -> int:
        """The greatest distance that is told apart."""
        stated = self.max_relative_positions
        return stated if stated > 0 else self.max_position_embeddings

    @property
    def buckets(self) -> bool:
        """Whether far distances share vectors."""
        return self.position_buckets > 0

    @property
    def span(self) -> int:
        """Half of the number of vectors of distances."""
        return self.position_buckets if self.buckets else self.furthest


_BASE = DebertaConfig()
_XLARGE = replace(
    _BASE,
    hidden_size=1536,
    num_hidden_layers=24,
    num_attention_heads=24,
    intermediate_size=6144,
    conv_kernel_size=3,
    conv_act="gelu",
)

PRESETS: Mapping[str, DebertaConfig] = {
    "deberta-v3-xsmall": replace(
        _BASE, hidden_size=384, num_attention_heads=6, intermediate_size=1536
    ),
    "deberta-v3-small": replace(_BASE, num_hidden_layers=6),
    "deberta-v3-base": _BASE,
    "deberta-v3-large": replace(
        _BASE,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
    ),
    "mdeberta-v3-base": replace(_BASE, vocab_size=251000),
    "deberta-v2-xlarge": _XLARGE,
    "deberta-v2-xxlarge": replace(_XLARGE, num_hidden_layers=48),
}
