"""Vectors of length 1, whose products are cosines."""

import numpy as np
from numpy.typing import NDArray


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors `[count, width]` of length 1; one of length 0 stays as it is."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: NDArray[np.float32] = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return units
