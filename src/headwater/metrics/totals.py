"""Scores as functions of sums over items: `[..., columns]` gives percents `[...]`.

They equal those of `classification`, `tagging` and `generation`, whose definitions they share; see
`items` for what the columns are. A score of nothing is 0.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def ratio(totals: Array) -> Array:
    """Percent of the second of two sums that the first one is."""
    return 100.0 * _divided(totals[..., 0], totals[..., 1])


def f1(totals: Array) -> Array:
    """F1 in percent of three sums: what is gold, what is predicted, what is both."""
    return 200.0 * _divided(totals[..., 2], totals[..., 0] + totals[..., 1])


def macro_f1(totals: Array) -> Array:
    """Mean F1 of the labels, of three sums for each."""
    by_label = totals.reshape(*totals.shape[:-1], -1, 3)
    return np.asarray(f1(by_label).mean(-1))


def matthews(totals: Array) -> Array:
    """Matthews' correlation of the right ones, then golds by class, then predictions by class."""
    right, classes = totals[..., 0], (totals.shape[-1] - 1) // 2
    golds, predicted = totals[..., 1 : 1 + classes], totals[..., 1 + classes :]
    count = golds.sum(-1)
    covariance = count * right - (golds * predicted).sum(-1)
    spreads = (count**2 - (each**2).sum(-1) for each in (golds, predicted))
    return 100.0 * _divided(covariance, np.sqrt(np.prod([*spreads], axis=0)))


def correlation(totals: Array) -> Array:
    """Pearson's correlation of the sums of 1, x, y, xx, yy, xy."""
    count, x, y, xx, yy, xy = np.moveaxis(totals, -1, 0)
    spreads = [
        np.where(total - sums**2 / count > 1e-12 * total, total - sums**2 / count, 0.0)
        for sums, total in ((x, xx), (y, yy))
    ]
    return 100.0 * np.clip(_divided(xy - x * y / count, np.sqrt(spreads[0] * spreads[1])), -1, 1)


def bleu(totals: Array) -> Array:
    """BLEU of the sums of `generation.bleu_each`, with sacrebleu's smoothing `exp`."""
    same, every, written, expected = (
        *(totals[..., :4], totals[..., 4:8]),
        *(totals[..., 8], totals[..., 9]),
    )
    none = same == 0
    halved = np.where(none, 0.5 ** np.cumsum(none, -1), same)
    precisions = _divided(halved, every)
    with np.errstate(divide="ignore"):
        mean = np.exp(np.log(precisions).mean(-1))
    brevity = np.exp(np.minimum(0.0, 1.0 - _divided(expected, written)))
    return 100.0 * np.where(same.any(-1), mean * brevity, 0.0)


def _divided(dividend: Array, divisor: Array) -> Array:
    return np.divide(dividend, divisor, out=np.zeros_like(dividend), where=divisor > 0)
