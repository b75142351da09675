"""What the records of encoders have in common. Free of torch."""

from collections.abc import Mapping
from typing import Any, Protocol

from headwater.models.bert.config import BertConfig
from headwater.models.config import BodySizes
from headwater.models.family import Json, QuickStudy

TRAINING: Mapping[str, Any] = {"optimizer": "adamw", "schedule": "linear", "warmup": 0.1}
"""As BERT was trained, but for the rate (Devlin et al. 2019, appendix A.2); BART's, too."""


class _Encoder(Protocol):
    @property
    def hidden_size(self) -> int: ...

    @property
    def num_hidden_layers(self) -> int: ...

    @property
    def num_attention_heads(self) -> int: ...


class _Dropping(Protocol):
    @property
    def hidden_dropout_prob(self) -> float: ...


def summary(config: _Encoder) -> str:
    """Say the size of an encoder in a line."""
    return (
        f"{config.num_hidden_layers} layers, {config.hidden_size} wide, "
        f"{config.num_attention_heads} heads, encoder"
    )


def sizes(block: BertConfig) -> BodySizes:
    """Return what the library asks of a body of BERT's embeddings and blocks."""
    return BodySizes(
        hidden_size=block.hidden_size,
        layers=block.num_hidden_layers,
        longest_input=block.longest,
        segments=block.type_vocab_size,
        first_position=block.first_position,
    )


def with_dropout(values: dict[str, Any], json: Json, default: _Dropping) -> dict[str, Any]:
    """Let a classifier drop as the body does unless config.json says otherwise."""
    dropout = values.get("hidden_dropout_prob", default.hidden_dropout_prob)
    return {"classifier_dropout": dropout} | values


def masked_lm_study(preset: str, **sizes: Any) -> QuickStudy:
    """Return how a tiny encoder learns what is hidden; `sizes` are laid over the usual ones."""
    usual = {
        "hidden_size": 64,
        "num_attention_heads": 2,
        "intermediate_size": 256,
        "max_position_embeddings": 64,
        "initializer_range": 0.05,
    }
    objective = {"objective": "mlm", "mlm": {"max_length": 32, "next_sentence": False}}
    return QuickStudy(preset, usual | sizes, objective, learning_rate=2e-3)


NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
