"""Continuous bag of words: the middle word from the mean of the words around it.

Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 3.1,
figure 1. There is no hidden layer and the order of the words does not count:

    the cat [sat] on the      mean of in[the], in[cat], in[on], in[the] -> scores over all words

The published code compares the word with a few others that are drawn, by a binary loss (Mikolov et
al. 2013b, section 2.2). Here it is a softmax over candidates that the whole batch shares
(`nn.sampled`), which is one matrix product. Evaluation takes the softmax over all words, so that
the perplexity is a true one.
The word vectors are the input table, `token`.

Words are read in runs, so that each is looked up once and not once for every window that it is in.
With 10 words and labels for 6 of them, the window is (10 - 6) / 2 words on each side:

    input_ids   a b c d e f g h i j
    labels          c d e f g h
"""

import torch
from torch import Tensor, nn

from headwater.models.body import WordBody
from headwater.models.cbow.family import CBOWConfig
from headwater.models.losses import IGNORED, Batch, count
from headwater.nn.embedding import empty_embedding
from headwater.nn.sampled import SampledSoftmax
from headwater.nn.windows import window_means


class CBOW(WordBody):
    """Both tables of vectors.

    A batch holds

        input_ids   `[batch, labels + 2 x window]`, running words
        labels      `[batch, labels]`, the middle words, IGNORED at padding
    """

    config: CBOWConfig

    def __init__(self, config: CBOWConfig) -> None:
        super().__init__()
        self.config = config
        self.token = empty_embedding(config.vocab_size, config.vector_size)
        self.output = SampledSoftmax(config.vocab_size, config.vector_size, config.samples)

    def forward(self, batch: Batch) -> Tensor:
        """Score every word in the middle of each window: `[batch, labels, words]`, >= float32."""
        return self.output.logits(self.states(batch))

    def states(self, batch: Batch) -> Tensor:
        """Return the mean of each window's vectors, `[batch, labels, width]`."""
        ids = batch["input_ids"]
        window = (ids.shape[1] - batch["labels"].shape[1]) // 2
        # The gradient of `index_select` is added up faster than that of an embedding.
        vectors = self.token.weight.index_select(0, ids.flatten()).view(*ids.shape, -1)
        return window_means(vectors, window)

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        """Return the word vectors alone."""
        return [self.token(batch["input_ids"])]

    def neighbor_logits(self, ids: Tensor) -> Tensor:
        """Score each word by the mean of those within the window."""
        position = torch.arange(ids.shape[1], device=ids.device)
        distance = (position - position[:, None]).abs()
        # There are fewer words at the ends of the text.
        near = ((distance > 0) & (distance <= self.config.window)).to(self.token.weight)
        means = near @ self.token(ids[0]) / near.sum(1, keepdim=True)
        return self.output.logits(means)

    @property
    def word_table(self) -> Tensor:
        return self.token.weight

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy, summed over the words with a label."""
        labels, states = batch["labels"].flatten(), self.states(batch).flatten(0, 1)
        labelled = (labels != IGNORED).nonzero()[:, 0]
        if len(labelled) < len(labels):
            labels, states = labels[labelled], states.index_select(0, labelled)
        return {"words": self.output(states, labels)}

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count the words with a label."""
        return {"words": count(batch["labels"])}


def build_body(config: CBOWConfig, bare: bool) -> CBOW:
    """Build the network, with empty weights."""
    return CBOW(config)


def initialize(model: nn.Module, config: CBOWConfig) -> None:
    """Draw fresh vectors: input ones from (-0.5, 0.5) / width, as the published code does.

    So small that what a word was drawn as is soon forgotten; cosines would show it else.
    """
    for part in model.modules():
        if isinstance(part, nn.Embedding):
            bound = 0.5 / part.embedding_dim
            nn.init.uniform_(part.weight, -bound, bound)
        elif isinstance(part, SampledSoftmax):
            part.initialize()
