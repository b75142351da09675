"""The record of the continuous bag of words. Free of torch."""

from typing import TYPE_CHECKING

from headwater.models.cbow import keys
from headwater.models.cbow.config import PRESETS, CBOWConfig
from headwater.models.config import BodySizes, same_names
from headwater.models.family import CheckpointFormat, Family, QuickStudy

if TYPE_CHECKING:
    from torch import nn

    from headwater.models.body import Body


def _build_body(config: CBOWConfig, bare: bool) -> "Body":
    from headwater.models.cbow.network import CBOW

    return CBOW(config)


def _initialize(module: "nn.Module", config: CBOWConfig) -> None:
    from headwater.models.cbow.network import initialize

    initialize(module)


CBOW = Family(
    name="cbow",
    title="CBOW",
    kind="word_vectors",
    presets=PRESETS,
    formats={"cbow": CheckpointFormat(keys.CBOW, same_names(CBOWConfig), CBOWConfig(), "cbow")},
    sizes=lambda config: BodySizes(config.vector_size, layers=0),
    summary=lambda config: (
        f"vectors of {config.vocab_size} words, {config.vector_size} wide, continuous bag of words"
    ),
    added_up="the vectors around each are averaged",
    build_body=_build_body,
    initialize=_initialize,
    training={
        "optimizer": "adamw",
        "learning_rate": 3e-2,  # the best of 3e-3, 1e-2 and 3e-2 over 200 steps (docs/words.md)
        "schedule": "linear",
        "warmup": 0.05,
        "weight_decay": 0.0,
    },
    objectives=("cbow",),
    quick=QuickStudy(
        preset="cbow",
        sizes={"vector_size": 64},
        objective={"objective": "cbow"},
        learning_rate=3e-2,
    ),
)
