"""Sides take turns in processes of their own."""

import multiprocessing
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from benchmarks.harness import processes, run
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, OUTPUTS, Absent, Context, Side, Work
from benchmarks.table_of_works import WORKS
from benchmarks.works.ask_cold import start

NOTHING = partial(start, arguments=("-c", "pass"))
BROKEN = partial(start, arguments=("-c", "raise SystemExit(3)"))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path, tmp_path, threads=1)


def test_the_value_of_a_turn_is_items_per_second_or_what_is_given() -> None:
    ours, theirs = multiprocessing.Pipe()
    turns, ended = Turns(theirs), []

    def side() -> None:
        for number, _ in enumerate(turns):
            turns.count(10) if number else turns.give(7.0)
        ended.append(True)

    thread = Thread(target=side)
    thread.start()
    assert ours.recv() == ("ready", None)
    ours.send("go")
    assert ours.recv() == ("value", 7.0)
    ours.send("go")
    kind, value = ours.recv()
    assert kind == "value" and value > 10
    ours.send("stop")
    thread.join(10)
    assert ended and turns.seconds > 0


def test_a_work_runs_and_a_side_that_is_absent_is_left_out(
    context: Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        processes._processes, "Process", multiprocessing.get_context("spawn").Process
    )
    monkeypatch.setattr(run, "RATES", ())
    sides = (
        Side("headwater", NOTHING),
        Side("absent", NOTHING, ("no_such_package",)),
    )
    work = Work("start", "starts", "seconds", sides, lower=True)
    found = run.run_work(work, context, 2)
    assert {name: len(values) for name, values in found.values.items()} == {"headwater": 2}
    assert found.absent == {"absent": "no_such_package not installed"}
    assert "start: absent is skipped: no_such_package not installed" in caplog.messages


def test_a_side_that_breaks_tells_its_traceback(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        processes._processes, "Process", multiprocessing.get_context("spawn").Process
    )
    side = processes.Running(Side("headwater", BROKEN), context)
    with pytest.raises(processes.Failed, match="CalledProcessError"):
        side.value()


def test_outputs_are_compared_with_the_reference() -> None:
    facts: dict[str, Any] = {
        "headwater": {OUTPUTS: ["a", "b"], OPERATIONS: 1.0},
        "right": {OUTPUTS: ["a", "c"]},
        "silent": {},
    }
    run._compare(facts, "right")
    assert facts["headwater"]["equal to right share"] == 0.5
    assert "equal to right share" not in {**facts["right"], **facts["silent"]}


def test_a_missing_file_is_one_line(context: Context) -> None:
    with pytest.raises(Absent, match=r"dev\.json is not there; say where .* --data FOLDER"):
        context.file("dev.json")


def test_works_have_names_of_their_own_and_ours_is_first() -> None:
    assert len({work.name for work in WORKS}) == len(WORKS)
    for work in WORKS:
        assert work.sides[0].name == "headwater" and not work.sides[0].needs
        assert len({side.name for side in work.sides}) == len(work.sides) > 1
        assert work.reference is None or work.reference in {side.name for side in work.sides}
