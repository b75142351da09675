"""What every task of the pipelines has: inputs that are checked, a model that is asked, shapes.

    task = pipeline_task("summarization", load("t5-small"))
    items, one = task.items("a long text")
    task.outer(task.run(items, task.options()), one)     # [{"summary_text": "..."}]

A server checks inputs in one thread, and runs those of several callers together in another.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from headwater.arguments import shown
from headwater.config import Config
from headwater.errors import UserError


class PipelineTask(Protocol):
    """One task over one model."""

    @property
    def options(self) -> type[Config]:
        """What a caller may set, by the names of `transformers` or of its clients."""
        ...

    def items(self, inputs: Any, /) -> tuple[list[Any], bool]:
        """Check the inputs; return them, and whether one was given without a list. No torch."""
        ...

    def characters(self, item: Any, /) -> int:
        """Return how long an item is, as what it costs."""
        ...

    def run(self, items: Sequence[Any], options: Any, /) -> list[Any]:
        """Ask the model; return for each item what is said, for JSON."""
        ...

    def outer(self, results: list[Any], one: bool, /) -> Any:
        """Return the answer to a request: the results in the shape that clients expect."""
        ...


def texts_of(inputs: Any) -> tuple[list[str], bool]:
    """Check a text, or a list of them, none of which is empty."""
    if isinstance(inputs, str):
        return [filled(inputs, "inputs")], True
    texts = several(inputs, "a text or a list of texts")
    return [filled(text, f"inputs[{number}]") for number, text in enumerate(texts)], False


def several(values: Any, expected: str, name: str = "inputs") -> Sequence[Any]:
    """Check a list that is not empty."""
    if not isinstance(values, list | tuple):
        raise UserError(f"{name}: {expected} was expected, not {shown(values)}")
    if not values:
        raise UserError(f"{name}: {expected} was expected, and the list is empty")
    return values


def filled(text: Any, name: str) -> str:
    """Check a text that is not empty."""
    if not isinstance(text, str):
        raise UserError(f"{name}: a text was expected, not {shown(text)}")
    if not text.strip():
        raise UserError(f"{name}: the text is empty")
    return text


def field(values: Any, name: str, where: str) -> str:
    """Check a text that stands in an object under a name."""
    if not isinstance(values, dict):
        raise UserError(f"{where}: an object was expected, not {shown(values)}")
    if name not in values:
        raise UserError(f"{where}.{name}: missing")
    return filled(values[name], f"{where}.{name}")


def first_or_all(results: list[Any], one: bool) -> Any:
    """Return the result of one input, or a list with that of each."""
    return results[0] if one else results
