"""The grid: what is done is not done again, each run is done once and after what it builds on."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from headwater.errors import UserError
from headwater.files import whole_lines, write_json
from headwater.studies.grid import StudyProgress, run_grid
from headwater.studies.grid_file import check_grid
from headwater.studies.job import Job
from headwater.studies.names import STUDIES
from headwater.studies.run_study import _cost
from headwater.studies.study import GridRun, Measure, Result, StudyContext, Trial
from headwater.studies.workers import Answer, Failure

RECIPE = {"model": "m", "task": "rte", "data": {"train": ["t"]}}
BODY = GridRun("body", RECIPE)


class FakePool:
    """Two workers that pretend; `stops` kills the study at the job of that name."""

    threads = 1

    def __init__(self, stops: str = "", fails: Failure | None = None) -> None:
        self.submitted: list[str] = []
        self._waiting: list[Job] = []
        self._stops, self._fails = stops, fails

    @property
    def free(self) -> int:
        return 2 - len(self._waiting)

    def submit(self, job: Job) -> None:
        assert self.free > 0
        kind = "run" if isinstance(job.work, GridRun) else "trial"
        self.submitted.append(f"{kind} {job.name}")
        self._waiting.append(job)

    def wait(self) -> Sequence[tuple[Job, Answer]]:
        job = self._waiting.pop(0)
        if job.name == self._stops:
            raise KeyboardInterrupt
        if isinstance(job.work, GridRun):
            model = job.folder / "runs" / job.name / "model"
            model.mkdir(parents=True)
            return [(job, self._fails)]
        trial = job.work
        value = 10.0 * trial.seed
        return [(job, Result(trial.setting, trial.column, trial.seed, value, 1.0, 2, 3, 4))]


def grid_of_two() -> list[Trial]:
    return [
        Trial("x", "rte", 0, GridRun("x-0", RECIPE, (BODY,)), Measure("rte", ("f",))),
        Trial("y", "rte", 1, GridRun("y-1", RECIPE, (BODY,)), Measure("rte", ("f",))),
    ]


def go(folder: Path, pool: FakePool) -> list[Result]:
    return run_grid(grid_of_two(), folder, pool, StudyProgress("test", folder))


def test_a_run_is_done_once_and_after_what_it_builds_on(tmp_path: Path) -> None:
    pool = FakePool()
    assert [each.value for each in go(tmp_path, pool)] == [0.0, 10.0]
    assert pool.submitted[0] == "run body"
    assert sorted(pool.submitted) == [
        "run body", "run x-0", "run y-1", "trial x-rte-0", "trial y-rte-1"
    ]  # fmt: skip
    assert len((tmp_path / "jobs.jsonl").read_text().splitlines()) == 5
    assert not list(tmp_path.glob("runs/*/model"))  # nothing asks for them any more


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, FakePool(stops="y-rte-1"))
    assert (tmp_path / "runs" / "body" / "model").exists()  # y still asks for it
    for left in tmp_path.glob("runs/*/model"):
        left.rmdir()  # the fake makes them anew; real runs go on from their state
    again = FakePool()
    assert [each.value for each in go(tmp_path, again)] == [0.0, 10.0]
    assert again.submitted == ["run body", "run y-1", "trial y-rte-1"]
    nothing = FakePool()
    assert len(go(tmp_path, nothing)) == 2
    assert nothing.submitted == []


def test_a_job_that_a_kill_let_be_done_twice_counts_once(tmp_path: Path) -> None:
    job = {"job": "x-0", "kind": "training", "at_a_time": 1, "threads": 1}
    lines = [json.dumps({**job, "seconds": seconds}) for seconds in (120.0, 0.5)]
    (tmp_path / "jobs.jsonl").write_text("\n".join(lines) + "\n")
    assert _cost(tmp_path).startswith("1 job (trainings and measurements) took 2.0 minutes")


def test_weights_that_a_kill_left_are_removed(tmp_path: Path) -> None:
    go(tmp_path, FakePool())
    (tmp_path / "runs" / "x-0" / "model").mkdir(parents=True)
    go(tmp_path, FakePool())
    assert not list(tmp_path.glob("runs/*/model"))


def test_what_a_kill_tore_is_passed_over_and_what_is_no_result_is_reported(tmp_path: Path) -> None:
    go(tmp_path, FakePool())
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text(jobs.read_text() + '{"job": "x')
    assert len(whole_lines(jobs)) == 5
    (tmp_path / "results" / "x-rte-0.json").unlink()
    go(tmp_path, FakePool())
    assert len(whole_lines(jobs)) == 8  # what was noted after the torn line is not lost with it
    for content in ("{", "[]", "{}"):
        (tmp_path / "results" / "x-rte-0.json").write_text(content)
        with pytest.raises(UserError, match=r"x-rte-0\.json: holds no result; remove it"):
            go(tmp_path, FakePool())


def test_a_mistake_is_the_users_and_a_fault_ours(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="body: no such file"):
        go(tmp_path / "a", FakePool(fails=Failure("no such file", mistake=True)))
    with pytest.raises(RuntimeError, match="body: Traceback"):
        go(tmp_path / "b", FakePool(fails=Failure("Traceback ...", mistake=False)))


def test_a_folder_holds_one_study(tmp_path: Path) -> None:
    trials = grid_of_two()
    check_grid(trials, tmp_path, {"name": "a"})
    check_grid(trials, tmp_path, {"name": "a"})
    with pytest.raises(UserError, match=r": holds the study a; name another folder"):
        check_grid(trials, tmp_path, {"name": "b"})
    with pytest.raises(UserError, match="holds this study with other settings"):
        check_grid(trials[:1], tmp_path, {"name": "a"})
    for content in ("{", "{}", "[]"):
        (tmp_path / "study.json").write_text(content)
        with pytest.raises(UserError, match=r"study\.json.*; remove it, and the same command"):
            check_grid(trials, tmp_path, {"name": "a"})
    wrong = GridRun("wrong", RECIPE | {"lora": {"rnak": 1}})
    with pytest.raises(UserError, match=r"wrong: unknown key .lora\.rnak."):
        check_grid([Trial("x", "rte", 0, wrong, trials[0].measure)], tmp_path / "new", {})


def test_the_folder_of_an_older_version_goes_on(tmp_path: Path) -> None:
    """Version 0.1 called trials cells, and had other names for keys of recipes."""
    recipe = RECIPE | {"training": {"steps": 9, "eval_steps": 3}}
    trial = Trial("x", "rte", 0, GridRun("x-0", recipe), Measure("rte", ("f",)))
    older = RECIPE | {"training": {"steps": 9, "evaluate_every": 3}}
    study = {"name": "a", "cells": [trial.name]}
    write_json(tmp_path / "study.json", {"study": study, "runs": {"x-0": older}})
    check_grid([trial], tmp_path, {"name": "a"})
    older["training"]["evaluate_every"] = 4
    write_json(tmp_path / "study.json", {"study": study, "runs": {"x-0": older}})
    with pytest.raises(UserError, match=r"other settings; .*eval_steps"):
        check_grid([trial], tmp_path, {"name": "a"})


def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (".", "e", "1", str(tmp_path / "whole")):
        trials = STUDIES["transfer"].trials(StudyContext(Path(name), "quick"))
        check_grid(trials, Path(name), {})
    kept = [(Path(name) / "study.json").read_text() for name in (".", "e", "1", "whole")]
    assert len(set(kept)) == 1
    assert "DIR/runs/" in kept[0]
    assert "DIR/data/" in kept[0]
