"""How far predicted numbers are from gold ones; they equal scikit-learn's.

Golds stand first, predictions second, in one order.

>>> golds, predictions = [1.0, 2.0, 3.0], [1.0, 2.0, 5.0]
>>> mean_squared_error(golds, predictions), mean_absolute_error(golds, predictions)
(1.3333333333333333, 0.6666666666666666)
>>> r_squared(golds, predictions)
-100.0
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headwater.errors import UserError


def mean_squared_error(golds: Sequence[float], predictions: Sequence[float]) -> float:
    """Mean of the squared differences, in the square of the numbers' unit: 0 is best."""
    return float(np.square(_differences(golds, predictions)).mean())


def mean_absolute_error(golds: Sequence[float], predictions: Sequence[float]) -> float:
    """Mean of the absolute differences, in the numbers' unit: 0 is best."""
    return float(np.abs(_differences(golds, predictions)).mean())


def r_squared(golds: Sequence[float], predictions: Sequence[float]) -> float:
    """Percent of the golds' variance that is explained; below 0, worse than their mean.

    Of golds that are all the same it is 100.0 where each is predicted, else 0.0.
    """
    left = np.square(_differences(golds, predictions)).sum()
    whole = np.square(np.asarray(golds, np.float64) - np.mean(golds)).sum()
    if whole == 0:
        return 100.0 if left == 0 else 0.0
    return 100.0 * float(1 - left / whole)


def _differences(golds: Sequence[float], predictions: Sequence[float]) -> npt.NDArray[np.float64]:
    if not golds:
        raise UserError("there is no example to score")
    pairs = np.asarray(list(zip(golds, predictions, strict=True)), np.float64)
    differences: npt.NDArray[np.float64] = pairs[:, 1] - pairs[:, 0]
    return differences
