"""GPT, a decoder that predicts the next token: Radford et al. 2018, "Improving Language
Understanding by Generative Pre-Training", sections 3.1 and 4.1 and figure 1 (left); and GPT-2:
Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.

    tokens       the    spring   flows   again
    token         E       E        E       E
    position      0       1        2       3       summed, dropped out
                  |       |        |       |
                N x [self-attention, causal]
                    [feed-forward          ]
                  |       |        |       |
    scores of   spring  flows    again   <end>     by the token embedding, to which they are tied

GPT normalizes after each layer, GPT-2 before each layer and once after the last. With a prefix
that all may see, the same weights are a prefix LM (Raffel et al. 2020, section 3.2.1).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

import torch
from torch import Tensor, nn

from headwater.errors import UserError
from headwater.models.body import Cache, GeneratingBody, entering
from headwater.models.config import HeadName
from headwater.models.family import Heads
from headwater.models.gpt.config import GPTConfig
from headwater.models.heads import LastTokenHead, SpanHead, TokenHead
from headwater.models.losses import Batch, count, next_token_loss_sum
from headwater.models.text_to_text import TextToText, shift_right
from headwater.nn.attention import KeyValueCache, square_attention
from headwater.nn.block import Block, PostNorm, PreNorm
from headwater.nn.dropout import Dropout
from headwater.nn.embedding import empty_embedding
from headwater.nn.feedforward import FeedForward
from headwater.nn.masks import additive, block_positions, visible
from headwater.nn.norm import LayerNorm, at_least_float32
from headwater.nn.output import OutputLayer


def block(config: GPTConfig) -> Block:
    """Build one layer: attention, then feed-forward, the norms before (GPT-2) or after (GPT)."""
    width, heads = config.n_embd, config.n_head
    attention = square_attention(width, heads, config.attn_pdrop)
    feedforward = FeedForward(
        nn.Linear(width, config.inner),
        nn.Linear(config.inner, width),
        config.activation,
        dropout=0.0,
    )
    residual = PreNorm if config.pre_norm else PostNorm
    return Block(
        attention=residual(attention, norm(config), config.resid_pdrop),
        feedforward=residual(feedforward, norm(config), config.resid_pdrop),
    )


def norm(config: GPTConfig) -> LayerNorm:
    """Build one norm."""
    return LayerNorm(config.n_embd, config.layer_norm_epsilon)


class GPT(GeneratingBody):
    """The whole model, with the tied output layer.

    A batch holds `input_ids` `[batch, length]` and may hold

        attention_mask  `[batch, length]`, true (or 1) where a token is real; left out: all are.
                        Padding may stand on either side: positions count real tokens only.
        prefix_length   `[batch]`: so many first positions are seen by all of their sequence.
        labels          `[batch, length]`: the same ids, IGNORED where a token has none.
                        Each is predicted from the positions before it, so the first never is.
        blocks          `[batch, length]` of packed sequences, from 1 on, 0 on padding: which tokens
                        are one text. Their `prefix_length` `[batch, length]` is that of each
                        position's text, and their labels are IGNORED at the first one of each.
    """

    config: GPTConfig

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.token = empty_embedding(config.vocab_size, config.n_embd)
        self.position = empty_embedding(config.n_positions, config.n_embd)
        self.dropout = Dropout(config.embd_pdrop)
        self.layers = nn.ModuleList(block(config) for _ in range(config.n_layer))
        self.norm = norm(config) if config.pre_norm else None
        self.scoring = OutputLayer()

    def forward(self, batch: Batch) -> Tensor:
        """Score the token after each position: `[batch, length, vocabulary]`, float32 at least."""
        return self._logits(self.hidden(batch))

    def hidden(self, batch: Batch) -> Tensor:
        """Return the last hidden states `[batch, length, width]`; those of padding mean nothing."""
        ids, mask, blocks = batch["input_ids"], batch.get("attention_mask"), batch.get("blocks")
        if blocks is None:
            vectors = self.encode(ids, mask)
            positions = torch.arange(ids.shape[1], device=ids.device)
        else:
            self._check_length(ids.shape[1])
            positions = block_positions(blocks)
            vectors = self._vectors(ids, positions)
        prefix = batch.get("prefix_length")
        allowed = visible(
            mask, positions, positions, prefix, query_blocks=blocks, key_blocks=blocks
        )
        return self._through(vectors, allowed, [None] * len(self.layers))

    @property
    def token_embedding(self) -> Tensor:
        return self.token.weight

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy, summed over the tokens with a label."""
        hidden, labels = self.hidden(batch), batch["labels"][:, 1:]
        return {"tokens": next_token_loss_sum(hidden, self.token.weight, labels)}

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count the tokens with a label."""
        return {"tokens": count(batch["labels"][:, 1:])}

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        with entering(self.layers) as entered:
            last = self.hidden(batch)
        return [*entered, last]

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the vectors `[batch, length, width]` of ids at their positions."""
        length = input_ids.shape[1]
        self._check_length(length)
        if attention_mask is None:
            return self._vectors(input_ids, torch.arange(length, device=input_ids.device))
        return self._vectors(input_ids, (attention_mask.long().cumsum(1) - 1).clamp(min=0))

    def init_cache(self, memory: Tensor, memory_mask: Tensor | None = None) -> Cache:
        """Read what is given, `encode`d, with its mask `[batch, length]`; then `step` writes on."""
        mask = None if memory_mask is None else memory_mask.bool()
        cache = Cache([KeyValueCache() for _ in self.layers], mask)
        self._read(memory, cache)
        return cache

    def step(self, ids: Tensor, cache: Cache) -> Tensor:
        self._check_length(cache.length + 1)
        if cache.mask is None:
            position = ids.new_full((1,), cache.length)
        else:
            position = cache.mask.sum(1, keepdim=True)
            cache.append(ids)
        return self._logits(self._read(self._vectors(ids, position), cache)[:, -1])

    def _read(self, vectors: Tensor, cache: Cache) -> Tensor:
        """Read vectors `[batch, new, width]` after those in the cache, and add them to it."""
        positions = torch.arange(cache.length + vectors.shape[1], device=vectors.device)
        allowed = visible(cache.mask, positions[cache.length :], positions)
        cache.length = len(positions)
        return self._through(vectors, allowed, cache.own)

    def _through(
        self, hidden: Tensor, allowed: Tensor | None, own: Sequence[KeyValueCache | None]
    ) -> Tensor:
        """Send `[batch, length, width]` through the layers; `own` are earlier keys and values."""
        bias = additive(allowed, at_least_float32(hidden).dtype)
        for layer, kept in zip(self.layers, own, strict=True):
            hidden = layer(hidden, bias, kept)
        return at_least_float32(hidden if self.norm is None else self.norm(hidden))

    def _vectors(self, ids: Tensor, positions: Tensor) -> Tensor:
        vectors: Tensor = self.dropout(self.token(ids) + self.position(positions))
        return vectors

    def _logits(self, states: Tensor) -> Tensor:
        scores: Tensor = self.scoring(states, self.token.weight)
        return scores

    def _check_length(self, length: int) -> None:
        if length > self.config.n_positions:
            longest = self.config.n_positions
            raise UserError(f"{length} tokens in a sequence; this model takes {longest}")


@final
class GPTWriter(TextToText, GPT):
    """A GPT that learned to write targets: inputs, a start and targets are one text (Radford et al.
    2018, section 3.3), and the loss is that of the targets alone.

        <end> a cat sat  <end>  eine Katze saß          what is read
                         eine   Katze saß  <end>        what is predicted

    A batch holds `input_ids` `[batch, inputs]`, `attention_mask` of that shape (left out: all real)
    and `labels` `[batch, targets]`, IGNORED where there is no target.
    """

    config: GPTConfig

    def states(self, batch: Batch) -> Tensor:
        """Return the states `[batch, targets, width]` from which the targets are predicted."""
        inputs, mask = batch["input_ids"], batch.get("attention_mask")
        written = shift_right(batch["labels"], self.start_id, 0)
        whole = {"input_ids": torch.cat([inputs, written], 1)}
        if mask is not None:
            whole["attention_mask"] = torch.cat([mask.bool(), torch.ones_like(written).bool()], 1)
        return self.hidden(whole)[:, inputs.shape[1] :]

    def scores(self, states: Tensor) -> Tensor:
        return self._logits(states)

    def untied_output(self) -> nn.Module:
        raise UserError(
            "method 'head_only': a GPT's output is its embedding; take all, adapters or lora"
        )


def build_body(config: GPTConfig, bare: bool) -> GPT:
    """Build the network, with empty weights; with a head on it, it writes nothing."""
    if not bare:
        return GPT(replace(config, target_start_token_id=None))
    return GPTWriter(config) if config.writes else GPT(config)


def _last_token(config: GPTConfig, name: HeadName, outputs: int) -> LastTokenHead:
    return LastTokenHead(config.n_embd, outputs, config.classifier_dropout, name)


HEADS: Heads[GPTConfig] = {
    "span": lambda config: SpanHead(config.n_embd),
    "sequence": lambda config: _last_token(config, "sequence", len(config.label_names)),
    "multi_label": lambda config: _last_token(config, "multi_label", len(config.label_names)),
    "regression": lambda config: _last_token(config, "regression", 1),
    "token": lambda config: TokenHead(
        config.n_embd, len(config.label_names), config.classifier_dropout
    ),
}


def initialize(model: nn.Module, config: GPTConfig) -> None:
    """Draw fresh weights as published: normal(0, initializer_range), biases 0, norms 1.

    GPT-2 divides what is added to the residual by the root of how often that is done, so that the
    sum keeps its size in any depth (Radford et al. 2019, section 2.3).
    """
    residual = (2 * config.n_layer) ** -0.5 if config.pre_norm else 1.0
    for name, part in model.named_modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            scale = residual if name.endswith((".output", ".outer")) else 1.0
            nn.init.normal_(part.weight, 0.0, config.initializer_range * scale)
        elif isinstance(part, LayerNorm):
            nn.init.ones_(part.weight)
        for leaf, parameter in part.named_parameters(recurse=False):
            if leaf == "bias":
                nn.init.zeros_(parameter)
