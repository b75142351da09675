"""What T5's architectures share: targets are predicted one by one, by one output layer.

    batch -> `states`, each architecture's own -> `[batch, targets, vocabulary]` -> loss

(Raffel et al. 2020, section 3.2: architectures differ in which position sees which alone.)
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.models.body import GeneratingBody
from headwater.models.losses import IGNORED, Batch, count, cross_entropy_sum
from headwater.nn.norm import at_least_float32

if TYPE_CHECKING:
    from headwater.models.t5.config import T5Config


class TextToText(GeneratingBody):
    """The scores and the loss of targets, from the states of an architecture.

    Attributes:
        embedding: the table of the inputs, to which scores are tied where `output` is None.
        output: see `output_layer`.
    """

    config: "T5Config"
    embedding: nn.Embedding
    output: nn.Linear | None

    def states(self, batch: Batch) -> Tensor:
        """Return the states `[batch, targets, width]` from which the targets are predicted."""
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

    def scores(self, states: Tensor) -> Tensor:
        """Score the vocabulary by states `[.., width]`: `[.., vocabulary]`, float32 at least."""
        if self.config.scale_decoder_outputs:
            states = states * self.config.d_model**-0.5
        return at_least_float32(F.linear(states, (self.output or self.embedding).weight))

    def untied_output(self) -> nn.Linear:
        """Return the output layer; where scores are tied, it becomes a copy of the embedding."""
        if self.output is None:
            config, table = self.config, self.embedding.weight
            output = nn.Linear(config.d_model, config.vocab_size, bias=False, device=table.device)
            scale = config.d_model**-0.5 if config.scale_decoder_outputs else 1.0
            with torch.no_grad():
                output.weight.copy_(table * scale)
            self.output = output
            self.config = replace(config, tie_word_embeddings=False, scale_decoder_outputs=False)
            return output
        return self.output


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


def output_layer(config: "T5Config") -> nn.Linear | None:
    """Build the output layer; None where scores are tied to the embedding."""
    if config.tie_word_embeddings:
        return None
    return nn.Linear(config.d_model, config.vocab_size, bias=False)


def shift_right(labels: Tensor, config: "T5Config", blocks: Tensor | None = None) -> Tensor:
    """Return what predicts targets `[batch, targets]`: the start id, then the targets but the last.

    Those that are IGNORED become padding. In packed sequences each of the `blocks` begins so.
    """
    before = labels.new_full((labels.shape[0], 1), config.decoder_start_token_id)
    ids = torch.cat([before, labels[:, :-1]], dim=1)
    if blocks is not None:
        begins = blocks[:, 1:] != blocks[:, :-1]
        ids[:, 1:].masked_fill_(begins, config.decoder_start_token_id)
    return ids.masked_fill(ids == IGNORED, config.pad_token_id)
