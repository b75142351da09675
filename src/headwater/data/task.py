"""What a task declares: how its files are read, put into text, answered and scored.

The same Task serves training, evaluation and answering, so that what was trained is what answers.
A prediction is a text, whatever the kind:

    span, text     the answer, the translation, ...                "in 1912"
    sequence       one of `labels`                                  "entailment"
    regression     a number                                         "3.8"
    token          a tag for each word, with spaces between them    "O B-person I-person O"
    embedding      numbers of passages, the best first              "17 4 9"
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar, final

from headwater.data.example import (
    DataSource,
    Example,
    Examples,
    PairExample,
    TaggingExample,
    TextExample,
)
from headwater.data.official_files import TaskFiles, with_folders
from headwater.data.predictions import JSON, PredictionFile
from headwater.data.row import Row
from headwater.errors import UserError
from headwater.metrics.names import MetricKind, Scored, measure

E = TypeVar("E", bound=Example)

Kind = Literal["span", "sequence", "multi_label", "regression", "token", "embedding", "text"]
"""Which head an encoder gets for the task: `span` marks the start and the end of an answer,
`sequence` chooses a class for a text or a pair, `multi_label` any number of them, `regression`
gives it a number, `token` chooses a class for each word, `embedding` gives vectors that are
compared; for `text` there is none: the task is one of writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(ABC, Generic[E]):
    """A task over examples of type E.

    Args:
        name: what the command line calls it.
        summary: one line for `headwater tasks`.
        kind: what is predicted, and so which head an encoder gets.
        metric_names: of `metrics.names`, in the order of the official script: what a run follows.
        main_metric: the one by which the best checkpoint is chosen; more is better. Left out: the
            first.
        metric_kind: which metrics are meant by these names.
        labels: what there is to choose from, in the order of a head's outputs. Empty where nothing
            is chosen, and where the labels are those of the training files.
        null_answers: whether a context may hold no answer (span tasks).
        files: where its official files lie; None: there are none.
        prediction_file: the official format of its predictions.
    """

    name: str
    summary: str
    kind: Kind
    metric_names: tuple[str, ...]
    main_metric: str = ""
    metric_kind: MetricKind
    labels: tuple[str, ...] = ()
    null_answers: bool = False
    files: TaskFiles | None = None
    prediction_file: PredictionFile = JSON

    def __post_init__(self) -> None:
        if not self.main_metric:
            object.__setattr__(self, "main_metric", self.metric_names[0])

    @final
    def read(self, paths: Sequence[Path], *, answered: bool = True) -> Examples[E]:
        """Read files in order as one set; a folder stands for its official validation files.

        Without `answered` they need not hold what is to be predicted.
        """
        return self.read_files(with_folders(self.name, self.files, paths), answered=answered)

    @abstractmethod
    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[E]:
        """Read files, of which none is a folder."""

    def rows(self, path: Path) -> Iterator[Row]:
        """Yield of a file the row that each of its examples is from, in their order."""
        raise UserError(f"{path}: task {self.name} has no table with a row for each example")

    @final
    def head_labels(self, examples: Iterable[E]) -> tuple[str, ...]:
        """Return what a head for the task chooses from: the task's labels, or the data's.

        Those of the training examples are sorted, with the tag `O` first.
        """
        if self.kind not in ("sequence", "multi_label", "token"):
            return ()
        if self.labels:
            return self.labels
        found: set[str] = set()
        for example in examples:
            if isinstance(example, TaggingExample):
                found.update(example.tags or ())
            elif isinstance(example, PairExample) and example.label is not None:
                found.add(example.label)
        return tuple(sorted(found, key=lambda label: (label != "O", label)))

    @abstractmethod
    def to_text(self, example: E) -> TextExample:
        """Put an example into text in and text out, for text-to-text models."""

    def trained(self, example: E, *, writes: bool) -> E | None:
        """Return an example as it is trained on; None: it cannot be, though it counts in scores.

        Args:
            writes: whether the model writes its predictions.
        """
        return example

    def from_text(self, example: E, text: str) -> str:
        """Turn what a text-to-text model wrote into a prediction.

        What is no answer to the task (a word that is no label) stays as it is: it counts as wrong.
        """
        return text

    @abstractmethod
    def golds(self, examples: DataSource[E]) -> dict[str, Sequence[str]]:
        """Return what counts as right, by the id of each example that is scored (see `Scored`)."""

    def compared(self, text: str) -> str:
        """Return a gold answer or a prediction as it is scored."""
        return text

    def padded(self) -> "Task[E]":
        """Return the task with spaces around punctuation, as T5's own checkpoints read it."""
        raise UserError(f"task {self.name}: pad_punctuation is for questions on a text")

    @final
    def score(
        self,
        examples: DataSource[E],
        predictions: Mapping[str, str],
        no_answer_probabilities: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Score predictions (id -> text) by the official metrics, in percent."""
        scored = self.scored(examples, predictions, no_answer_probabilities)
        return measure(self.metric_kind, self.metric_names, scored)

    @final
    def scored(
        self,
        examples: DataSource[E],
        predictions: Mapping[str, str],
        no_answer_probabilities: Mapping[str, float] | None = None,
    ) -> Scored:
        """Return what the metrics see of predictions."""
        if no_answer_probabilities is not None and not self.null_answers:
            raise UserError(f"task {self.name} knows no no-answer probabilities; squad_v2 does")
        golds = {id: [*map(self.compared, each)] for id, each in self.golds(examples).items()}
        texts = {id: self.compared(text) for id, text in predictions.items()}
        return Scored(golds, texts, self.labels, no_answer_probabilities)

    def report(self, examples: DataSource[E], predictions: Mapping[str, str]) -> str:
        """Return what the official script prints besides its scores, in lines; mostly nothing."""
        return ""
