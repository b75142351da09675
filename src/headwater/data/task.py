"""What a task declares: how its files are read, said as text, answered, and scored.

The same Task serves training, evaluation and answering, so that what was trained is what answers.
A prediction is a text, whatever the kind:

    span, text     the answer, the translation, ...                "in 1912"
    sequence       one of `labels`                                  "entailment"
    regression     a number                                         "3.8"
    token          a tag for each word, with spaces between them    "O B-person I-person O"
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from headwater.data.example import TextExample
from headwater.data.predictions import PredictionFile
from headwater.data.source import DataSource, Example, Examples
from headwater.errors import UserError

E = TypeVar("E", bound=Example)

Split = Literal["train", "validation", "test"]
Kind = Literal["span", "sequence", "regression", "token", "text"]
"""Which head an encoder gets for the task: `span` marks the start and the end of an answer,
`sequence` chooses a class for a text or a pair, `regression` gives it a number, `token` chooses a
class for each word; for `text` there is none: the task is one of writing."""


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """Where the official files of a task lie.

    Args:
        folder: the task's folder in the benchmark's, such as `RTE` in `glue`.
        splits: by split, names in that folder; a split may have none.
        hub: the dataset on the hub and its configuration, as `nyu-mll/glue` and `rte`; None: none.
    """

    folder: str
    splits: Mapping[Split, tuple[str, ...]]
    hub: tuple[str, str] | None = None


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
    def kind(self) -> Kind:
        """What is predicted, and so which head an encoder gets."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """What a sequence or token head chooses from, in the order of its outputs.

        Empty for the other kinds, and where the labels are those of the training files.
        """
        ...

    @property
    def null_answers(self) -> bool:
        """Whether a text may hold no answer (span tasks)."""
        ...

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The scores in percent, in the order of the official script: what a run follows."""
        ...

    @property
    def main_metric(self) -> str:
        """The metric by which the best checkpoint is chosen; more is better."""
        ...

    @property
    def files(self) -> TaskFiles | None:
        """Where its official files lie; None where there are no such files."""
        ...

    @property
    def prediction_file(self) -> PredictionFile:
        """The official format of its predictions."""
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

    def from_text(self, example: E, text: str) -> str:
        """Turn what a text-to-text model wrote into a prediction.

        What is no answer to the task (a word that is no label) stays as it is: it counts as wrong.
        """
        ...

    def score(
        self,
        examples: DataSource[E],
        predictions: Mapping[str, str],
        no_answer_probabilities: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Score predictions (id -> text) by the official metrics, in percent.

        Raises:
            UserError: what an example asks for is not known.
        """
        ...


@runtime_checkable
class ReportingTask(Protocol):
    """A task whose official script says more than its scores."""

    def report(self, examples: DataSource[Any], predictions: Mapping[str, str]) -> str:
        """Return what it says, in lines: scores by type, how they were computed."""
        ...


def refuse_probabilities(task: str, given: Mapping[str, float] | None) -> None:
    """Refuse probabilities of "no answer" where a task has no such thing.

    Raises:
        UserError: they are given.
    """
    if given is not None:
        raise UserError(f"task {task} knows no no-answer probabilities; squad_v2 does")
