"""The heads of BERT, RoBERTa and DistilBERT, which differ in what stands before a decision."""

from torch import nn

from headwater.models.bert.config import BertConfig
from headwater.models.family import Heads
from headwater.models.heads import (
    MaskedLMHead,
    PooledHead,
    PreTrainingHead,
    SpanHead,
    TokenHead,
    regression_head,
    sequence_head,
)
from headwater.models.losses import cross_entropy_sum
from headwater.nn.feedforward import Pooler


def _span(config: BertConfig) -> SpanHead:
    return SpanHead(config.hidden_size, config.span_dropout)


def _sequence(config: BertConfig) -> PooledHead:
    classes = len(config.label_names)
    return sequence_head(
        _pooler(config), nn.Linear(config.hidden_size, classes), config.classifier_dropout
    )


def _regression(config: BertConfig) -> PooledHead:
    return regression_head(
        _pooler(config), nn.Linear(config.hidden_size, 1), config.classifier_dropout
    )


def _pooler(config: BertConfig) -> Pooler:
    match config.model_type:
        case "bert":
            return Pooler(config.hidden_size, "tanh")
        case "roberta":
            return Pooler(config.hidden_size, "tanh", config.classifier_dropout)
        case "distilbert":
            return Pooler(config.hidden_size, "relu")


def _token(config: BertConfig) -> TokenHead:
    distilled = config.model_type == "distilbert"  # drops less before a token's class
    dropout = config.hidden_dropout_prob if distilled else config.classifier_dropout
    return TokenHead(config.hidden_size, len(config.label_names), dropout)


def _masked_lm(config: BertConfig) -> MaskedLMHead:
    dense = nn.Linear(config.hidden_size, config.hidden_size)
    return MaskedLMHead(dense, config.vocab_size, config.hidden_act, config.layer_norm_eps)


def _next_sentence(config: BertConfig) -> PooledHead:
    return PooledHead(
        Pooler(config.hidden_size, "tanh"),
        nn.Linear(config.hidden_size, 2),
        0.0,
        name="next_sentence",
        label="next_sentence_label",
        loss=cross_entropy_sum,
    )


def _pretraining(config: BertConfig) -> PreTrainingHead:
    return PreTrainingHead(_masked_lm(config), _next_sentence(config))


HEADS: Heads[BertConfig] = {
    "span": _span,
    "sequence": _sequence,
    "regression": _regression,
    "token": _token,
    "masked_lm": _masked_lm,
    "next_sentence": _next_sentence,
    "pretraining": _pretraining,
}
