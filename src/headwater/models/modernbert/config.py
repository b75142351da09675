"""The shape of a ModernBERT, and the published sizes. Free of torch.

Warner et al. 2024, "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder", section 2.1
and table 4. The field names are those of the published config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from headwater.errors import UserError

Pooling = Literal["cls", "mean"]


@dataclass(frozen=True, slots=True)
class ModernBertConfig:
    """Sizes and rates of one encoder; the defaults are ModernBERT-base.

    hidden_activation: the activation of the feed-forward, on its gate (see `nn.feedforward`).
    max_position_embeddings: the most tokens of a text; positions are rotations, without a table.
    norm_eps: what is added to the variance in a norm.
    norm_bias: whether norms have a bias.
    global_rope_theta: the base of the rotary positions in layers that see the whole text.
    local_rope_theta: that in the other layers.
    attention_bias: whether the projections of attention have a bias.
    attention_dropout: dropout of the attention weights and of the attention's output.
    embedding_dropout: dropout of the embeddings.
    mlp_bias: whether the matrices of the feed-forward have a bias.
    mlp_dropout: dropout inside of the feed-forward.
    classifier_activation: that of the dense layer of a head.
    classifier_dropout: dropout before a classifier.
    """

    model_type: Literal["modernbert"] = "modernbert"
    vocab_size: int = 50368
    hidden_size: int = 768
    intermediate_size: int = 1152
    num_hidden_layers: int = 22
    num_attention_heads: int = 12
    hidden_activation: str = "gelu"
    max_position_embeddings: int = 8192
    norm_eps: float = 1e-5
    norm_bias: bool = False
    initializer_range: float = 0.02
    initializer_cutoff_factor: float = 2.0
    """Fresh weights are drawn again beyond so many deviations."""
    global_attn_every_n_layers: int = 3
    """Every so many layers, from the first on, one sees the whole text."""
    local_attention: int = 128
    """The others see half of it to either side."""
    global_rope_theta: float = 160_000.0
    local_rope_theta: float = 10_000.0
    attention_bias: bool = False
    attention_dropout: float = 0.0
    embedding_dropout: float = 0.0
    mlp_bias: bool = False
    mlp_dropout: float = 0.0
    classifier_pooling: Pooling = "cls"
    """What a classifier reads: the first token, or the mean of all."""
    classifier_bias: bool = False
    """Whether the dense layer of a head has a bias."""
    classifier_activation: str = "gelu"
    classifier_dropout: float = 0.0
    pad_token_id: int = 50283
    tie_word_embeddings: bool = field(default=True, repr=False)
    """One table for the inputs and the masked LM."""
    label_names: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    """The classes of a classification head, in the order of its outputs."""

    def __post_init__(self) -> None:
        if self.hidden_size % (2 * self.num_attention_heads):
            raise UserError(
                f"hidden_size {self.hidden_size} is not an even multiple of num_attention_heads "
                f"{self.num_attention_heads}"
            )
        if self.pad_token_id >= self.vocab_size:
            raise UserError(
                f"pad_token_id {self.pad_token_id} is not below vocab_size {self.vocab_size}"
            )
        if self.classifier_pooling not in ("cls", "mean"):
            raise UserError(f"classifier_pooling {self.classifier_pooling!r}: cls or mean")

    @property
    def layer_types(self) -> tuple[str, ...]:
        """Which layers see the whole text, as config.json names them."""
        every = self.global_attn_every_n_layers
        return tuple(
            "sliding_attention" if number % every else "full_attention"
            for number in range(self.num_hidden_layers)
        )


_BASE = ModernBertConfig()

PRESETS: Mapping[str, ModernBertConfig] = {
    "modernbert-base": replace(_BASE, classifier_pooling="mean"),
    "modernbert-large": replace(
        _BASE,
        classifier_pooling="mean",
        hidden_size=1024,
        intermediate_size=2624,
        num_hidden_layers=28,
        num_attention_heads=16,
    ),
}
