"""What all models that map text to text share: targets are predicted one by one.

    batch -> `states`, each network's own -> `scores` [batch, targets, vocabulary] -> loss

(Raffel et al. 2020, section 2.4.)
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.models.body import EncoderBody, GeneratingBody
from headwater.models.families import sizes_of
from headwater.models.losses import IGNORED, Batch, count, cross_entropy_sum
from headwater.nn.attention import Attention, KeyValues


class TextToText(GeneratingBody):
    """The loss of targets, from the states and the scores of a network."""

    @property
    def start_id(self) -> int:
        """What a decoder begins with."""
        start = sizes_of(self.config).decoder_start_id
        assert start is not None
        return start

    @property
    def head(self) -> nn.Module | None:
        """What trains as a whole where the rest is only adapted; None: nothing."""
        return None

    def states(self, batch: Batch) -> Tensor:
        """Return the states `[batch, targets, width]` from which the targets are predicted."""
        raise NotImplementedError

    def scores(self, states: Tensor) -> Tensor:
        """Score the vocabulary by states `[.., width]`: `[.., vocabulary]`, float32 at least."""
        raise NotImplementedError

    def untied_output(self) -> nn.Module:
        """Return the output layer, as parameters that nothing else has; only without a head."""
        raise NotImplementedError

    def take_encoder(self, encoder: EncoderBody) -> None:
        """Read with that encoder, of the sizes in the config; only what is built on one does."""
        raise NotImplementedError

    def forward(self, batch: Batch) -> Tensor:
        """Score each target given those before it: `[batch, targets, vocabulary]`."""
        return self.scores(self.states(batch))

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy, summed over the targets with a label."""
        labelled = batch["labels"] != IGNORED
        logits = self.scores(self.states(batch)[labelled])
        return {"tokens": cross_entropy_sum(logits, batch["labels"][labelled])}

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count the targets with a label."""
        return {"tokens": count(batch["labels"])}


class PerTaskLoss(nn.Module):
    """The loss of a mixture, task by task. Its batches carry `task` `[batch]`: indices in `names`.

    Examples of several tasks share a batch, and the loss is the mean over all their targets, as of
    one task (section 2.4). Only what is reported is split: a batch whose tasks have 30 and 10
    targets gives two terms, both divided by 40.
    """

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


def shift_right(labels: Tensor, start_id: int, pad_id: int, blocks: Tensor | None = None) -> Tensor:
    """Return what predicts targets `[batch, targets]`: the start id, then the targets but the last.

    Those that are IGNORED become padding. In packed sequences each of the `blocks` begins so.
    """
    before = labels.new_full((labels.shape[0], 1), start_id)
    ids = torch.cat([before, labels[:, :-1]], dim=1)
    if blocks is not None:
        begins = blocks[:, 1:] != blocks[:, :-1]
        ids[:, 1:].masked_fill_(begins, start_id)
    return ids.masked_fill(ids == IGNORED, pad_id)


def project(layers: nn.ModuleList, memory: Tensor) -> list[KeyValues]:
    """Project the memory `[batch, inputs, width]` once for each layer of a decoder."""
    attentions = [cast(Attention, layer.get_submodule("cross.layer")) for layer in layers]
    if attentions[0].in_bf16:
        memory = memory.to(torch.bfloat16)  # once, not in each product
    return [each.keys_values(memory) for each in attentions]
