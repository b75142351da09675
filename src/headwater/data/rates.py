"""How often each task of a mixture is drawn: Raffel et al. 2020, section 3.5.2.

    proportional   r_m = min(e_m, K) / sum of min(e_n, K)      e_m examples, artificial limit K
    temperature    r_m ** (1 / T), scaled to add up to one     T = 1 is proportional
    equal          1 / N                                       what T grows towards

Sizes 900, 90 and 10 with K = 100 give 0.5, 0.45 and 0.05; with T = 2 besides, 0.44, 0.42 and 0.14.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rates = NDArray[np.float64]


def proportional(sizes: Sequence[int], cap: int | None = None) -> Rates:
    """Examples-proportional mixing; `cap` is the artificial limit K, None for none."""
    counted = np.minimum(sizes, np.inf if cap is None else cap)
    rates: Rates = counted / counted.sum()
    return rates


def temperature(sizes: Sequence[int], temperature: float, cap: int | None = None) -> Rates:
    """Temperature-scaled mixing, T > 0 (T5 takes K = 2^21 for it)."""
    counted = proportional(sizes, cap)
    scaled = (counted / counted.max()) ** (1.0 / temperature)  # of a small T only the most remains
    rates: Rates = scaled / scaled.sum()
    return rates


def equal(sizes: Sequence[int]) -> Rates:
    """Equal mixing: each task as often as any other."""
    return np.full(len(sizes), 1.0 / len(sizes))
