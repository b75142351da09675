"""The shape of a BERT-like encoder, and the published sizes. Free of torch.

BERT: Devlin et al. 2019, section 3. RoBERTa (Liu et al. 2019) numbers its positions from
`pad_token_id + 1` and has one segment; XLM-RoBERTa (Conneau et al. 2020) and CamemBERT (Martin et
al. 2020) are RoBERTas of other languages. DistilBERT (Sanh et al. 2019) has no segments and half
the layers. The field names are those of BERT's published config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from headwater.errors import UserError, did_you_mean

ModelType = Literal["bert", "roberta", "xlm-roberta", "camembert", "distilbert"]
BlockName = Literal["post_norm", "pre_norm"]
BLOCKS: tuple[BlockName, ...] = get_args(BlockName)
OUR_BERT = "headwater-bert"
"""The `model_type` of a BERT that the published code does not know: one of pre-norm blocks."""


@dataclass(frozen=True, slots=True)
class BertConfig:
    """Sizes and rates of one encoder; the defaults are bert-base-uncased.

    hidden_size: the width of the model, that of each token's vector.
    num_hidden_layers: the number of layers.
    num_attention_heads: the heads of each attention, which share the width evenly.
    intermediate_size: the inner width of the feed-forward.
    hidden_act: the activation of the feed-forward (see `nn.feedforward`).
    hidden_dropout_prob: dropout of the embeddings and of each sublayer's output.
    attention_probs_dropout_prob: dropout of the attention weights.
    max_position_embeddings: the most tokens of a text; in RoBERTa and its relatives two more.
    type_vocab_size: how many segments are told apart; 0: there are none.
    layer_norm_eps: what is added to the variance in a norm.
    initializer_range: the standard deviation of fresh weights.
    """

    model_type: ModelType = "bert"
    block: BlockName = "post_norm"
    """Where the norms of a layer stand: after each sum, as published; or "pre_norm", before each
    sublayer and once after the last layer, with dropout inside the feed-forward too."""
    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02
    pad_token_id: int = 0
    tie_word_embeddings: bool = field(default=True, repr=False)  # features are kept by the repr
    """One table for the inputs and the masked LM; false: an output matrix of its own."""
    span_dropout: float = 0.0
    """Dropout before the span head: none in BERT and RoBERTa, 0.1 in DistilBERT."""
    classifier_dropout: float = 0.1
    """Dropout before a classifier: that of the body in BERT and RoBERTa, 0.2 in DistilBERT."""
    label_names: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    """The classes of a classification head, in the order of its outputs."""

    def __post_init__(self) -> None:
        if self.block not in BLOCKS:
            raise UserError(f"block {self.block!r}: {did_you_mean(self.block, BLOCKS)}")
        if self.pre_norm and self.model_type != "bert":
            raise UserError(f"a {self.model_type} has post_norm blocks; take a BERT for pre_norm")
        if self.hidden_size % self.num_attention_heads:
            raise UserError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads "
                f"{self.num_attention_heads}"
            )
        if self.pad_token_id >= self.vocab_size:
            raise UserError(
                f"pad_token_id {self.pad_token_id} is not below vocab_size {self.vocab_size}"
            )
        if self.longest < 1:
            raise UserError(f"max_position_embeddings {self.max_position_embeddings} is too small")

    @property
    def pre_norm(self) -> bool:
        """Whether norms stand before each sublayer and once after the last layer."""
        return self.block == "pre_norm"

    @property
    def roberta(self) -> bool:
        """Whether it is a RoBERTa, of whatever languages."""
        return self.model_type in ("roberta", "xlm-roberta", "camembert")

    @property
    def masked_lm_act(self) -> str:
        """The activation of the masked LM: RoBERTa's is gelu, whatever that of its layers is."""
        return "gelu" if self.roberta else self.hidden_act

    @property
    def first_position(self) -> int:
        """The index in the position table that the first token of a text takes."""
        return self.pad_token_id + 1 if self.roberta else 0

    @property
    def longest(self) -> int:
        """The most tokens of a sequence."""
        return self.max_position_embeddings - self.first_position


_OF_LAYERS = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings",
    "type_vocab_size", "layer_norm_eps", "pad_token_id",
)  # fmt: skip


def bert_within(config: object, **stated: Any) -> BertConfig:
    """Return the BERT whose blocks a relative has: of its own fields, but for those `stated`."""
    own = {name: getattr(config, name) for name in _OF_LAYERS if name not in stated}
    return BertConfig(**own, **stated)


_BASE = BertConfig()
_LARGE = replace(
    _BASE, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
)
_ROBERTA = replace(
    _BASE,
    model_type="roberta",
    vocab_size=50265,
    max_position_embeddings=514,
    type_vocab_size=1,
    layer_norm_eps=1e-5,
    pad_token_id=1,
)
_ROBERTA_LARGE = replace(
    _ROBERTA,
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
)
_DISTILBERT = replace(
    _BASE,
    model_type="distilbert",
    num_hidden_layers=6,
    type_vocab_size=0,
    span_dropout=0.1,
    classifier_dropout=0.2,
)


def _miniature(layers: int, width: int) -> BertConfig:
    """One of the small BERTs of Turc et al. 2019, "Well-Read Students Learn Better"."""
    return replace(
        _BASE,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=width // 64,
        intermediate_size=4 * width,
    )


PRESETS: Mapping[str, BertConfig] = {
    "bert-tiny": _miniature(2, 128),
    "bert-mini": _miniature(4, 256),
    "bert-small": _miniature(4, 512),
    "bert-medium": _miniature(8, 512),
    "bert-base-uncased": _BASE,
    "bert-base-cased": replace(_BASE, vocab_size=28996),
    "bert-large-uncased": _LARGE,
    "bert-large-cased": replace(_LARGE, vocab_size=28996),
    "minilm-l6-h384": replace(_BASE, hidden_size=384, num_hidden_layers=6, intermediate_size=1536),
    "roberta-base": _ROBERTA,
    "roberta-large": _ROBERTA_LARGE,
    "xlm-roberta-base": replace(_ROBERTA, model_type="xlm-roberta", vocab_size=250002),
    "xlm-roberta-large": replace(_ROBERTA_LARGE, model_type="xlm-roberta", vocab_size=250002),
    "camembert-base": replace(_ROBERTA, model_type="camembert", vocab_size=32005),
    "camembert-large": replace(_ROBERTA_LARGE, model_type="camembert", vocab_size=32005),
    "distilbert-base-uncased": _DISTILBERT,
    "distilbert-base-cased": replace(_DISTILBERT, vocab_size=28996),
}
