"""The names of BERT, the RoBERTas and DistilBERT in published checkpoints. Free of torch."""

from dataclasses import replace

from headwater.models.config import HeadName
from headwater.models.key_table import HeadKeys, KeyTable, Modules


def encoder_modules(prefix: str) -> dict[str, str]:
    """Return the body's modules as BERT and RoBERTa name them."""
    layers = {
        "attention.layer.query": "attention.self.query",
        "attention.layer.key": "attention.self.key",
        "attention.layer.value": "attention.self.value",
        "attention.layer.output": "attention.output.dense",
        "attention.norm": "attention.output.LayerNorm",
        "feedforward.layer.inner": "intermediate.dense",
        "feedforward.layer.outer": "output.dense",
        "feedforward.norm": "output.LayerNorm",
    }
    return {
        "body.embeddings.token": f"{prefix}.embeddings.word_embeddings",
        "body.embeddings.position": f"{prefix}.embeddings.position_embeddings",
        "body.embeddings.segment": f"{prefix}.embeddings.token_type_embeddings",
        "body.embeddings.norm": f"{prefix}.embeddings.LayerNorm",
    } | {
        f"body.layers.{{n}}.{ours}": f"{prefix}.encoder.layer.{{n}}.{theirs}"
        for ours, theirs in layers.items()
    }


def encoder_heads(
    published: str, *, bare: Modules, classifier: Modules, masked_lm: Modules
) -> dict[HeadName | None, HeadKeys]:
    """Return the heads that every encoder has; `published` begins the names of its classes."""
    return {
        None: HeadKeys(f"{published}Model", bare),
        "span": HeadKeys(f"{published}ForQuestionAnswering", {"head.dense": "qa_outputs"}),
        "sequence": HeadKeys(f"{published}ForSequenceClassification", classifier),
        "multi_label": HeadKeys(f"{published}ForSequenceClassification", classifier),
        "regression": HeadKeys(f"{published}ForSequenceClassification", classifier),
        "token": HeadKeys(f"{published}ForTokenClassification", {"head.dense": "classifier"}),
        "masked_lm": HeadKeys(f"{published}ForMaskedLM", masked_lm),
    }


_POOLED = {"head.pooler.dense": "bert.pooler.dense"}


def predictions(head: str) -> dict[str, str]:
    return {
        head: "cls.predictions",
        f"{head}.decoder": "cls.predictions.decoder",
        f"{head}.dense": "cls.predictions.transform.dense",
        f"{head}.norm": "cls.predictions.transform.LayerNorm",
    }


BERT = KeyTable(
    prefix="bert.",
    body=encoder_modules("bert"),
    heads=encoder_heads(
        "Bert",
        bare={"body.pooler.dense": "bert.pooler.dense"},
        classifier={**_POOLED, "head.dense": "classifier"},
        masked_lm=predictions("head"),
    )
    | {
        "next_sentence": HeadKeys(
            "BertForNextSentencePrediction", {**_POOLED, "head.dense": "cls.seq_relationship"}
        ),
        "pretraining": HeadKeys(
            "BertForPreTraining",
            predictions("head.masked_lm")
            | {
                "head.next_sentence.pooler.dense": "bert.pooler.dense",
                "head.next_sentence.dense": "cls.seq_relationship",
            },
        ),
    },
    renamed={"cls.predictions.decoder.bias": "cls.predictions.bias"},
    output=("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
    ignored=(r"bert\.embeddings\.position_ids",),
    optional=("pooler",),
)

OUR_BERT = replace(BERT, body={**BERT.body, "body.norm": "bert.encoder.LayerNorm"})
"""BERT with pre-norm blocks: the names of BERT, and the norm after the last block."""


ROBERTA_CLASSIFIER = {
    "head.pooler.dense": "classifier.dense",
    "head.dense": "classifier.out_proj",
}
ROBERTA_MASKED_LM = {
    "head": "lm_head",
    "head.decoder": "lm_head.decoder",
    "head.dense": "lm_head.dense",
    "head.norm": "lm_head.layer_norm",
}


def _roberta(published: str) -> KeyTable:
    """Return the table of a RoBERTa; `published` begins the names of its classes."""
    return KeyTable(
        prefix="roberta.",
        body=encoder_modules("roberta"),
        heads=encoder_heads(
            published,
            bare={"body.pooler.dense": "roberta.pooler.dense"},
            classifier=ROBERTA_CLASSIFIER,
            masked_lm=ROBERTA_MASKED_LM,
        ),
        renamed={"lm_head.decoder.bias": "lm_head.bias"},
        output=("lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight"),
        ignored=(r"roberta\.embeddings\.position_ids",),
        optional=("pooler",),
    )


ROBERTA = _roberta("Roberta")
XLM_ROBERTA = _roberta("XLMRoberta")
CAMEMBERT = _roberta("Camembert")

_DISTILBERT_LAYERS = {
    "attention.layer.query": "attention.q_lin",
    "attention.layer.key": "attention.k_lin",
    "attention.layer.value": "attention.v_lin",
    "attention.layer.output": "attention.out_lin",
    "attention.norm": "sa_layer_norm",
    "feedforward.layer.inner": "ffn.lin1",
    "feedforward.layer.outer": "ffn.lin2",
    "feedforward.norm": "output_layer_norm",
}
DISTILBERT = KeyTable(
    prefix="distilbert.",
    body={
        "body.embeddings.token": "distilbert.embeddings.word_embeddings",
        "body.embeddings.position": "distilbert.embeddings.position_embeddings",
        "body.embeddings.norm": "distilbert.embeddings.LayerNorm",
    }
    | {
        f"body.layers.{{n}}.{ours}": f"distilbert.transformer.layer.{{n}}.{theirs}"
        for ours, theirs in _DISTILBERT_LAYERS.items()
    },
    heads=encoder_heads(
        "DistilBert",
        bare={},
        classifier={"head.pooler.dense": "pre_classifier", "head.dense": "classifier"},
        masked_lm={
            "head": "vocab_projector",
            "head.decoder.weight": "vocab_projector.weight",
            "head.dense": "vocab_transform",
            "head.norm": "vocab_layer_norm",
        },
    ),
    output=("vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight"),
    ignored=(r"distilbert\.embeddings\.position_ids",),
)
