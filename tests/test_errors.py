"""Hints and lists in error lines: near names, and few of many."""

import time

import pytest

from headwater.errors import did_you_mean, listed


def test_of_many_names_ten_are_listed() -> None:
    assert listed([]) == ""
    assert listed(["a", "b"]) == "a, b"
    assert listed(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert listed(range(100_000)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 99,990 more"


def test_a_name_that_differs_by_case_or_spaces_is_nearest() -> None:
    assert did_you_mean("body", ["bodi", " BODY"]) == "did you mean ' BODY'?"
    assert did_you_mean("squat", ["squad", "glue"]) == "did you mean 'squad'?"
    assert did_you_mean("ner", ["squad", "glue"], "known:") == "known: squad, glue"


@pytest.mark.timing
def test_a_hint_among_many_names_takes_no_time() -> None:
    names = [f"column{number}" for number in range(100_000)]
    start = time.perf_counter()
    assert len(did_you_mean("zzz", names)) < 150
    assert time.perf_counter() - start < 1
