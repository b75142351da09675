"""Answers from ranked passages, with readers whose scores are given."""

import doctest
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference import passage_reader
from headwater.inference.answer import Answer, Prediction
from headwater.inference.passage_reader import SpanPassageReader
from headwater.inference.temperatures import Temperatures
from headwater.inference.writing_passage_reader import WritingPassageReader
from headwater.tasks.spans import SpanCandidate, SpanChoice

PASSAGES = ["It was built by Ada.", "It was built by the Ada of old.", "Ben built it in 1843."]


class Reader:
    """Finds one span in each passage: its text, and how far it is ahead of "no answer"."""

    temperatures = Temperatures()

    def __init__(self, *found: tuple[str, float]) -> None:
        self._found = found

    def choices(
        self, question: str, texts: Sequence[str], top_k: int, above: Sequence[str]
    ) -> list[SpanChoice]:
        return [
            self._choice(text, *each)
            for text, each in zip(texts, self._found[: len(texts)], strict=True)
        ]

    def _choice(self, text: str, answer: str, margin: float) -> SpanChoice:
        start = text.index(answer)
        return SpanChoice((SpanCandidate(answer, start, start + len(answer), 3.0 + margin),), 3.0)


class Writer:
    """Writes one answer from each passage, with a probability; "" where there is none."""

    def __init__(self, *written: tuple[str, float]) -> None:
        self._written = written
        self.read: list[str] = []

    def predict(self, examples: Iterable[SpanExample], top_k: int) -> Iterator[Prediction]:
        for example, (text, score) in zip(examples, self._written, strict=True):
            self.read.append(example.context)
            answer = Answer(text, score) if text else Answer.none(score)
            yield Prediction(example.id, (answer,), text)


def spans(
    *found: tuple[str, float], weight: float, threshold: float | None = 0.0
) -> SpanPassageReader:
    reader: Any = Reader(*found)
    return SpanPassageReader(reader, weight, threshold)


def test_the_order_of_the_search_counts() -> None:
    found = ("by Ada", 2.0), ("of old", -9.0), ("Ben", 2.5)
    (first,) = spans(*found, weight=0.0)("Who?", PASSAGES)
    assert (first.text, first.source) == ("Ben", "2")
    (first,) = spans(*found, weight=1.0)("Who?", PASSAGES)
    assert (first.text, first.source, first.start) == ("by Ada", "0", 13)


def test_near_duplicates_are_one_answer_with_all_places() -> None:
    found = ("by Ada", 1.0), ("the Ada", 1.0), ("Ben", 1.5)
    first, second = spans(*found, weight=0.0)("Who?", PASSAGES, 2)
    assert [place.source for place in first.places] == ["0", "1"]
    assert second.text == "Ben" and first.score > second.score
    assert first.score == pytest.approx(sum(place.score for place in first.places))


def test_the_passages_do_not_say() -> None:
    found = ("by Ada", -2.0), ("of old", 1.0), ("Ben", -3.0)
    assert spans(*found, weight=1.0)("Who?", PASSAGES)[0].text == "of old"
    none, other = spans(*found, weight=2.0)("Who?", PASSAGES, 2)
    assert none.no_answer and other.text == "of old"
    assert not spans(*found, weight=2.0, threshold=2.0)("Who?", PASSAGES)[0].no_answer
    assert not spans(*found, weight=2.0, threshold=None)("Who?", PASSAGES)[0].no_answer
    with pytest.raises(UserError, match="empty"):
        spans(*found, weight=1.0)(" ", PASSAGES)


def test_what_is_written_is_found_in_the_passages() -> None:
    writer: Any = Writer(("ada", 0.4), ("Ada", 0.4), ("in 1843", 0.5))
    first, second = WritingPassageReader(writer, 0.0)("Who?", PASSAGES, 2)
    assert (first.text, first.source, first.start) == ("ada", "0", None)
    assert [(each.source, each.start, each.end) for each in first.places] == [
        ("0", 16, 19),
        ("1", 20, 23),
    ]
    assert second.text == "in 1843" and first.score == pytest.approx(0.8 / 1.3)
    above = ["Ada's mill", "", "Mills > Ben"]
    assert WritingPassageReader(writer, 0.0)("Who?", PASSAGES, 2, above) == [first, second]
    assert writer.read[:3] == PASSAGES
    assert writer.read[3:] == [
        "Ada's mill\n\nIt was built by Ada.",
        PASSAGES[1],
        f"Mills > Ben\n\n{PASSAGES[2]}",
    ]
    silent: Any = Writer(("", 0.9), ("", 0.9), ("a mill", 0.1))
    (answer,) = WritingPassageReader(silent, 1.0)("What?", PASSAGES)
    assert (answer.text, answer.places) == ("a mill", ())
    silent = Writer(("", 0.9), ("", 0.9), ("", 0.9))
    assert WritingPassageReader(silent, 1.0)("What?", PASSAGES)[0].no_answer


def test_what_near_duplicates_have_in_common() -> None:
    assert doctest.testmod(passage_reader).failed == 0
    assert passage_reader.core("3.5") != passage_reader.core("35")
    assert passage_reader.core("$5") != passage_reader.core("£5")
