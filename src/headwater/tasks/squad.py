"""SQuAD v1.1 and v2.0 (Rajpurkar et al. 2016, 2018), as a span task and as text to text.

As text a question reads `question: Who ...? context: The ...` and its target is the answer, or
"unanswerable" where there is none. With `pad_punctuation` it reads as T5's own checkpoints learned
it: `question: Who ... ? context: The ... .` (see `tasks.padding`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, final

from headwater.data.example import DataSource, Examples, SpanExample, TextExample
from headwater.data.official_files import TaskFiles
from headwater.data.repeated_ids import last, numbered
from headwater.data.span_files import read_squad
from headwater.data.task import Kind, Task
from headwater.errors import UserError
from headwater.metrics.names import METRICS, MetricKind
from headwater.tasks.padding import pad_punctuation, unpadded
from headwater.text.as_written import as_written

NO_ANSWER = "unanswerable"
"""What a model writes that finds no answer, as FLAN has it (Wei et al. 2022); or nothing at all."""


class SpanReader(Protocol):
    """Reads the files of a span task, together one set."""

    def __call__(
        self, paths: Sequence[Path], *, answered: bool = True
    ) -> Examples[SpanExample]: ...


def question_text(example: SpanExample) -> str:
    """Write `question: ... context: ...`; without a context `question: ...` alone."""
    inputs = f"question: {example.question.strip()}"
    return f"{inputs} context: {example.context}" if example.context else inputs


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SquadTask(Task[SpanExample]):
    """A version of SQuAD, or a task like it in other files; `as_text` is what T5 reads.

    pad_punctuation: put spaces around punctuation in what a T5 reads and writes, and in what is
        scored; answers are given as they stand in the context.
    """

    kind: Kind = "span"
    metric_kind: MetricKind = "span"
    main_metric: str = "f1"
    reader: SpanReader = read_squad
    as_text: Callable[[SpanExample], str] = question_text
    pad_punctuation: bool = False

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[SpanExample]:
        """Read its files; v1.1 refuses questions without an answer."""
        found = self.reader(paths, answered=answered)
        once = last(found) if self.null_answers else numbered(found)
        examples = Examples(once, found.report)
        for example in examples:
            if example.impossible and not self.null_answers:
                raise UserError(
                    f"{', '.join(map(str, paths))}: question {example.id!r} has no answer, "
                    f"which task {self.name} does not know; use task {SQUAD_V2.name}"
                )
        return examples

    def to_text(self, example: SpanExample) -> TextExample:
        """Write the question; the targets are the different answers.

        The one most agreed on stands first: it is trained on.
        """
        first = (example.agreed_answer.text,) if example.answers else ()
        answers = tuple(dict.fromkeys(map(self.compared, (*first, *example.golds))))
        targets = (NO_ANSWER,) if example.impossible else answers
        if self.pad_punctuation:
            question, context = map(pad_punctuation, (example.question, example.context))
            example = replace(example, question=question, context=context)
        return TextExample(example.id, self.as_text(example), targets)

    def from_text(self, example: SpanExample, text: str) -> str:
        """Return an answer as it stands in the context; the empty text for none."""
        if text.strip().lower().rstrip(".") == NO_ANSWER:
            return ""
        put_back = unpadded if self.pad_punctuation else as_written
        return put_back(text, example.context)

    def compared(self, text: str) -> str:
        return pad_punctuation(text) if self.pad_punctuation else text

    def padded(self) -> "SquadTask":
        return replace(self, pad_punctuation=True)

    def trained(self, example: SpanExample, *, writes: bool) -> SpanExample | None:
        """Return it with the answers that have a place; one that is written needs none."""
        if not (example.question.strip() and example.context.strip()):
            return None
        if example.answers or example.impossible:
            return replace(example, unplaced=()) if example.unplaced else example
        texts = tuple(text for text in example.unplaced if text.strip())
        return replace(example, unplaced=texts) if writes and texts else None

    def golds(self, examples: DataSource[SpanExample]) -> dict[str, Sequence[str]]:
        """Return the answers of each question, none where there is none."""
        found: dict[str, Sequence[str]] = {}
        for example in examples:
            if not example.golds and not example.impossible:
                raise UserError(f"question {example.id!r} has no known answer to score against")
            found[example.id] = example.golds
        return found


SQUAD_V1 = SquadTask(
    name="squad",
    summary="SQuAD v1.1: answer a question with a span of a paragraph",
    metric_names=tuple(METRICS["span"]),
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
    metric_kind="null_span",
    metric_names=tuple(METRICS["null_span"]),
    files=TaskFiles(
        "squad_v2",
        {"train": ("train-v2.0.json",), "validation": ("dev-v2.0.json",)},
        ("rajpurkar/squad_v2", "squad_v2"),
    ),
)
