"""Everything that depends on a model's family, in one record. Free of torch.

The record of a family stands in `models/FAMILY/family.py`, beside its config, its network and its
key tables; `models/families.py` lists them all. Its functions import the network when they are
called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, final

from headwater.errors import UserError
from headwater.models.config import BodySizes, C, ModelConfig
from headwater.models.head_names import HeadName
from headwater.models.key_table import KeyTable

if TYPE_CHECKING:
    from torch import nn

    from headwater.models.body import Body
    from headwater.models.heads import Head

Kind = Literal["encoder", "text_to_text", "causal_lm", "word_vectors"]
"""What a family does: heads read it; it writes targets; it continues a text; it gives vectors."""

Json = Mapping[str, Any]
Heads = Mapping[HeadName, Callable[[C], "Head"]]


@final
@dataclass(frozen=True, slots=True)
class CheckpointFormat(Generic[C]):
    """How models of one `model_type` stand on disk.

    Attributes:
        keys: the names of the tensors.
        fields: our field -> that of config.json.
        default: what the published code takes where config.json says nothing.
        preset: the name of the best-known sizes.
    """

    keys: KeyTable
    fields: Mapping[str, str]
    default: C
    preset: str


@final
@dataclass(frozen=True, slots=True)
class QuickStudy:
    """How a quick study pre-trains a tiny model of the family."""

    preset: str
    sizes: Mapping[str, Any]
    objective: Mapping[str, Any]
    learning_rate: float


def _own_model_type(config: ModelConfig) -> str:
    return config.model_type


def _as_read(values: dict[str, Any], json: Json, default: ModelConfig) -> dict[str, Any]:
    return values


def _nothing_more(config: ModelConfig, head: HeadName | None) -> dict[str, Any]:
    return {}


def _no_heads() -> dict[Any, Any]:
    return {}


def _any_objective(config: ModelConfig, objective: str, packed: bool) -> None:
    return None


@final
@dataclass(frozen=True, slots=True)
class Family(Generic[C]):
    """One family of models.

    Attributes:
        name: as recipes and messages have it.
        title: as papers write it.
        kind: what it does.
        presets: the published sizes by name.
        formats: how its models stand on disk, by `model_type` of config.json.
        sizes: what the library asks of a body of that config.
        summary: one line on a preset.
        added_up: how `inspect` says what makes a token's first vector, where that is no sum.
        build_body: builds the network with empty weights; the flag tells whether no head stands on
            it, so that it carries what a published bare body does.
        initialize: draws fresh weights for a network, or a part of it.
        heads: returns how each head is built.
        training: the defaults of `[training]`; a recipe's own keys are laid over these.
        objectives: those that it learns.
        refuse_objective: raises where a config cannot learn one of them, packed or not.
        model_type: the `model_type` that config.json gets.
        read: completes the fields read from a config.json, of a format with that default.
        write: returns what else a config.json says.
        quick: its tiny model.
        reads_characters: whether its network is told how the words of its vocabulary are spelled.
    """

    name: str
    title: str
    kind: Kind
    presets: Mapping[str, C]
    formats: Mapping[str, CheckpointFormat[C]]
    sizes: Callable[[C], BodySizes]
    summary: Callable[[C], str]
    build_body: "Callable[[C, bool], Body]"
    initialize: "Callable[[nn.Module, C], None]"
    training: Mapping[str, Any]
    objectives: tuple[str, ...]
    quick: QuickStudy
    heads: Callable[[], Heads[C]] = _no_heads
    refuse_objective: "Callable[[C, str, bool], None]" = _any_objective
    model_type: Callable[[C], str] = _own_model_type
    read: Callable[[dict[str, Any], Json, C], dict[str, Any]] = _as_read
    write: Callable[[C, HeadName | None], dict[str, Any]] = _nothing_more
    added_up: str = ""
    reads_characters: bool = False

    def format(self, config: C) -> CheckpointFormat[C]:
        """Return how a model of that config stands on disk."""
        return self.formats[self.model_type(config)]

    def build_head(self, config: C, head: HeadName) -> "Head":
        """Build one head, with empty weights, for a body of that config."""
        heads = self.heads()
        if not heads:
            raise UserError(f"a {self.title} has its own output and takes no {head} head")
        if head not in heads:
            raise UserError(f"a {config.model_type} body takes no {head} head")
        return heads[head](config)
