"""The record of ELMo. Free of torch."""

from typing import Any

from headwater.models.config import BodySizes, HeadName, same_names
from headwater.models.elmo.config import PRESETS, ELMoConfig
from headwater.models.family import CheckpointFormat, Family, QuickStudy
from headwater.models.key_table import HeadKeys, KeyTable

_KEYS = KeyTable(
    prefix="",
    body={
        f"body.{name}": name
        for name in (
            "token.cnn.embedding",
            "token.cnn.convolutions.{n}",
            "token.highway.{n}.gate",
            "token.highway.{n}.transform",
            "token.projection",
            "lstm.{n}",
            "softmax",
        )
    },
    heads={None: HeadKeys("HeadwaterELMo", {})},
)
"""Names of our own; the published format is that of `released.py`."""


def _write(config: ELMoConfig, head: HeadName | None) -> dict[str, Any]:
    """One that has no words says nothing of them."""
    return {} if config.vocab_size else {"vocab_size": None}


ELMO = Family(
    name="elmo",
    title="ELMo",
    kind="word_vectors",
    presets=PRESETS,
    formats={"elmo": CheckpointFormat(_KEYS, same_names(ELMoConfig), ELMoConfig(), "elmo")},
    sizes=lambda config: BodySizes(2 * config.projection_dim, config.num_layers),
    summary=lambda config: (
        f"{config.num_layers} layers, {config.projection_dim} wide, {config.cells} cells, "
        "two directions"
    ),
    added_up="each is read by its characters, with special ones for its begin and end",
    reads_characters=True,
    training={
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "schedule": "linear",
        "warmup": 0.05,
        "weight_decay": 0.0,
    },
    objectives=("bilm",),
    quick=QuickStudy(
        preset="elmo",
        sizes={
            "filters": [[1, 16], [2, 16], [3, 32]],
            "num_highway": 1,
            "projection_dim": 32,
            "cells": 64,
            "samples": 128,
            "dropout_rate": 0.0,
        },
        objective={"objective": "bilm", "lm": {"length": 32}},
        learning_rate=5e-3,
    ),
    write=_write,
)
