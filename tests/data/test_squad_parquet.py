"""SQuAD as the hub has it: a question a row, its answers as two lists."""

from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from headwater.data.example import AnswerSpan
from headwater.data.span_files import read_squad
from headwater.errors import UserError


def write(path: Path, **changes: Any) -> Path:
    rows = [
        {
            "id": "q1",
            "title": "Rivers",
            "context": "Ann saw the Rhine.",
            "question": "What?",
            "answers": {"text": ["Rhine", "the Rhine"], "answer_start": [12, 8]},
        },
        {
            "id": "q2",
            "title": "Rivers",
            "context": "Ann saw the Rhine.",
            "question": "Who swam?",
            "answers": {"text": [], "answer_start": []},
        },
    ]
    rows[1] |= changes
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def test_rows_are_questions(tmp_path: Path) -> None:
    first, second = read_squad([write(tmp_path / "v.parquet")])
    assert first.answers == (AnswerSpan("Rhine", 12), AnswerSpan("the Rhine", 8))
    assert (first.article, first.question) == ("Rivers", "What?")
    assert second.impossible and not second.answers
    asked = read_squad([tmp_path / "v.parquet"], answered=False)
    assert not any(each.answers or each.impossible for each in asked)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    with pytest.raises(UserError, match=r"row 2.*this id occurred before, at .*row 1"):
        read_squad([write(path, id="q1")], answered=False)
    assert (
        "row 2 (id 'q2'): the context is empty"
        in read_squad([write(path, context=" ")]).report.untrained[0]
    )
    wrong = {"text": ["Rhine"], "answer_start": [3]}
    report = read_squad([write(path, answers=wrong)]).report
    assert len(report.repaired) == 1 and "row 2" in report.repaired[0]
