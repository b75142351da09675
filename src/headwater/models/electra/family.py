"""The record of ELECTRA. Free of torch."""

from headwater.models.bert.keys import ROBERTA_CLASSIFIER, encoder_heads, encoder_modules
from headwater.models.config import same_names
from headwater.models.electra.config import PRESETS, ElectraConfig, refuse_objective
from headwater.models.encoder_record import (
    NO_DROPOUT,
    TRAINING,
    masked_lm_study,
    sizes,
    summary,
    with_dropout,
)
from headwater.models.family import CheckpointFormat, Family
from headwater.models.key_table import HeadKeys, KeyTable

_KEYS = KeyTable(
    prefix="electra.",
    body=encoder_modules("electra") | {"body.projection": "electra.embeddings_project"},
    heads=encoder_heads(
        "Electra",
        bare={},
        classifier=ROBERTA_CLASSIFIER,
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
    sizes=lambda config: sizes(config.layer),
    summary=summary,
    training=TRAINING,
    pretraining={"learning_rate": 2e-4},  # of a base model: Clark et al. 2020, table 6
    objectives=("mlm", "replaced_tokens"),
    refuse_objective=refuse_objective,
    quick=masked_lm_study(
        "electra-small-discriminator", embedding_size=32, num_hidden_layers=2, **NO_DROPOUT
    ),
    read=with_dropout,
    block=lambda config: config.layer,
)
