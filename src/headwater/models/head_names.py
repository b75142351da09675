"""The heads that an encoder can have, by name. Free of torch."""

from dataclasses import dataclass
from typing import Literal, get_args

from headwater.errors import UserError

HeadName = Literal[
    "span", "sequence", "regression", "token", "masked_lm", "pretraining", "next_sentence"
]
HEADS: tuple[HeadName, ...] = get_args(HeadName)


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
        if self.head in ("sequence", "token") and not self.labels:
            raise UserError(f"a {self.head} head chooses among labels, and none are given")
