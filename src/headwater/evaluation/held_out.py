"""The loss on held-out text, by which a pre-trained model is measured."""

import math
from collections import Counter
from itertools import islice
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from headwater.data.batching import collate
from headwater.data.convert import FeatureSet
from headwater.distributed.processes import ONE, Processes, added
from headwater.inference.batches import batches
from headwater.inference.running import evaluating
from headwater.models.losses import LossModel

TOKENS = 8192  # of a batch, padding included


def spread(count: int, limit: int) -> NDArray[np.int64]:
    """Return the numbers of at most `limit` of `count` sequences, at equal distances."""
    return np.unique(np.linspace(0, count - 1, min(limit, count)).astype(np.int64))


def held_out_loss(
    model: nn.Module,
    sequences: FeatureSet,
    limit: int,
    pad_id: int,
    processes: Processes = ONE,
) -> dict[str, float]:
    """Return the mean of each loss term over at most `limit` sequences, spread over the text.

    `loss` is their sum and `perplexity` e to the first term, the one over tokens. A model with
    several terms (masked tokens and next sentences) also has each by its name. The noise is that
    of epoch 0, so that two measurements differ by the model alone. Processes take turns with the
    batches.
    """
    chosen = spread(len(sequences), limit)
    device = next(model.parameters()).device
    measured = cast(LossModel, model)
    sums: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    with evaluating(model):
        cut = batches(sequences.lengths[chosen], TOKENS)
        for indices in islice(cut, processes.rank, None, processes.world):
            batch = collate(sequences.features(chosen[indices], 0), pad_id, device)
            counts.update(measured.loss_counts(batch))
            sums.update({name: float(term) for name, term in measured.loss_sums(batch).items()})
    found = processes.gather((sums, counts))
    counts = Counter(added(each for _, each in found))
    totals = added(each for each, _ in found)
    means = {name: total / max(1, counts[name]) for name, total in totals.items()}
    of_tokens = next(iter(means.values()))
    metrics = {"loss": sum(means.values()), "perplexity": math.exp(min(of_tokens, 700.0))}
    return metrics | (means if len(means) > 1 else {})
