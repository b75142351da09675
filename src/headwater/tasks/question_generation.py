"""Asking for an answer: the reverse of SQuAD, from an answer and its text to a question.

    answer: in 1912 context: The spring was found in 1912.    ->    When was the spring found?

(Alberti et al. 2019, "Synthetic QA Corpora Generation with Roundtrip Consistency", section 2.) A
model must see which place is meant: of a long context it reads the sentences around the answer, as
many as fit, up to one that repeats it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from headwater.data.example import AnswerSpan, DataSource, Examples, SpanExample, TextExample
from headwater.data.official_files import TaskFiles
from headwater.data.repeated_ids import numbered
from headwater.data.span_files import read_squad
from headwater.data.task import Kind, Task
from headwater.errors import UserError
from headwater.metrics.names import MetricKind
from headwater.text.as_written import recased
from headwater.text.sentences import sentences

LONGEST = 1000
"""The most characters of context: about 230 tokens of English."""


def around(context: str, answer: AnswerSpan, longest: int = LONGEST) -> str:
    """Return the sentences around an answer that hold its text nowhere else, if they fit.

    >>> around("A mill. A tall mill. It is red. A mill.", AnswerSpan("mill", 15))
    'A tall mill. It is red.'
    """
    found = list(sentences(context))
    own = [n for n, (start, end) in enumerate(found) if start < answer.end and answer.start < end]
    if not own:  # the answer lies in white space
        return context
    first, last = own[0], own[-1]
    again = re.compile(rf"(?<!\w){re.escape(answer.text)}(?!\w)")

    def fits(low: int, high: int, new: int) -> bool:
        if not 0 <= new < len(found) or found[high][1] - found[low][0] > longest:
            return False
        return again.search(context, *found[new]) is None

    before = after = True
    while before or after:
        before = before and fits(first - 1, last, first - 1)
        first -= before
        after = after and fits(first, last + 1, last + 1) if last + 1 < len(found) else False
        last += after
    return _cut(context, found[first][0], found[last][1], answer, longest)


def _cut(context: str, start: int, end: int, answer: AnswerSpan, longest: int) -> str:
    """Cut a sentence that is too long by itself between words, the answer in its middle."""
    room = max(0, longest - len(answer.text))
    if end - start <= longest:
        return context[start:end]
    low = max(start, min(answer.start - room // 2, end - longest))
    high = min(end, max(answer.end + room // 2, low + longest))
    if low > start:
        low = min(answer.start, context.find(" ", low, answer.start) + 1 or low)
    if high < end:
        space = context.rfind(" ", answer.end, high)
        high = high if space < 0 else space
    return context[low:high]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionGeneration(Task[SpanExample]):
    """Questions for answers, in SQuAD's files; those without an answer are left out."""

    kind: Kind = "text"
    metric_kind: MetricKind = "text"

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[SpanExample]:
        """Read SQuAD files; the answers are what is read, also to predict."""
        found = read_squad(paths)
        examples = [each for each in numbered(found) if each.answers]
        if not examples:
            raise UserError(f"{', '.join(map(str, paths))}: no question has an answer")
        return Examples(examples, found.report)

    def to_text(self, example: SpanExample) -> TextExample:
        """Write the answer that is most agreed on, with the text around it."""
        answer = example.agreed_answer
        inputs = f"answer: {answer.text} context: {around(example.context, answer)}"
        return TextExample(example.id, inputs, (example.question.strip(),))

    def trained(self, example: SpanExample, *, writes: bool) -> SpanExample | None:
        """Return those that have a question."""
        return example if example.question.strip() else None

    def from_text(self, example: SpanExample, text: str) -> str:
        """Return a question with the names of the text as they stand there."""
        return recased(text.strip(), example.context)

    def golds(self, examples: DataSource[SpanExample]) -> dict[str, Sequence[str]]:
        return {example.id: (example.question.strip(),) for example in examples}


QUESTION_GENERATION = QuestionGeneration(
    name="question_generation",
    summary="SQuAD backwards: ask the question that a part of a paragraph answers",
    metric_names=("bleu", "rougeL"),
    main_metric="rougeL",
    files=TaskFiles(
        "squad",
        {"train": ("train-v1.1.json",), "validation": ("dev-v1.1.json",)},
        ("rajpurkar/squad", "plain_text"),
    ),
)
