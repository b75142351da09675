"""What the networks of encoders have in common: fresh weights, the longest text, their heads."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn

from headwater.errors import UserError
from headwater.models.config import C, HeadName, ModelConfig, label_names
from headwater.models.families import sizes_of
from headwater.models.family import Heads
from headwater.models.heads import Head, MaskedLMHead, SpanHead, TokenHead
from headwater.nn.masks import block_positions
from headwater.nn.norm import LayerNorm


def check_length(ids: Tensor, blocks: Tensor | None, longest: int) -> None:
    """Refuse a text, alone or one of packed ones, for which there are not positions enough.

    Args:
        ids, blocks: as `EncoderBody.forward` has them.
        longest: the most tokens of a text.
    """
    length = ids.shape[1]
    if length > longest and blocks is not None:
        length = int((block_positions(blocks) * (blocks > 0)).max()) + 1
    if length > longest:
        raise UserError(f"{length} tokens in a sequence; this model takes {longest}")


def draw_normal(model: nn.Module, deviation: float) -> None:
    """Draw fresh weights as BERT's code does.

    They are normal(0, `deviation`), biases and padding 0, norms 1.
    """
    for part in model.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, 0.0, deviation)
        if isinstance(part, nn.Embedding) and part.padding_idx is not None:
            nn.init.zeros_(part.weight.data[part.padding_idx])
        if isinstance(part, LayerNorm):
            nn.init.ones_(part.weight)
        for name, parameter in part.named_parameters(recurse=False):
            if name == "bias":
                nn.init.zeros_(parameter)


class _Predicting(Protocol):
    @property
    def vocab_size(self) -> int: ...

    @property
    def hidden_size(self) -> int: ...

    @property
    def layer_norm_eps(self) -> float: ...

    @property
    def tie_word_embeddings(self) -> bool: ...


def masked_lm_head(config: _Predicting, width: int, act: str) -> MaskedLMHead:
    """Build the usual head for masked tokens; `width` is that of the token vectors."""
    dense, eps = nn.Linear(config.hidden_size, width), config.layer_norm_eps
    return MaskedLMHead(dense, config.vocab_size, act, eps, tied=config.tie_word_embeddings)


def token_head(config: ModelConfig, dropout: float) -> TokenHead:
    """Build the usual head for the class of each token."""
    return TokenHead(sizes_of(config).hidden_size, len(label_names(config)), dropout)


def _span_head(config: ModelConfig) -> SpanHead:
    return SpanHead(sizes_of(config).hidden_size)


def encoder_heads(
    *,
    span: Callable[[C], Head] = _span_head,
    pooled: Callable[[C, HeadName, int], Head],
    token: Callable[[C], Head],
    masked_lm: Callable[[C], Head],
) -> Heads[C]:
    """Return how the heads that every encoder has are built.

    Args:
        span: builds that for spans; left out: the usual one.
        pooled: builds one that decides on a whole text, by its name and the number of outputs.
    """
    return {
        "span": span,
        "sequence": lambda config: pooled(config, "sequence", len(label_names(config))),
        "multi_label": lambda config: pooled(config, "multi_label", len(label_names(config))),
        "regression": lambda config: pooled(config, "regression", 1),
        "token": token,
        "masked_lm": masked_lm,
        "embedding": lambda config: _embedding(),
    }


def _embedding() -> Head:
    from headwater.models.embedding import EmbeddingHead  # for those who learn vectors alone
    from headwater.models.embedding_config import EmbeddingConfig

    return EmbeddingHead(EmbeddingConfig(layers=("normalize",)))
