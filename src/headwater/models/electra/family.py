"""The record of ELECTRA. Free of torch."""

from typing import Any

from headwater.models.bert.keys import encoder_heads, encoder_modules
from headwater.models.config import BodySizes, same_names
from headwater.models.electra.config import PRESETS, ElectraConfig, refuse_objective
from headwater.models.family import CheckpointFormat, Family, Json, QuickStudy
from headwater.models.key_table import HeadKeys, KeyTable

_KEYS = KeyTable(
    prefix="electra.",
    body=encoder_modules("electra") | {"body.projection": "electra.embeddings_project"},
    heads=encoder_heads(
        "Electra",
        bare={},
        classifier={"head.pooler.dense": "classifier.dense", "head.dense": "classifier.out_proj"},
        masked_lm={
            "head": "generator_lm_head",
            "head.decoder.weight": "generator_lm_head.weight",
            "head.dense": "generator_predictions.dense",
            "head.norm": "generator_predictions.LayerNorm",
        },
    )
    | {
        "replaced_token": HeadKeys(
            "ElectraForPreTraining",
            {
                "head.dense": "discriminator_predictions.dense",
                "head.prediction": "discriminator_predictions.dense_prediction",
            },
        )
    },
    output=("generator_lm_head.weight", "electra.embeddings.word_embeddings.weight"),
    ignored=(r"electra\.embeddings\.position_ids",),
    unsaved="head.generator.",
)


def _read(values: dict[str, Any], json: Json, default: ElectraConfig) -> dict[str, Any]:
    # A classifier drops as the body does unless it says otherwise.
    dropout = values.get("hidden_dropout_prob", default.hidden_dropout_prob)
    return {"classifier_dropout": dropout} | values


ELECTRA = Family(
    name="electra",
    title="ELECTRA",
    kind="encoder",
    presets=PRESETS,
    formats={
        "electra": CheckpointFormat(
            _KEYS,
            same_names(ElectraConfig, "label_names", "generator_hidden_size"),
            ElectraConfig(),
            "electra-base-discriminator",
        )
    },
    sizes=lambda config: BodySizes(
        hidden_size=config.hidden_size,
        layers=config.num_hidden_layers,
        longest_input=config.max_position_embeddings,
        segments=config.type_vocab_size,
        first_position=0,
    ),
    summary=lambda config: (
        f"{config.num_hidden_layers} layers, {config.hidden_size} wide, "
        f"{config.num_attention_heads} heads, encoder"
    ),
    training={"optimizer": "adamw", "schedule": "linear", "warmup": 0.1},
    objectives=("mlm", "replaced_tokens"),
    refuse_objective=refuse_objective,
    quick=QuickStudy(
        preset="electra-small-discriminator",
        sizes={
            "embedding_size": 32,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 256,
            "max_position_embeddings": 64,
            "initializer_range": 0.05,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        objective={"objective": "mlm", "mlm": {"max_length": 32, "next_sentence": False}},
        learning_rate=2e-3,
    ),
    read=_read,
)
