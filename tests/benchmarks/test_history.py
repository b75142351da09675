"""The history of results, and what became slower between two of them."""

from pathlib import Path

from benchmarks.harness.history import Entry, append, find, read, regressions
from benchmarks.harness.report import Report, Result


def entry(commit: str, processor: str = "one", **ratios: float) -> Entry:
    return Entry(commit, "2026-01-01", processor, 2, {"torch": "2"}, {"writing": ratios})


def test_a_fall_of_more_than_a_tenth_is_a_regression() -> None:
    before = entry("a", engine=1.5, plain=3.0, other=2.0, gone=1.0)
    after = entry("b", engine=1.34, plain=2.75, other=2.5, new=0.1)
    assert regressions(before, after) == ["writing beside engine: 1.50 -> 1.34 (-11%)"]
    assert regressions(after, before) == ["writing beside other: 2.50 -> 2.00 (-20%)"]


def test_a_report_becomes_an_entry() -> None:
    values = {"headwater": [2.0, 4.0, 3.0], "peer": [1.0, 1.0, 1.0]}
    work = Result("writing", "writes", "texts/s", False, values)
    made = Report("abc", "2026-01-01", "run", 3, "one", 2, {"torch": "2"}, [work])
    assert Entry.of(made) == entry("abc", peer=3.0)


def test_one_commit_has_one_entry_for_a_machine(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    for each in (entry("a", peer=1.0), entry("b", peer=1.0), entry("b", peer=2.0)):
        append(file, each)
    append(file, entry("b", "two", peer=3.0))
    assert read(file) == [
        *(entry("a", peer=1.0), entry("b", peer=2.0)),
        entry("b", "two", peer=3.0),
    ]


def test_only_runs_of_like_machines_are_compared_unasked() -> None:
    entries = [entry("a", peer=1.0), entry("b", "two", peer=1.0), entry("c", peer=1.0)]
    last = find(entries, None)
    assert last == entries[2]
    assert find(entries, None, last) == entries[0]
    assert find(entries, "b", last) == entries[1]
    assert find(entries[:1], None, entries[0]) is None
