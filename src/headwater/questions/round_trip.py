"""The round trip: a writer asks for answers of passages, a reader says which questions are kept.

    for outcome in round_trips(passages, writing(writer), reader, config):
        outcome.kept[0].question, outcome.dropped

Passages are taken some at a time, so that both models have texts of like lengths to put together.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from headwater.data.example import AnswerSpan, SpanExample
from headwater.errors import UserError
from headwater.inference.batches import chunks
from headwater.inference.loaded import LoadedModel
from headwater.questions.candidates import draw
from headwater.questions.config import QuestionConfig
from headwater.questions.passages import Passage, digest
from headwater.questions.rules import Asked, broken_rule, disagreement
from headwater.tasks.names import task

TOGETHER = 64  # passages

Write = Callable[[Iterable[SpanExample]], Iterable[str]]


class Question(NamedTuple):
    """A question that was kept: its passage, its answer, and the reader's probability of that."""

    passage: Passage
    question: str
    answer: AnswerSpan
    score: float

    @property
    def id(self) -> str:
        """An id that is the same wherever the passage stands."""
        return digest(self.passage.text, self.question, self.answer.start, self.answer.text)


@dataclass(slots=True)
class Outcome:
    """What came of some passages: how many, the questions kept, and why the others were not."""

    passages: int = 0
    candidates: int = 0
    kept: list[Question] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def writing(writer: LoadedModel, **options: Any) -> Write:
    """Return what writes questions; a model that does not write is refused.

    Args:
        options: as those of `LoadedModel.generate`.
    """
    predictor = writer.predictor(task("question_generation"), **options)
    return lambda examples: (each.text for each in predictor(examples))


def check_reader(reader: LoadedModel) -> None:
    """Refuse a model that does not find answers in texts."""
    reader.predictor(task("squad"))
    if reader.generates:
        raise UserError(
            f"{reader.name} writes its answers, without their place in the passage; take a reader "
            "that finds them, such as `reader`"
        )


def round_trips(
    passages: Iterable[Passage],
    write: Write,
    reader: LoadedModel,
    config: QuestionConfig,
    earlier: Iterable[Question] = (),
) -> Iterator[Outcome]:
    """Yield what comes of every TOGETHER passages.

    Args:
        earlier: questions that were kept before, which are not asked again.
    """
    asked = Asked()
    for each in earlier:
        asked.add(each.question, each.passage.text)
    for some in chunks(passages, TOGETHER):
        yield _outcome(some, write, reader, config, asked)


def _outcome(
    passages: Sequence[Passage],
    write: Write,
    reader: LoadedModel,
    config: QuestionConfig,
    asked: Asked,
) -> Outcome:
    wanted = [
        (passage, AnswerSpan(passage.text[each.start : each.end], each.start))
        for passage in passages
        for each in draw(passage.text, config.answers, config.per_passage, config.seed)
    ]
    outcome = Outcome(len(passages), len(wanted))
    unwritten = [
        SpanExample(str(number), "", passage.text, (answer,))
        for number, (passage, answer) in enumerate(wanted)
    ]
    good: list[tuple[Passage, str, AnswerSpan]] = []
    for (passage, answer), text in zip(wanted, write(unwritten), strict=True):
        question = " ".join(text.split())
        example = SpanExample("", question, passage.text, (answer,))
        if reason := broken_rule(example):
            outcome.dropped[reason] += 1
        else:
            good.append((passage, question, answer))
    answers = reader.answer_batch([(question, passage.text) for passage, question, _ in good])
    for (passage, question, answer), [found, *_] in zip(good, answers, strict=True):
        reason = disagreement(found, answer, config.min_f1)
        reason = reason or asked.repeats(question, passage.text)
        if reason:
            outcome.dropped[reason] += 1
        else:
            asked.add(question, passage.text)
            outcome.kept.append(Question(passage, question, answer, round(found.score, 4)))
    return outcome
