"""A softmax over many words that meets only some of them in training: Jean et al. 2015, "On Using
Very Large Target Vocabulary for Neural Machine Translation", section 3; the published ELMo's loss.

A training step draws `samples` distinct candidates, the same for all its positions, and each
position chooses between its own word and them. Frequent words are drawn more often: words are
numbered by falling frequency, and word i is drawn with a weight of log((i + 2) / (i + 1)), Zipf's
law as TensorFlow's `log_uniform_candidate_sampler` has it. Each logit is lowered by the log of the
chance that its word was drawn, so that the scores learned are those of the softmax over all words:

    loss = -log( e^(s[t] - log q[t]) / sum of e^(s[j] - log q[j]) over j in {t} and the candidates )

A candidate that is a position's own word (an accidental hit) is excluded there. In eval mode the
loss is the exact one. Of 30,000 words and with 1,000 samples, word 0 is a candidate of every step
(q = 1.00), word 999 of one in six and word 29,999 of one in 170.

The gradient is written out. It is found together with the loss, some positions at a time, whose
scores then stay in the processor's cache.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from headwater.nn.norm import at_least_float32

_SCORES = 1 << 24  # scores in memory at once in the exact loss: 64 MiB of them
_CACHED = 1 << 20  # and in the sampled one: 4 MiB
_LEAST = 512  # positions at a time, however many the scores: products of fewer are slow


class SampledSoftmax(nn.Module):
    """Output vectors and biases of words, and the loss of predicting them.

    Args:
        words: how many there are, numbered by falling frequency.
        width: of the states that predict.
        samples: candidates a training step draws; from `words` on, training is exact too.
    """

    def __init__(self, words: int, width: int, samples: int) -> None:
        super().__init__()
        self.samples = samples
        self.weight = nn.Parameter(torch.empty(words, width))
        self.bias = nn.Parameter(torch.empty(words))

    def initialize(self) -> None:
        """Draw the vectors from N(0, 1 / width), as the published ELMo's; biases are 0."""
        nn.init.normal_(self.weight, std=self.weight.shape[1] ** -0.5)
        nn.init.zeros_(self.bias)

    def forward(self, hidden: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the positions' losses, in at least float32.

        Args:
            hidden: `[positions, width]`.
            labels: `[positions]`, the word of each position; none may be left out.
        """
        if self.training and self.samples < len(self.weight):
            return self._sampled(hidden, labels)
        parts = -(-len(labels) * len(self.weight) // _SCORES) or 1
        both = zip(hidden.tensor_split(parts), labels.tensor_split(parts), strict=True)
        losses = [F.cross_entropy(self.logits(h), t, reduction="sum") for h, t in both]
        return torch.stack(losses).sum()

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the score of every word, `[.., width]` -> `[.., words]`, at least float32."""
        return at_least_float32(F.linear(hidden, self.weight, self.bias))

    def _sampled(self, hidden: Tensor, labels: Tensor) -> Tensor:
        candidates, drawn = self._draw()
        # One lookup of each table, so that its gradient is added up once.
        ids = torch.cat((labels, candidates))
        vectors = self.weight.index_select(0, ids)
        biases = self.bias.index_select(0, ids) - drawn[ids].log()
        samples, device = len(candidates), candidates.device
        numbers = candidates.new_full(drawn.shape, samples)
        numbers[candidates] = torch.arange(samples, device=device)
        autocast = torch.is_autocast_enabled(device.type)
        dtype = torch.get_autocast_dtype(device.type) if autocast else hidden.dtype
        with torch.autocast(device.type, enabled=False):
            loss: Tensor = _Loss.apply(  # type: ignore[no-untyped-call]
                hidden, vectors, biases, numbers[labels], dtype
            )
        return loss

    def _draw(self) -> tuple[Tensor, Tensor]:
        """Return the candidates `[samples]` and each word's chance to be one `[words]`.

        Every word arrives after an exponential time, the sooner the greater its weight, and the
        first `samples` to arrive are taken: that is drawing one after another without putting
        back. A word is among them when it arrives before the next one does, from which its chance
        follows without counting draws (Cohen and Kaplan 2007, "Summarizing Data using Bottom-k
        Sketches", section 3). Drawn by torch's global generator.
        """
        words, device = len(self.weight), self.weight.device
        weights = (
            torch.arange(1, words + 1, device=device, dtype=torch.float32).reciprocal().log1p()
        )
        arrivals = torch.empty_like(weights).exponential_() / weights
        soonest = arrivals.topk(self.samples + 1, largest=False)
        drawn = -torch.expm1(-weights * soonest.values[-1])
        return soonest.indices[:-1], drawn


class _Loss(torch.autograd.Function):
    """The sum of the losses. Products with the candidates are in `dtype`."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, vectors: Tensor, biases: Tensor, hits: Tensor, dtype: torch.dtype
    ) -> Tensor:
        """Compute the loss, and its gradients.

        Args:
            hidden: `[positions, width]`.
            vectors: `[positions + samples, width]`, of the positions' own words and the candidates.
            biases: `[positions + samples]`.
            hits: `[positions]`, which candidate is the position's own word; `samples`: none.
        """
        positions = len(hidden)
        owns, own_biases = vectors[:positions], biases[:positions]
        others, bias = vectors[positions:].to(dtype), biases[positions:]
        grad_hidden, grad_vectors, grad_biases = map(torch.empty_like, (hidden, vectors, biases))
        grad_others, grad_bias = grad_vectors[positions:].zero_(), grad_biases[positions:].zero_()
        loss = biases.new_zeros(())
        size = max(_LEAST, _CACHED // len(others))
        for begin in range(0, positions, size):
            rows = slice(begin, min(begin + size, positions))
            own, states = owns[rows], hidden[rows].to(dtype)
            scores = biases.new_empty(len(states), len(others) + 1)  # the last is the own word's
            scores[:, :-1].copy_(states @ others.T).add_(bias)
            scores.scatter_(1, hits[rows, None], -torch.inf)
            scores[:, -1] = (hidden[rows] * own).sum(-1) + own_biases[rows]
            shares = scores.softmax(1)
            loss += (scores.amax(1) - shares.amax(1).log() - scores[:, -1]).sum()
            shares[:, -1] -= 1
            slopes, own_slope = shares[:, :-1].to(dtype), shares[:, -1:]
            grad_hidden[rows] = own_slope * own + slopes @ others
            torch.mul(own_slope, hidden[rows], out=grad_vectors[rows])
            grad_others += slopes.T @ states
            grad_biases[rows] = shares[:, -1]
            grad_bias += shares[:, :-1].sum(0)
        ctx.save_for_backward(grad_hidden, grad_vectors, grad_biases)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of states, vectors and biases."""
        return *(grad * grad_loss for grad in ctx.saved_tensors), None, None
