"""The shape of a continuous bag of words. Free of torch.

Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.1.
The preset has the 300 numbers a word of their released vectors and of table 3's largest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class CBOWConfig:
    """Sizes of the tables of input and output vectors."""

    model_type: Literal["cbow"] = "cbow"
    vocab_size: int = 30000
    vector_size: int = 300
    samples: int = 1024
    """Words that a training step compares its own with; see `nn.sampled`."""
    window: int = 4
    """Words on either side that it was trained with; the objective's, no tensor depends on it."""


PRESETS: Mapping[str, CBOWConfig] = MappingProxyType({"cbow": CBOWConfig()})
