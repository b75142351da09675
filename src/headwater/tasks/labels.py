"""What a head for a task chooses from, and the number of each label."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from headwater.data.example import TaggingExample
from headwater.errors import UserError

if TYPE_CHECKING:  # it brings all metrics
    from headwater.data.task import Task

OUTSIDE = "O"  # the tag of a word that is of no entity


def head_labels(task: "Task[Any]", examples: Iterable[Any]) -> tuple[str, ...]:
    """Return what a head for the task chooses from: the task's labels, or the data's.

    Those of the training examples are sorted, with the tag `O` first.
    """
    if task.kind not in ("sequence", "token"):
        return ()
    if task.labels:
        return task.labels
    found: set[str] = set()
    for example in examples:
        if isinstance(example, TaggingExample):
            found.update(example.tags or ())
        elif example.label is not None:
            found.add(example.label)
    return tuple(sorted(found, key=lambda label: (label != OUTSIDE, label)))


def class_numbers(labels: Sequence[str]) -> dict[str, int]:
    """Return the output of the head that stands for each label."""
    return {label: number for number, label in enumerate(labels)}


def no_such_label(id: str, label: str, labels: Sequence[str]) -> UserError:
    """Return the error for a label that the head cannot give."""
    named = ", ".join(labels[:8]) + (", ..." if len(labels) > 8 else "")
    return UserError(f"example {id!r}: label {label!r} is none of {named}")
