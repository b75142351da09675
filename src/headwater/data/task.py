"""What a task declares: how its files are read, said as text, and scored.

The same Task serves training, evaluation and answering, so that what was trained is what answers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from headwater.data.example import TextExample
from headwater.data.source import DataSource, Example, Examples

E = TypeVar("E", bound=Example)


class Task(Protocol[E]):
    """A task over examples of type E."""

    @property
    def name(self) -> str:
        """The name by which the command line knows it."""
        ...

    @property
    def summary(self) -> str:
        """One line for `headwater tasks`."""
        ...

    @property
    def kind(self) -> Literal["span"]:
        """Which head an encoder gets for it; `span` marks the start and end of an answer."""
        ...

    @property
    def null_answers(self) -> bool:
        """Whether a text may hold no answer."""
        ...

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The scores in percent, in the order of the official script: what a run follows."""
        ...

    @property
    def main_metric(self) -> str:
        """The metric by which the best checkpoint is chosen; more is better."""
        ...

    def read(self, paths: Sequence[Path], *, answered: bool = True) -> Examples[E]:
        """Read the task's files; without `answered` they need not hold what is to be predicted.

        Raises:
            UserError: a file is broken or not this task's.
        """
        ...

    def to_text(self, example: E) -> TextExample:
        """Say an example as text in and text out, for text-to-text models."""
        ...

    def score(
        self,
        examples: DataSource[E],
        predictions: Mapping[str, str],
        no_answer_probabilities: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Score predictions (id -> text) by the official metrics, in percent."""
        ...
