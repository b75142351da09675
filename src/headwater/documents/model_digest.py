"""By what an index knows a model again: a digest of its weights."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=4)
def digest(folder: Path) -> str:
    """Return the SHA-256 of those of a model's weight files."""
    from headwater.checkpoints.parts import weight_sums  # it brings torch

    sums = json.dumps(weight_sums(folder), sort_keys=True)
    return hashlib.sha256(sums.encode()).hexdigest()
