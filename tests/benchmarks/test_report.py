"""Ratios, limits, the table and the page; and that the committed page is of the committed JSON."""

from pathlib import Path
from typing import Any

import pytest
from benchmarks.harness.page import page
from benchmarks.harness.report import Report, Result, quartiles
from benchmarks.harness.table import facts, rows, table

ROOT = Path(__file__).resolve().parents[2]
VALUES = {"headwater": [10.0, 20.0, 10.0], "slow": [5.0, 10.0, 4.0], "fast": [20.0, 40.0, 20.0]}


def result(**changes: Any) -> Result:
    """Ours twice as fast as one peer and half as fast as another, of a limit of 40."""
    given = {
        "name": "writing",
        "title": "writes",
        "unit": "texts/s",
        "lower": False,
        "values": VALUES,
        "facts": {"slow": {"padding share": 0.125, "F1": 88.0}},
        "rates": {"bfloat16": [4e9, 4e9, 3e9], "float32": [1e9, 1e9, 1e9]},
        "operations": 1e8,
        "absent": {"gone": "ctranslate2 not installed"},
    }
    return Result(**{**given, **changes})


def report(*works: Result) -> Report:
    return Report(
        *("abc", "2026-01-02", "python -m benchmarks run", 3, "2 x some", 2, {"torch": "2"}),
        list(works),
    )


def test_ratios_are_of_one_turn_and_above_one_is_better() -> None:
    assert result().ratios("slow") == [2.0, 2.0, 2.5]
    assert result(lower=True).ratios("slow") == [0.5, 0.5, 0.4]


def test_quartiles_are_between_the_turns() -> None:
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)


def test_the_limit_is_the_rate_over_the_operations() -> None:
    assert result().limit("bfloat16") == 40.0
    assert result().limit("float32") == 10.0
    assert result().share() == 0.25
    assert result(operations=None).share() is None


def test_each_peer_has_a_row_and_ours_stands_in_the_first() -> None:
    assert rows(result()) == [
        "| writes, texts/s | 10 | slow | 5 | 2.00 (2.00 to 2.25) | 40, 10 | 25% |",
        "|  |  | fast | 20 | 0.50 (0.50 to 0.50) |  |  |",
    ]
    alone = result(values={"headwater": [10.0]}, operations=None)
    assert rows(alone) == ["| writes, texts/s | 10 |  |  |  |  |  |"]


def test_what_stands_beside_the_speed_and_what_is_missing_is_told() -> None:
    assert facts(report(result())).splitlines()[2:] == [
        "| writes | slow | padding 12.5%; F1 88 |",
        "| writes | gone | skipped: ctranslate2 not installed |",
    ]


def test_json_gives_the_same_report_back(tmp_path: Path) -> None:
    made = report(result(), result(name="reading"))
    made.write(tmp_path / "results.json")
    read = Report.read(tmp_path / "results.json")
    assert read == made
    assert page(read) == page(made)
    assert table(made) in page(read)


def test_the_page_is_that_of_the_committed_results() -> None:
    results, written = ROOT / "benchmarks" / "results.json", ROOT / "docs" / "performance.md"
    if not results.exists() and not written.exists():
        pytest.skip("no results are committed; `make bench` makes them")
    assert written.read_text(encoding="utf-8") == page(Report.read(results)), (
        "docs/performance.md is not of benchmarks/results.json; run `python -m benchmarks page`"
    )
