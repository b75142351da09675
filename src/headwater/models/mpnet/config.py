"""The shape of an MPNet, and the published sizes. Free of torch.

Song et al. 2020, "MPNet: Masked and Permuted Pre-training for Language Understanding", section 3.1
and appendix: RoBERTa's positions, and T5's as a bias of the scores. The field names are those of
the published config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from headwater.errors import UserError
from headwater.models.bert.config import BertConfig, bert_within

BUCKETS, PADDING = 32, 1
"""The published code computes with these numbers, whatever config.json says: how many buckets of
distances there are, and which token is padding."""


@dataclass(frozen=True, slots=True)
class MPNetConfig:
    """Sizes and rates of one encoder; the defaults are mpnet-base.

    max_position_embeddings: the most tokens of a text, and two more.
    relative_attention_num_buckets: ranges of distances that attention tells apart.
    """

    model_type: Literal["mpnet"] = "mpnet"
    vocab_size: int = 30527
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 514
    layer_norm_eps: float = 1e-5
    initializer_range: float = 0.02
    relative_attention_num_buckets: int = BUCKETS
    pad_token_id: int = PADDING
    tie_word_embeddings: bool = field(default=True, repr=False)
    """One table for the inputs and the masked LM."""
    label_names: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    """The classes of a classification head, in the order of its outputs."""

    def __post_init__(self) -> None:
        if self.relative_attention_num_buckets != BUCKETS:
            raise UserError(
                f"relative_attention_num_buckets {self.relative_attention_num_buckets}: every "
                f"MPNet has {BUCKETS}"
            )
        if self.pad_token_id != PADDING:
            raise UserError(
                f"pad_token_id {self.pad_token_id}: every MPNet counts positions by the padding "
                f"{PADDING}; take a vocabulary in which padding has that id"
            )
        assert self.layer.longest > 0  # it checks the rest

    @property
    def layer(self) -> BertConfig:
        """The RoBERTa that its layers and its sum of vectors are of."""
        return bert_within(self, model_type="roberta", type_vocab_size=0)


PRESETS: Mapping[str, MPNetConfig] = {"mpnet-base": MPNetConfig()}
