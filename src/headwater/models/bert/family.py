"""The record of BERT, RoBERTa, XLM-RoBERTa, CamemBERT and DistilBERT. Free of torch."""

from typing import Any

from headwater.models.bert import keys
from headwater.models.bert.config import OUR_BERT, PRESETS, BertConfig
from headwater.models.config import HeadName, same_names
from headwater.models.encoder_record import (
    NO_DROPOUT,
    TRAINING,
    masked_lm_study,
    sizes,
    summary,
    with_dropout,
)
from headwater.models.family import CheckpointFormat, Family, Json

_BERT = same_names(BertConfig, "block", "span_dropout", "label_names")
_DISTILBERT = {
    "vocab_size": "vocab_size",
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "max_position_embeddings": "max_position_embeddings",
    "initializer_range": "initializer_range",
    "pad_token_id": "pad_token_id",
    "tie_word_embeddings": "tie_word_embeddings",
    "span_dropout": "qa_dropout",
    "classifier_dropout": "seq_classif_dropout",
}


def _read(values: dict[str, Any], json: Json, default: BertConfig) -> dict[str, Any]:
    if default.model_type == "distilbert":
        return values
    return with_dropout(values, json, default)


def _write(config: BertConfig, head: HeadName | None) -> dict[str, Any]:
    return {"bos_token_id": 0, "eos_token_id": 2} if config.roberta else {}


BERT = Family(
    name="bert",
    title="BERT",
    kind="encoder",
    presets=PRESETS,
    formats={
        "bert": CheckpointFormat(keys.BERT, _BERT, BertConfig(), "bert-base-uncased"),
        "roberta": CheckpointFormat(
            keys.ROBERTA,
            _BERT,
            BertConfig(model_type="roberta", vocab_size=50265, pad_token_id=1),
            "roberta-base",
        ),
        "xlm-roberta": CheckpointFormat(
            keys.XLM_ROBERTA,
            _BERT,
            BertConfig(model_type="xlm-roberta", pad_token_id=1),
            "xlm-roberta-base",
        ),
        "camembert": CheckpointFormat(
            keys.CAMEMBERT,
            _BERT,
            BertConfig(model_type="camembert", pad_token_id=1),
            "camembert-base",
        ),
        "distilbert": CheckpointFormat(
            keys.DISTILBERT,
            _DISTILBERT,
            PRESETS["distilbert-base-uncased"],
            "distilbert-base-uncased",
        ),
        OUR_BERT: CheckpointFormat(
            keys.OUR_BERT, _BERT | {"block": "block"}, BertConfig(), "bert-base-uncased"
        ),
    },
    sizes=sizes,
    summary=summary,
    training=TRAINING,
    objectives=("mlm",),
    quick=masked_lm_study("bert-tiny", **NO_DROPOUT),
    model_type=lambda config: OUR_BERT if config.pre_norm else config.model_type,
    read=_read,
    write=_write,
    block=lambda config: config,
)
