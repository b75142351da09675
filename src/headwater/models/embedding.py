"""A vector for each text, by which passages are found for a question.

    question  -> encoder -> pooling -> vector \\
                                               cosine, the larger the nearer
    passage   -> encoder -> pooling -> vector /

A question should be nearest to its own passage. Those of the other questions in the batch, and the
hard negatives of all, are what it is to be far from (Karpukhin et al. 2020, "Dense Passage
Retrieval for Open-Domain Question Answering", sections 3.1 and 3.2); the loss is the cross-entropy
of 20 times the cosines ("multiple negatives ranking loss", Henderson et al. 2017, section 4.4, with
cosines).

In training the texts of an example are one packed sequence, whose blocks cannot see each other:

    input_ids   [CLS] who wrote it [SEP] [CLS] ada wrote it [SEP]
    blocks        1    1    1    1   1     2    2    2    2   2
    passages      7                          the passage's number, those of hard negatives after it
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.models.config import HeadName
from headwater.models.embedding_config import DenseConfig, EmbeddingConfig, Pooling
from headwater.models.heads import Head
from headwater.models.losses import Batch, cross_entropy_sum
from headwater.nn.norm import at_least_float32

SCALE = 20.0
ACTIVATIONS = ("Tanh", "Identity", "ReLU", "GELU", "Sigmoid")
"""Those of dense layers, as `torch.nn` names them."""


class Normalize(nn.Module):
    """Divides a vector by its length."""

    def forward(self, vectors: Tensor) -> Tensor:
        return F.normalize(vectors, dim=-1)


class EmbeddingHead(Head):
    """Makes one vector of a text's outputs.

    The batch of its loss also holds `blocks` `[batch, length]`, a question as 1 and its passages
    from 2 on, and `passages` `[batch, most passages]`: their numbers, that of the right one first;
    0 where an example has fewer.
    """

    name: HeadName = "embedding"
    label = "passages"

    def __init__(self, config: EmbeddingConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(*map(_layer, config.layers))

    def read(self, hidden: Tensor, batch: Batch) -> Tensor:
        """Pool: `[batch, width]`; of packed texts `[batch, texts, width]`."""
        blocks, mask = batch.get("blocks"), batch.get("attention_mask")
        if blocks is None:
            real = torch.ones_like(batch["input_ids"]) if mask is None else mask
            return self._pooled(hidden, real.bool())
        texts = range(1, int(blocks.max()) + 1)
        return torch.stack([self._pooled(hidden, blocks == text) for text in texts], 1)

    def forward(self, hidden: Tensor, vectors: Tensor) -> Tensor:
        """Return the vectors of what was pooled, float32 at least."""
        found: Tensor = self.layers(hidden)
        return at_least_float32(found)

    def loss_sums(self, hidden: Tensor, vectors: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Sum the cross-entropies of the right passages among all of the batch.

        Another copy of the right passage, which some other question has, is no negative.
        """
        found = F.normalize(self(hidden, vectors), dim=-1)
        questions, passages = found[:, 0], found[:, 1:].flatten(0, 1)
        with torch.autocast(found.device.type, enabled=False):
            scores = SCALE * questions @ passages.T  # [batch, batch x most passages]
        numbers = batch["passages"]
        every, right = numbers.flatten()[None], numbers[:, :1]
        columns = torch.arange(0, every.shape[1], numbers.shape[1], device=scores.device)
        out = (every == right) | (every == 0)
        out = out.scatter(1, columns[:, None], False)
        return {self.name: cross_entropy_sum(scores.masked_fill(out, -torch.inf), columns)}

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count the questions."""
        return {self.name: len(batch["passages"])}

    def _pooled(self, hidden: Tensor, real: Tensor) -> Tensor:
        """Pool the real positions, bool `[batch, length]`; where there are none, the first."""
        real = torch.cat((real[:, :1] | ~real.any(1, keepdim=True), real[:, 1:]), 1)
        return torch.cat([_pool(each, hidden, real) for each in self.config.pooling], -1)


def _pool(pooling: Pooling, hidden: Tensor, real: Tensor) -> Tensor:
    """Pool `[batch, length, width]` to `[batch, width]`."""
    positions = real.cumsum(1)  # of the real ones from 1
    match pooling:
        case "cls" | "lasttoken":
            wanted = 1 if pooling == "cls" else positions[:, -1:]
            index = ((positions == wanted) & real).int().argmax(1)
            return hidden[torch.arange(len(index), device=index.device), index]
        case "max":
            return hidden.masked_fill(~real[..., None], -torch.inf).max(1).values
    weights = (positions * real if pooling == "weightedmean" else real).to(hidden.dtype)
    count = weights.sum(1, keepdim=True)
    divisor = count.sqrt() if pooling == "mean_sqrt_len_tokens" else count
    return (hidden * weights[..., None]).sum(1) / divisor


def _layer(config: DenseConfig | Literal["normalize"]) -> nn.Module:
    if config == "normalize":
        return Normalize()
    assert isinstance(config, DenseConfig) and config.activation in ACTIVATIONS
    dense = nn.Linear(config.inputs, config.outputs, bias=config.bias)
    return nn.Sequential(dense, getattr(nn, config.activation)())
