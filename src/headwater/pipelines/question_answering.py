"""`question-answering`: parts of a text that answer a question, with their offsets."""

from collections.abc import Sequence
from typing import Any, cast, final

from pydantic import PositiveInt

from headwater.config import Config
from headwater.data.config import MOST_SPECIAL_TOKENS, SpanConfig
from headwater.data.example import SpanExample
from headwater.inference.answer import Answer, Reader
from headwater.inference.extractive_reader import ExtractiveReader
from headwater.inference.loaded import LoadedModel
from headwater.models.families import sizes_of
from headwater.pipelines.task import field, first_or_all, several


class QuestionOptions(Config):
    """What a caller may set.

    top_k: how many answers; one comes without a list.
    handle_impossible_answer: whether "no answer", an empty text, may be the answer.
    max_answer_len: the most tokens of an answer; left out: as in training.
    max_question_len: the most tokens of a question; left out: as in training.
    max_seq_len: the most tokens of a window; left out: as in training.
    doc_stride: how many tokens two windows of a long text share at least, up to three quarters of
        what has room.
    align_to_words: an answer begins and ends with a word.
    """

    top_k: PositiveInt = 1
    handle_impossible_answer: bool = False
    max_answer_len: PositiveInt | None = None
    max_question_len: PositiveInt | None = None
    max_seq_len: PositiveInt | None = None
    doc_stride: PositiveInt | None = None
    align_to_words: bool = True

    def windows(self, usual: SpanConfig, longest: int) -> SpanConfig:
        """Return how texts are cut, where it is not as usual."""
        names = {
            "max_length": self.max_seq_len,
            "max_query_length": self.max_question_len,
            "max_answer_length": self.max_answer_len,
        }
        given = {name: value for name, value in names.items() if value is not None}
        values = {**usual.model_dump(), **given}
        config = SpanConfig.check(values, "parameters").fitting(longest)
        room = config.max_length - config.max_query_length - MOST_SPECIAL_TOKENS
        least = max(1, room // 4)  # else a long text would have a window for each of its tokens
        if self.doc_stride is not None:
            return config.model_copy(update={"stride": max(least, room - self.doc_stride)})
        return config if config.step(room) >= least else config.model_copy(update={"stride": least})


@final
class QuestionAnswering:
    """Answers questions from texts."""

    options = QuestionOptions

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._reader(possible=False)  # that it can

    def items(self, inputs: Any) -> tuple[list[SpanExample], bool]:
        """Check `{"question": ..., "context": ...}`, or a list of them."""
        if isinstance(inputs, dict):
            return [_example(inputs, "inputs")], True
        given = several(inputs, "an object with a question and a context, or a list of them")
        return [_example(each, f"inputs[{number}]") for number, each in enumerate(given)], False

    def characters(self, item: SpanExample) -> int:
        return len(item.question) + len(item.context)

    def run(self, items: Sequence[SpanExample], options: QuestionOptions) -> list[Any]:
        reader = self._reader(possible=options.handle_impossible_answer)
        if isinstance(reader, ExtractiveReader):
            longest = sizes_of(self._model.config).longest_input
            reader = reader.changed(options.windows(reader.config, longest))
        found = []
        for item, each in zip(items, reader.predict(items, options.top_k), strict=True):
            answers = [_shaped(answer, item.context, options) for answer in each.answers]
            found.append(answers[0] if options.top_k == 1 else answers)
        return found

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)

    def _reader(self, *, possible: bool) -> Reader:
        from headwater.tasks.names import task

        asked = task("squad_v2" if possible else "squad")
        return cast(Reader, self._model.predictor(asked))


def _example(given: Any, where: str) -> SpanExample:
    question, context = (field(given, name, where) for name in ("question", "context"))
    return SpanExample("", question, context, ())


def _shaped(answer: Answer, context: str, options: QuestionOptions) -> dict[str, Any]:
    """Return an answer with its offsets: 0 of none, None of a text that was written."""
    start, end, text = answer.start, answer.end, answer.text
    if answer.no_answer:
        start = end = 0
    elif start is not None and end is not None and options.align_to_words:
        start, end = _whole_words(context, start, end)
        text = context[start:end]
    return {"score": answer.score, "start": start, "end": end, "answer": text}


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Move the ends of a part of a text outwards to where no word is cut."""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end
