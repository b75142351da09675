"""What the configs of all families have in common, and the names of heads. Free of torch."""

import sys
from collections.abc import Sequence
from dataclasses import Field, dataclass, fields, replace
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args

from headwater.errors import UserError

HeadName = Literal[
    "span", "sequence", "multi_label", "regression", "token",
    "masked_lm", "pretraining", "next_sentence", "replaced_token", "embedding",
]  # fmt: skip
HEADS: tuple[HeadName, ...] = get_args(HeadName)
CHOOSING: tuple[HeadName, ...] = ("sequence", "multi_label", "token")
"""The heads that choose among labels."""


class ModelConfig(Protocol):
    """Sizes and rates of one model: a frozen dataclass, one class for each family."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def model_type(self) -> str:
        """Names the architecture within its family, as config.json does."""
        ...

    @property
    def vocab_size(self) -> int:
        """The number of token ids."""
        ...


C = TypeVar("C", bound=ModelConfig)


@dataclass(frozen=True, slots=True)
class BodySizes:
    """What the library asks of a body, whatever its family calls it.

    Attributes:
        hidden_size: of each of its outputs.
        layers: it has one output more than layers; of an encoder-decoder, those of the encoder.
        longest_input: the most tokens of a sequence; no bound where it knows distances alone.
        longest_target: the most tokens that a decoder writes, its start included.
        segments: how many segments it distinguishes.
        first_position: the index of a text's first token in the position table; None: no table.
        decoder_start_id: the id that a decoder begins with; None: it has no decoder.
        one_stack: whether inputs and targets are read as one text.
        running_text: whether the body was trained on documents one after another alone.
        enclosed: whether it reads a text between a first and a last token of its vocabulary, and
            writes: a BART, an encoder-decoder.
    """

    hidden_size: int
    layers: int
    longest_input: int = sys.maxsize
    longest_target: int = sys.maxsize
    segments: int = 0
    first_position: int | None = None
    decoder_start_id: int | None = None
    one_stack: bool = False
    running_text: bool = False
    enclosed: bool = False

    @property
    def framed(self) -> tuple[bool, bool]:
        """What `text.framing.framing_of` is told of it."""
        return self.running_text, self.enclosed


def same_names(config: type[ModelConfig], *excluded: str) -> dict[str, str]:
    """Return the fields of a config whose names in config.json are the same."""
    names = [field.name for field in fields(config)]
    return {name: name for name in names if name not in ("model_type", *excluded)}


def label_names(config: ModelConfig) -> tuple[str, ...]:
    """Return the classes of a classification head; none where a family takes no heads."""
    names: tuple[str, ...] = getattr(config, "label_names", ())
    return names


def unnamed(labels: Sequence[str]) -> bool:
    """Tell whether labels have no names but those that the published code numbers them by."""
    return tuple(labels) == tuple(f"LABEL_{index}" for index in range(len(labels)))


def with_labels(config: C, labels: Sequence[str] | None) -> C:
    """Return `config` with classes of those names; with its own where none are given."""
    if not labels or not label_names(config):
        return config
    twice = [name for index, name in enumerate(labels) if name in labels[:index]]
    if twice:
        raise UserError(f"label {twice[0]!r} is given twice; each class has its own name")
    return replace(config, label_names=tuple(labels))


def check_head(name: str) -> HeadName:
    """Return `name` if there is such a head, else raise UserError with the names there are."""
    for head in HEADS:
        if head == name:
            return head
    raise UserError(f"head {name!r}: there are {', '.join(HEADS)}")


@dataclass(frozen=True, slots=True)
class TaskHead:
    """The head of one task of a `MultiTask`, and its classes where it chooses among some."""

    head: HeadName
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.head in CHOOSING and not self.labels:
            raise UserError(f"a {self.head} head chooses among labels, and none are given")
