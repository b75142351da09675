"""Telling replaced tokens from those of the text: Clark et al. 2020, section 3.1 and figure 2.

    text             the  chef  cooked  the  meal
    masked           the  chef  [MASK]  the  meal
    generator        the  chef  ate     the  meal      sampled from a small masked LM
    discriminator     0    0     1       0    0        replaced?

Both learn together, on one table of token, segment and position vectors. The loss of the
discriminator, of all tokens, counts fifty times (table 6). A generator that hits the token of the
text has replaced nothing. After pre-training it is thrown out: no folder holds it.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.models.bert.network import Embeddings, block
from headwater.models.body import Body
from headwater.models.config import HeadName
from headwater.models.electra.config import ElectraConfig
from headwater.models.heads import Head, MaskedLMHead
from headwater.models.losses import IGNORED, Batch, count, cross_entropy_sum
from headwater.nn.feedforward import ACTIVATIONS
from headwater.nn.masks import additive, visible
from headwater.nn.norm import at_least_float32

WEIGHT = 50.0
"""Of the discriminator's loss beside that of the generator."""
_GENERATOR_LOSS = "generator_loss"


class Generator(nn.Module):
    """A small masked LM on the vectors of the discriminator."""

    def __init__(self, config: ElectraConfig) -> None:
        super().__init__()
        small, width = config.generator, config.generator_hidden_size
        self.projection = nn.Linear(config.embedding_size, width)
        self.layers = nn.ModuleList(block(small) for _ in range(small.num_hidden_layers))
        dense = nn.Linear(width, config.embedding_size)
        self.head = MaskedLMHead(dense, config.vocab_size, "gelu", config.layer_norm_eps)

    def forward(self, batch: Batch, embeddings: Embeddings) -> Tensor:
        """Return the scores `[labelled, vocabulary]` of the tokens with a label."""
        blocks = batch.get("blocks")
        vectors = embeddings(batch["input_ids"], batch.get("token_type_ids"), blocks)
        hidden = self.projection(vectors)
        allowed = visible(batch.get("attention_mask"), query_blocks=blocks, key_blocks=blocks)
        bias = additive(allowed, at_least_float32(hidden).dtype)
        for layer in self.layers:
            hidden = layer(hidden, bias)
        labelled = batch["labels"] != IGNORED
        scores: Tensor = self.head(hidden[labelled], embeddings.token.weight)
        return scores


class ReplacedTokenHead(Head):
    """Whether each token was replaced: `[batch, length]`.

    Labels: `labels` `[batch, length]`, 1 where a token was replaced, IGNORED on padding. With a
    generator, those of a masked LM.
    """

    name: HeadName = "replaced_token"

    def __init__(self, config: ElectraConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.dense = nn.Linear(width, width)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.prediction = nn.Linear(width, 1)
        self.generator = Generator(config) if config.generator_hidden_size else None

    def forward(self, hidden: Tensor, vectors: Tensor) -> Tensor:
        logits: Tensor = self.prediction(self.activation(self.dense(hidden)))
        return at_least_float32(logits.squeeze(-1))

    def prepared(self, batch: Batch, body: Body) -> Batch:
        """Let the generator fill what is masked, and label what it replaced."""
        if self.generator is None:
            return batch
        ids, labels = batch["input_ids"], batch["labels"]
        scores = self.generator(batch, cast(Embeddings, body.get_submodule("embeddings")))
        labelled = labels != IGNORED
        original = ids.where(~labelled, labels)
        filled = original.masked_scatter(labelled, self._sampled(scores).to(ids.dtype))
        replaced = (filled != original).long().where(_real(batch), IGNORED)
        loss = cross_entropy_sum(scores, labels[labelled])
        return {**batch, "input_ids": filled, "labels": replaced, _GENERATOR_LOSS: loss}

    def loss_sums(self, hidden: Tensor, vectors: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Sum the binary cross-entropies of all tokens with a label, and those of the generator."""
        labels = batch["labels"]
        labelled = labels != IGNORED
        logits = self(hidden, vectors)[labelled]
        targets = labels[labelled].to(logits.dtype)
        loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
        if self.generator is None:
            return {self.name: loss}
        return {"masked_lm": batch[_GENERATOR_LOSS], self.name: WEIGHT * loss}

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        if self.generator is None:
            return {self.name: count(batch["labels"])}
        return {"masked_lm": count(batch["labels"]), self.name: int(_real(batch).sum())}

    def _sampled(self, scores: Tensor) -> Tensor:
        """Draw a token for each row of scores `[labelled, vocabulary]`; measuring, always alike."""
        chances = scores.detach().float().softmax(-1)
        if self.training or not len(chances):
            return torch.multinomial(chances, 1)[:, 0] if len(chances) else chances[:, 0].long()
        fixed = torch.Generator(scores.device).manual_seed(0)
        return torch.multinomial(chances, 1, generator=fixed)[:, 0]


def _real(batch: Batch) -> Tensor:
    """Return which positions hold a token of a text, `[batch, length]`."""
    mask = batch.get("attention_mask")
    if mask is None:
        mask = batch.get("blocks")
    return torch.ones_like(batch["input_ids"], dtype=torch.bool) if mask is None else mask.bool()
