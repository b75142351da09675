"""The shape of an ALBERT, and the published sizes. Free of torch.

Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations",
section 3.1 and table 1: narrow token vectors, and layers that share their parameters. The field
names are those of the published config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from headwater.errors import UserError
from headwater.models.bert.config import BertConfig, bert_within


@dataclass(frozen=True, slots=True)
class AlbertConfig:
    """Sizes and rates of one encoder; the defaults are albert-base-v2."""

    model_type: Literal["albert"] = "albert"
    vocab_size: int = 30000
    embedding_size: int = 128
    """The width of the vectors of tokens, segments and positions."""
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_hidden_groups: int = 1
    """How many groups of layers there are; those of a group share their parameters."""
    inner_group_num: int = 1
    """How many blocks a group has, which stand for one layer."""
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu_new"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02
    pad_token_id: int = 0
    tie_word_embeddings: bool = field(default=True, repr=False)
    """One table for the inputs and the masked LM."""
    classifier_dropout: float = 0.1
    """Dropout before a classifier."""
    label_names: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    """The classes of a classification head, in the order of its outputs."""

    def __post_init__(self) -> None:
        assert self.layer.longest > 0  # it checks the rest
        if self.num_hidden_groups > self.num_hidden_layers:
            raise UserError(
                f"num_hidden_groups {self.num_hidden_groups} is more than num_hidden_layers "
                f"{self.num_hidden_layers}"
            )

    @property
    def layer(self) -> BertConfig:
        """The BERT that its blocks are of."""
        return bert_within(self)

    @property
    def embedding(self) -> BertConfig:
        """The BERT that its sum of vectors is of."""
        return replace(self.layer, hidden_size=self.embedding_size, num_attention_heads=1)


_BASE = AlbertConfig()

PRESETS: Mapping[str, AlbertConfig] = {
    "albert-base-v2": _BASE,
    "albert-large-v2": replace(
        _BASE,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
    ),
    "albert-xlarge-v2": replace(
        _BASE,
        hidden_size=2048,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=8192,
    ),
    "albert-xxlarge-v2": replace(
        _BASE, hidden_size=4096, num_attention_heads=64, intermediate_size=16384
    ),
}
