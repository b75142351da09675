"""SQuAD v1.1 and v2.0 (Rajpurkar et al. 2016, 2018), as a span task and as text to text.

As text a question reads `question: Who ...? context: The ...` and its target is the answer, the
empty text where there is none. (T5's own preprocessor also puts spaces around punctuation; here
the text is left as it is, so that answers come out as they stand in it.)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, final

from headwater.data.example import SpanExample, TextExample
from headwater.data.official_files import with_folders
from headwater.data.predictions import JSON, PredictionFile
from headwater.data.source import DataSource, Examples
from headwater.data.squad_file import read_squad
from headwater.data.task import TaskFiles, refuse_probabilities
from headwater.errors import UserError
from headwater.metrics.qa import squad_v1, squad_v2


class SpanReader(Protocol):
    """Reads the files of a span task, together one set."""

    def __call__(
        self, paths: Sequence[Path], *, answered: bool = True
    ) -> Examples[SpanExample]: ...


def say(example: SpanExample) -> str:
    """Write `question: ... context: ...`; without a context `question: ...` alone."""
    inputs = f"question: {example.question.strip()}"
    return f"{inputs} context: {example.context}" if example.context else inputs


@final
@dataclass(frozen=True, slots=True)
class SquadTask:
    """A version of SQuAD, or a task like it in other files (see `Task`).

    Args:
        null_answers: whether a text may hold no answer.
        reads: reads its files.
        say: writes an example as a text-to-text model reads it.
    """

    name: str
    summary: str
    null_answers: bool
    metric_names: tuple[str, ...]
    files: TaskFiles | None
    reads: SpanReader = read_squad
    say: Callable[[SpanExample], str] = say
    kind: Literal["span"] = "span"
    labels: tuple[str, ...] = ()
    main_metric: str = "f1"
    prediction_file: PredictionFile = JSON

    def read(self, paths: Sequence[Path], *, answered: bool = True) -> Examples[SpanExample]:
        """Read its files, a folder standing for the validation file; v1.1 refuses null answers.

        Raises:
            UserError: as `read_squad`, or a question without an answer where none may be.
        """
        files = with_folders(self.name, self.files, paths)
        examples = self.reads(files, answered=answered)
        if not self.null_answers:
            for example in examples:
                if example.impossible:
                    raise UserError(
                        f"{', '.join(map(str, paths))}: question {example.id!r} has no answer, "
                        f"which task {self.name} does not know; use task {SQUAD_V2.name}"
                    )
        return examples

    def to_text(self, example: SpanExample) -> TextExample:
        """Say the question; the targets are the different answers.

        The one most agreed on stands first: it is trained on.
        """
        first = (example.agreed_answer,) if example.answers else ()
        answers = tuple(dict.fromkeys(answer.text for answer in (*first, *example.answers)))
        targets = ("",) if example.impossible else answers
        return TextExample(example.id, self.say(example), targets)

    def from_text(self, example: SpanExample, text: str) -> str:
        """Take what was written as the answer."""
        return text

    def score(
        self,
        examples: DataSource[SpanExample],
        predictions: Mapping[str, str],
        no_answer_probabilities: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Score with the official metrics of the version.

        Raises:
            UserError: an example's answer is not known, or there are probabilities that v1.1
                does not know.
        """
        golds: dict[str, list[str]] = {}
        for example in examples:
            if not example.answers and not example.impossible:
                raise UserError(f"question {example.id!r} has no known answer to score against")
            golds[example.id] = [answer.text for answer in example.answers]
        if self.null_answers:
            return squad_v2(golds, predictions, no_answer_probabilities)
        refuse_probabilities(self.name, no_answer_probabilities)
        return squad_v1(golds, predictions)


SQUAD_V1 = SquadTask(
    name="squad",
    summary="SQuAD v1.1: answer a question with a span of a paragraph",
    null_answers=False,
    metric_names=("exact_match", "f1"),
    files=TaskFiles(
        "squad",
        {"train": ("train-v1.1.json",), "validation": ("dev-v1.1.json",)},
        ("rajpurkar/squad", "plain_text"),
    ),
)

SQUAD_V2 = SquadTask(
    name="squad_v2",
    summary="SQuAD v2.0: the same, or say that the paragraph holds no answer",
    null_answers=True,
    metric_names=(
        *("exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1"),
        *("best_exact", "best_f1"),
    ),
    files=TaskFiles(
        "squad_v2",
        {"train": ("train-v2.0.json",), "validation": ("dev-v2.0.json",)},
        ("rajpurkar/squad_v2", "squad_v2"),
    ),
)
