"""The record of the continuous bag of words. Free of torch."""

from headwater.models.cbow.config import PRESETS, CBOWConfig
from headwater.models.config import BodySizes, same_names
from headwater.models.family import CheckpointFormat, Family, QuickStudy
from headwater.models.key_table import HeadKeys, KeyTable

_KEYS = KeyTable(
    prefix="",
    body={"body.token": "input", "body.output": "output"},
    heads={None: HeadKeys("HeadwaterCBOW", {})},
)
"""Names of our own: the input table, which holds the word vectors, and the output one."""

CBOW = Family(
    name="cbow",
    title="CBOW",
    kind="word_vectors",
    presets=PRESETS,
    formats={"cbow": CheckpointFormat(_KEYS, same_names(CBOWConfig), CBOWConfig(), "cbow")},
    sizes=lambda config: BodySizes(config.vector_size, layers=0),
    summary=lambda config: (
        f"vectors of {config.vocab_size} words, {config.vector_size} wide, continuous bag of words"
    ),
    added_up="the vectors around each are averaged",
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
