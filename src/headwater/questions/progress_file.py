"""What was asked so far, in a file of JSON lines that a stopped run leaves.

    {"settings": {...}, "sum": "9f..."}                                       the first line
    {"passages": 64, "candidates": 510, "kept": [...], ..., "sum": "07..."}   one for some passages

A line is on the disk before the next passages are asked of. A last line that was cut short counts
as not written. `sum` is the digest of the line without it, so damage is noticed; lines of before
it have none. With other settings a run does not go on.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self, final

from headwater.data.example import AnswerSpan
from headwater.errors import UserError
from headwater.files import refusal
from headwater.questions.passages import Passage, digest
from headwater.questions.round_trip import Outcome, Question


@final
class ProgressFile:
    """A file that grows by an outcome at a time.

    Args:
        path: the file, which is made if need be.
        settings: what a run must have in common with its beginning.
        passages: those that are asked of, in order.
    """

    def __init__(
        self, path: Path, settings: Mapping[str, Any], passages: Sequence[Passage]
    ) -> None:
        self.path, self._passages = path, passages
        self.outcomes: list[Outcome] = []
        self._settings = json.loads(json.dumps(settings))
        self._length = 0
        if path.exists():
            self._read()

    @property
    def done(self) -> int:
        """How many passages were asked of."""
        return sum(each.passages for each in self.outcomes)

    @contextmanager
    def writing(self) -> Iterator[Self]:
        """Open it to add outcomes; what was cut short is taken off."""
        with _refusing(self.path), self.path.open("ab") as file:
            file.truncate(self._length)
            self._file: BinaryIO = file
            if not self._length:
                self._append({"settings": self._settings})
            yield self

    def add(self, outcome: Outcome) -> None:
        """Append an outcome; it is on the disk when this returns."""
        self.outcomes.append(outcome)
        kept = [
            (each.passage.order, each.question, each.answer.start, each.answer.text, each.score)
            for each in outcome.kept
        ]
        counts = {"passages": outcome.passages, "candidates": outcome.candidates}
        self._append({**counts, "kept": kept, "dropped": outcome.dropped})

    def _append(self, record: Mapping[str, Any]) -> None:
        self._file.write(_line({**record, "sum": _sum(record)}).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self) -> None:
        lines = self.path.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        try:
            records = [_checked(json.loads(line)) for line in whole]
            if records:
                self._compare(records[0]["settings"])
            by_order = {each.order: each for each in self._passages}
            self.outcomes = [_outcome(record, by_order) for record in records[1:]]
        except UserError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise UserError(
                f"{self.path}: damaged, or not what a stopped run leaves; remove it to begin again"
            ) from None
        self._length = sum(map(len, whole))

    def _compare(self, before: Mapping[str, Any]) -> None:
        for key in sorted({*before, *self._settings}):
            if before.get(key) != self._settings.get(key):
                raise UserError(
                    f"{self.path}: asked with {key} = {before.get(key)!s:.60}, not "
                    f"{self._settings.get(key)!s:.60}; give the same again, or remove the file"
                )


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)


def _sum(record: Mapping[str, Any]) -> str:
    return digest(_line(record))


def _checked(record: Any) -> dict[str, Any]:
    """Return what was read, without its sum, if it is what was written."""
    rest = {key: value for key, value in record.items() if key != "sum"}
    if record.get("sum", _sum(rest)) != _sum(rest):
        raise ValueError("another sum")
    return rest


def _outcome(record: Mapping[str, Any], passages: Mapping[int, Passage]) -> Outcome:
    kept = [
        Question(passages[order], question, AnswerSpan(text, start), score)
        for order, question, start, text, score in record["kept"]
    ]
    return Outcome(record["passages"], record["candidates"], kept, Counter(record["dropped"]))


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Name the file where the system refuses to write."""
    try:
        yield
    except OSError as error:
        raise error if error.filename else refusal(error, path) from None
