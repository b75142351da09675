"""What the features of all heads share: the arrays of a sequence, and a fingerprint of them all."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.data.convert import Features
from headwater.text.sequence_layout import SequenceLayout


def sequence_arrays(parts: Sequence[Any], second_from: int | None = None) -> Features:
    """Join ids to `input_ids`, with `token_type_ids` 1 from an index on, both int32 [length]."""
    ids = np.concatenate(parts, dtype=np.int32, casting="unsafe")  # () is of no integer type
    segments = np.zeros(len(ids), np.int32)
    if second_from is not None:
        segments[second_from:] = 1
    return {"input_ids": ids, "token_type_ids": segments}


def fingerprint(layout: SequenceLayout, arrays: Iterable[NDArray[Any] | None]) -> str:
    """SHA-256 over everything that features are made of."""
    digest = hashlib.sha256(layout.identity)
    for array in arrays:
        if array is not None:
            digest.update(array.tobytes())
    return digest.hexdigest()
