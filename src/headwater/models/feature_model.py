"""A small model on the outputs of a frozen body: how pre-trained vectors were used before the body
itself was fine-tuned.

    tokens -> body, frozen -> [layers]          computed once for each sequence
           -> mix, or side by side -> dropout -> BiLSTM -> head

One layer, the last four side by side (Devlin et al. 2019, section 5.3 and table 7), or a learned
mix of all (Peters et al. 2018, equation 1). What the head reads is, of a token or a span, the
position itself, and of a whole text the mean over its tokens. A pair of texts with means u and v is
u, v, |u - v|, u * v side by side (Conneau et al. 2017, "Supervised Learning of Universal Sentence
Representations from Natural Language Inference Data", section 2.1 and figure 1).
"""

from collections.abc import Callable
from typing import Any, Literal, Self, final

import torch
from torch import Tensor, nn

from headwater.errors import UserError
from headwater.models.body import Body
from headwater.models.config import HeadName, ModelConfig
from headwater.models.families import sizes_of
from headwater.models.features_config import FeaturesConfig
from headwater.models.heads import Head, PooledHead, SpanHead, TokenHead
from headwater.models.losses import Batch
from headwater.nn.bilstm import bilstm, bilstm_states
from headwater.nn.dropout import Dropout
from headwater.nn.layer_mix import LayerMix

Kind = Literal["sequence", "regression", "token", "span"]
Known = Callable[[Batch], Tensor | None]
LAST_FOUR = 4


@final
class FeatureModel(nn.Module):
    """The body with the small model on it. It takes the batches of `models.heads.ModelWithHead`.

    Args:
        body: never trained, and always in eval mode.
        features: what is taken from it, and how it is read.
        kind: what the head gives.
        labels: the classes of a "sequence" or "token" head, in the order of its outputs.
        pairs: whether some texts have a second one, told apart by `token_type_ids`.

    Attributes:
        known: gives the vectors of a batch that were computed before; None, or where it gives
            None, they are computed by the body.
    """

    def __init__(
        self,
        body: Body,
        features: FeaturesConfig,
        kind: Kind,
        labels: tuple[str, ...] = (),
        *,
        pairs: bool = False,
    ) -> None:
        super().__init__()
        self.body, self.features = body, features
        self.kind, self.labels, self.pairs = kind, labels, pairs
        self.known: Known | None = None
        sizes = sizes_of(body.config)
        if sizes.one_stack:
            raise UserError(
                "method 'features' takes the outputs of an encoder, and this model has none: it "
                "reads inputs and targets as one text"
            )
        self.layers = _chosen(features, sizes.layers + 1)
        self.mix = LayerMix(len(self.layers)) if features.layers == "mix" else None
        self.dropout = Dropout(features.dropout)
        wide = sizes.hidden_size * (1 if self.mix else len(self.layers))
        self.lstm = bilstm(wide, features.lstm) if features.lstm else None
        self.head = _head(kind, 2 * features.lstm or wide, len(labels), pairs)

    @property
    def config(self) -> ModelConfig:
        """The body's sizes."""
        return self.body.config

    @property
    def head_name(self) -> HeadName:
        """What its head gives."""
        return self.head.name

    def for_task(self, task: str) -> Self:
        """Return itself."""
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch the small model's dropout; the body stays as it is asked for its outputs."""
        super().train(mode)
        self.body.eval()
        return self

    def taken(self, batch: Batch) -> Tensor:
        """Return the chosen outputs of the body, `[batch, length, layers, width]`."""
        with torch.no_grad():
            found = self.body.layer_outputs(batch)
            return torch.stack([found[layer] for layer in self.layers], 2)

    def hidden(self, batch: Batch) -> Tensor:
        """Return what the head reads: `[batch, length, width]`, of a whole text `[batch, width]`.

        Positions of padding are 0 before the BiLSTM.
        """
        found = None if self.known is None else self.known(batch)
        vectors = self.taken(batch) if found is None else found
        mask = batch.get("attention_mask")
        mask = torch.ones_like(batch["input_ids"]) if mask is None else mask
        mixed = vectors.flatten(2) if self.mix is None else self.mix(vectors.movedim(2, 0))
        mixed = self.dropout(mixed.masked_fill(~mask.bool()[:, :, None], 0))
        states = mixed if self.lstm is None else bilstm_states(self.lstm, mixed, mask)
        if self.kind in ("token", "span"):
            return states
        segments = batch.get("token_type_ids", torch.zeros_like(mask)) if self.pairs else None
        return _means(states, mask, segments)

    def forward(self, batch: Batch) -> Any:
        """Return the head's outputs: a tensor, or a named tuple of them, float32 at least."""
        hidden = self.hidden(batch)
        return self.head(hidden, hidden)

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the loss as a sum over the labels that `loss_counts` counts."""
        hidden = self.hidden(batch)
        return self.head.loss_sums(hidden, hidden, batch)

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count examples or tokens from the labels alone."""
        return self.head.loss_counts(batch)

    def small(self) -> dict[str, Tensor]:
        """Return the tensors of the small model by name: all but the body's."""
        state = self.state_dict()
        return {name: each for name, each in state.items() if not name.startswith("body.")}


def _chosen(features: FeaturesConfig, count: int) -> range:
    """Return the numbers of the outputs that are taken from the body."""
    layers = features.layers
    match layers:
        case "mix":
            return range(count)
        case "last":
            return range(count - 1, count)
        case "last_four":
            if count < LAST_FOUR:
                raise UserError(
                    f'features.layers = "last_four": this body has {count} outputs; take "mix"'
                )
            return range(count - LAST_FOUR, count)
        case _:
            if not 0 <= layers < count:
                raise UserError(f"features.layers = {layers}: this body has 0 to {count - 1}")
            return range(layers, layers + 1)


def _head(kind: Kind, wide: int, labels: int, pairs: bool) -> Head:
    """Build the head; what it reads is pooled already where it reads a whole text."""
    if kind == "span":
        return SpanHead(wide)
    if kind == "token":
        return TokenHead(wide, labels, 0.0)
    dense = nn.Linear(4 * wide if pairs else wide, labels if kind == "sequence" else 1)
    return PooledHead(nn.Identity(), dense, 0.0, kind)


def _means(states: Tensor, mask: Tensor, segments: Tensor | None) -> Tensor:
    """Return the mean over real positions, of a pair both segments' and how they compare."""
    if segments is None:
        return _mean(states, mask.bool())
    first, second = (_mean(states, mask.bool() & (segments == number)) for number in (0, 1))
    return torch.cat((first, second, (first - second).abs(), first * second), 1)


def _mean(states: Tensor, real: Tensor) -> Tensor:
    weights = real / real.sum(1, keepdim=True).clamp(min=1)
    return torch.einsum("blw,bl->bw", states, weights.to(states))
