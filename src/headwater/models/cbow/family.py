"""The shape of a continuous bag of words, and its record. Free of torch.

Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.1.
The preset has the 300 numbers a word of their released vectors and of table 3's largest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from headwater.models.config import BodySizes, same_names
from headwater.models.family import CheckpointFormat, Family, QuickStudy
from headwater.models.key_table import HeadKeys, KeyTable


@dataclass(frozen=True, slots=True)
class CBOWConfig:
    """Sizes of the tables of input and output vectors.

    vector_size: the width of a word's vector.
    """

    model_type: Literal["cbow"] = "cbow"
    vocab_size: int = 30000
    vector_size: int = 300
    samples: int = 1024
    """Words that a training step compares its own with; see `nn.sampled`."""
    window: int = 4
    """Words on either side that it was trained with; the objective's, no tensor depends on it."""


PRESETS: Mapping[str, CBOWConfig] = {"cbow": CBOWConfig()}

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
