"""Everything that depends on a model's family, in one record. Free of torch.

The record of a family stands in `models/FAMILY/family.py`, beside its config and its network;
`models/families.py` lists them all. The network is imported on its first use.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, cast, final

from headwater.errors import UserError, with_article
from headwater.models.bert.config import BertConfig
from headwater.models.config import BodySizes, C, HeadName, ModelConfig
from headwater.models.key_table import KeyTable

if TYPE_CHECKING:
    from torch import nn

    from headwater.models.body import Body
    from headwater.models.heads import Head

Kind = Literal["encoder", "text_to_text", "causal_lm", "word_vectors"]
"""What a family does: it is read by heads; writes targets; continues a text; gives vectors."""

Json = Mapping[str, Any]
Heads = Mapping[HeadName, Callable[[C], "Head"]]
_C = TypeVar("_C", bound=ModelConfig, contravariant=True)


class Network(Protocol[_C]):
    """The module `models/FAMILY/network.py`."""

    @property
    def HEADS(self) -> "Heads[_C]":
        """How each head is built; only of families that take heads."""
        ...

    def build_body(self, config: _C, bare: bool) -> "Body":
        """Build the network, with empty weights; `bare`: no head will stand on it."""
        ...

    def initialize(self, model: "nn.Module", config: _C) -> None:
        """Draw fresh weights for a network, or a part of it."""
        ...


@final
@dataclass(frozen=True, slots=True)
class CheckpointFormat(Generic[C]):
    """How models of one `model_type` stand on disk.

    Attributes:
        keys: the names of the tensors.
        fields: our field -> that of config.json.
        default: what the published code takes where config.json says nothing.
        preset: the name of the best-known sizes.
        sides: of fields that are configs themselves: switches that theirs has, and their values.
    """

    keys: KeyTable
    fields: Mapping[str, str]
    default: C
    preset: str
    sides: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class QuickStudy:
    """How a quick study pre-trains a tiny model of the family."""

    preset: str
    sizes: Mapping[str, Any]
    objective: Mapping[str, Any]
    learning_rate: float


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
        training: the defaults of `[training]`; a recipe's own keys are laid over these.
        pretraining: what differs in pre-training, with the optimizer of `training`.
        objectives: those that it learns.
        refuse_objective: raises where a config cannot learn one of them, packed or not.
        model_type: the `model_type` that config.json gets.
        read: completes the fields read from a config.json, of a format with that default.
        write: returns what else a config.json says.
        complete_sizes: adds to the sizes of a recipe those that follow from them.
        quick: its tiny model; None where it has no objective.
        writer: the config of the same body that writes targets after a start token; None: it is
            one already, or cannot.
        encoder: the config of what heads or a decoder stand on: of an encoder its own.
        keys: the names of the tensors, where they depend on more than the `model_type`.
        block: of an encoder, the BERT whose blocks its layers are; None: they are others.
        prefixes: whether its published models are told by a prefix what to do with a text.
        reads_characters: whether its network is told how the words of its vocabulary are spelled.
    """

    name: str
    title: str
    kind: Kind
    presets: Mapping[str, C]
    formats: Mapping[str, CheckpointFormat[C]]
    sizes: Callable[[C], BodySizes]
    summary: Callable[[C], str]
    training: Mapping[str, Any]
    objectives: tuple[str, ...]
    pretraining: Mapping[str, Any] = field(default_factory=dict)
    quick: QuickStudy | None = None
    refuse_objective: Callable[[C, str, bool], None] = lambda config, objective, packed: None
    model_type: Callable[[C], str] = lambda config: config.model_type
    read: Callable[[dict[str, Any], Json, C], dict[str, Any]] = lambda values, json, default: values
    write: Callable[[C, HeadName | None], dict[str, Any]] = lambda config, head: {}
    complete_sizes: Callable[[dict[str, Any]], dict[str, Any]] = lambda sizes: sizes
    writer: Callable[[C, int], C] | None = None
    encoder: Callable[[C], ModelConfig] = lambda config: config
    keys: Callable[[C], KeyTable] | None = None
    block: Callable[[C], BertConfig | None] = lambda config: None
    prefixes: Callable[[C], bool] = lambda config: False
    added_up: str = ""
    reads_characters: bool = False

    @property
    def takes_heads(self) -> bool:
        """Whether heads stand on its bodies; the others have an output of their own."""
        return self.kind in ("encoder", "causal_lm")

    @property
    def network(self) -> Network[C]:
        """Its network, which needs torch."""
        return cast(Network[C], import_module(f"headwater.models.{self.name}.network"))

    @property
    def quick_study(self) -> QuickStudy:
        """Its tiny model, of a family with an objective."""
        assert self.quick is not None, self.name
        return self.quick

    def format(self, config: C) -> CheckpointFormat[C]:
        """Return how a model of that config stands on disk."""
        found = self.formats[self.model_type(config)]
        return found if self.keys is None else replace(found, keys=self.keys(config))

    def build_head(self, config: C, head: HeadName) -> "Head":
        """Build one head, with empty weights, for a body of that config."""
        if not self.takes_heads:
            raise UserError(f"a {self.title} has its own output and takes no {head} head")
        heads = self.network.HEADS
        if head not in heads:
            hint = "; set mlm.next_sentence = false" if head == "pretraining" else ""
            raise UserError(f"{with_article(config.model_type)} body takes no {head} head{hint}")
        return heads[head](config)
