"""The loss of a text-to-text model on a mixture, task by task.

Examples of several tasks share a batch, and the loss is the mean over all their targets, as of one
task (Raffel et al. 2020, section 2.4: every task is the same task). Only what is reported is
split: a batch whose tasks have 30 and 10 targets gives two terms, both divided by 40.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.models.losses import IGNORED, Batch, count
from headwater.models.text_to_text import TextToText


class PerTaskLoss(nn.Module):
    """Trains `network`, whose batches carry `task`, int64 `[batch]`: indices in `names`."""

    def __init__(self, network: TextToText, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, tuple(names)

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of each task's targets, summed."""
        labels, labelled = batch["labels"], batch["labels"] != IGNORED
        logits = self.network.scores(self.network.states(batch)[labelled])
        losses = F.cross_entropy(logits, labels[labelled], reduction="none")
        task = batch["task"][:, None].expand_as(labels)[labelled]
        sums = losses.new_zeros(len(self.names)).index_add(0, task, losses)
        return dict(zip(self.names, sums.unbind(), strict=True))

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count the targets of all tasks, by which each term is divided."""
        return dict.fromkeys(self.names, count(batch["labels"]))

    def own_counts(self, batch: Batch) -> dict[str, int]:
        """Count the targets of each task."""
        targets = (batch["labels"] != IGNORED).sum(1)
        counts = torch.zeros(len(self.names), dtype=torch.long, device=targets.device)
        own = counts.index_add(0, batch["task"], targets).tolist()
        return dict(zip(self.names, own, strict=True))
