"""ELMo: Peters et al. 2018, "Deep Contextualized Word Representations", sections 3.1 to 3.4.

    words         The    spring   flows     again
    characters  T h e   s p r ..  f l o ..  a g a ..     convolutions, maximum, highway, projection
                  |       |        |         |
    forward       ->      ->       ->        ->          2 x LSTM, each with a projection
    backward      <-      <-       <-        <-          2 x LSTM, with weights of its own
                  |       |        |         |
    next        spring  flows    again       -
    previous      -      The     spring    flows         one softmax for both

The second layer adds its inputs to its outputs. A word's vectors are those of the three layers
(the first, of the characters alone, taken twice to be as wide as the two directions), and a task
mixes them with weights of its own: `LayerMix`.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headwater.errors import UserError
from headwater.models.body import WordBody
from headwater.models.elmo.config import ELMoConfig
from headwater.models.losses import Batch
from headwater.nn.characters import CharacterCNN
from headwater.nn.dropout import Dropout
from headwater.nn.highway import Highway
from headwater.nn.lstm import ProjectedLSTM
from headwater.nn.norm import at_least_float32
from headwater.nn.sampled import SampledSoftmax


class WordEncoder(nn.Module):
    """Character ids `[words, characters]` -> vectors `[words, width]` that know no context."""

    def __init__(self, config: ELMoConfig) -> None:
        super().__init__()
        self.cnn = CharacterCNN(config.filters, config.character_dim, config.activation)
        self.highway = nn.ModuleList(Highway(config.channels) for _ in range(config.num_highway))
        wide = config.channels != config.projection_dim
        self.projection = nn.Linear(config.channels, config.projection_dim) if wide else None

    def forward(self, characters: Tensor) -> Tensor:
        vectors = self.cnn(characters)
        for layer in self.highway:
            vectors = layer(vectors)
        return vectors if self.projection is None else cast(Tensor, self.projection(vectors))


class ELMo(WordBody):
    """The whole model, with the softmax of its language models where it has words.

    A batch holds either of

        input_ids       `[batch, length]`, ids of the words given to `know_words`
        character_ids   `[batch, length, characters]`, see `nn.characters`: any words at all

    and may hold `attention_mask` `[batch, length]`, true (or 1) where a word is real; left out: all
    are. Padding stands on the right. Each sequence begins with states of 0: it knows nothing of
    the one before it.
    """

    config: ELMoConfig
    words: Tensor | None

    def __init__(self, config: ELMoConfig) -> None:
        super().__init__()
        self.config = config
        self.token = WordEncoder(config)
        self.dropout = Dropout(config.dropout_rate)
        width = config.projection_dim
        self.lstm = nn.ModuleList(
            ProjectedLSTM(
                width,
                config.cells,
                width,
                directions=2,
                cell_clip=config.cell_clip,
                projection_clip=config.projection_clip,
            )
            for _ in range(config.num_layers)
        )
        words = config.vocab_size
        self.softmax = SampledSoftmax(words, width, config.samples) if words else None
        # It follows from the vocabulary, which is saved with the model.
        self.register_buffer("words", None, persistent=False)

    def know_words(self, characters: Tensor) -> None:
        """Take the character ids `[vocabulary, characters]` of all words, to read their ids."""
        self.words = characters.to(next(self.parameters()).device)

    def forward(self, batch: Batch) -> Tensor:
        """Return all layers, `[layers + 1, batch, length, 2 x width]`, forward states first.

        Layer 0 is the words' own vectors, twice. Positions of padding are 0.
        """
        tokens = self.tokens(batch)
        mask = batch.get("attention_mask")
        first = torch.cat((tokens, tokens), 2)
        layers = [first, *(torch.cat((*both,), 2) for both in self.states(tokens, mask))]
        stacked = torch.stack(layers)
        return stacked if mask is None else stacked * mask.bool()[:, :, None]

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        return list(self(batch))

    def tokens(self, batch: Batch) -> Tensor:
        """Return the vectors `[batch, length, width]` of words, each distinct one computed once."""
        if "character_ids" in batch:
            characters = batch["character_ids"]
            distinct, indices = torch.unique(characters.flatten(0, 1), dim=0, return_inverse=True)
            indices = indices.view(characters.shape[:2])
        elif self.words is None:
            raise UserError("this ELMo has no vocabulary: it reads character_ids, not input_ids")
        else:
            ids, indices = torch.unique(batch["input_ids"], return_inverse=True)
            distinct = self.words[ids]
        return F.embedding(indices, at_least_float32(self.token(distinct.long())))

    def states(self, tokens: Tensor, mask: Tensor | None = None) -> list[Tensor]:
        """Return each layer's states `[2, batch, length, width]`: forward, then backward."""
        forward = tokens.transpose(0, 1)  # one step's words stand side by side
        hidden = torch.stack((forward, _turned(forward, mask)))
        found = []
        for number, layer in enumerate(self.lstm):
            read = self.dropout(hidden)
            hidden = layer(read)
            if number and self.config.skip_connections:
                hidden = hidden + read
            both = torch.stack((hidden[0], _turned(hidden[1], mask)))
            found.append(both.transpose(1, 2))
        return found

    def neighbor_logits(self, ids: Tensor) -> Tensor:
        """Add up the log chances from the words before each word and from those after it."""
        if self.softmax is None:
            raise UserError("this ELMo has no softmax over words: it gives vectors alone")
        forward, backward = self.states(self.tokens({"input_ids": ids}))[-1][:, 0]
        before, after = (
            self.softmax.logits(states).log_softmax(-1) for states in (forward[:-1], backward[1:])
        )
        return F.pad(before, (0, 0, 1, 0)) + F.pad(after, (0, 0, 0, 1))

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return -log p of each word from those before it and from those after it, all added up."""
        ids, mask = batch["input_ids"], batch.get("attention_mask")
        assert self.softmax is not None
        states = self.dropout(self.states(self.tokens(batch), mask)[-1])
        labelled = _neighbors(ids, mask)
        hidden = torch.cat((states[0, :, :-1][labelled], states[1, :, 1:][labelled]))
        labels = torch.cat((ids[:, 1:][labelled], ids[:, :-1][labelled]))
        return {"tokens": self.softmax(hidden, labels)}

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count the words with a label, in both directions."""
        labelled = _neighbors(batch["input_ids"], batch.get("attention_mask"))
        return {"tokens": 2 * int(labelled.sum())}


def _neighbors(ids: Tensor, mask: Tensor | None) -> Tensor:
    """Return `[batch, length - 1]` bool: a word and the one after it are both real."""
    if mask is None:
        return torch.ones_like(ids[:, 1:], dtype=torch.bool)
    return mask[:, 1:].bool() & mask[:, :-1].bool()


def _turned(states: Tensor, mask: Tensor | None) -> Tensor:
    """Reverse the words of each sequence in `[length, batch, width]`; padding stays where it is."""
    if mask is None or mask.all():
        return states.flip(0)
    position = torch.arange(len(states), device=states.device)[:, None]
    real = mask.long().sum(1)[None]
    order = torch.where(position < real, real - 1 - position, position)
    return states.take_along_dim(order[:, :, None], 0)


def build_body(config: ELMoConfig, bare: bool) -> ELMo:
    """Build the network, with empty weights."""
    return ELMo(config)


def initialize(model: nn.Module, config: ELMoConfig) -> None:
    """Draw fresh weights as the published code does."""
    assert isinstance(model, ELMo)
    encoder = model.token
    nn.init.uniform_(encoder.cnn.embedding.weight, -1.0, 1.0)
    nn.init.zeros_(encoder.cnn.embedding.weight[0])
    for module in encoder.modules():
        if isinstance(module, nn.Conv1d | nn.Linear):
            scale = (module.weight[0].numel()) ** -0.5
            if isinstance(module, nn.Conv1d) and config.activation == "relu":
                nn.init.uniform_(module.weight, -0.05, 0.05)
            else:
                nn.init.normal_(module.weight, std=scale)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
        if isinstance(module, Highway):
            nn.init.constant_(module.gate.bias, -2.0)
    for layer in model.lstm:
        cast(ProjectedLSTM, layer).initialize()
    if model.softmax is not None:
        model.softmax.initialize()
