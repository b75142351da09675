"""Trains, is killed with SIGKILL again and again, resumes, and compares with an unbroken run.

Run as a program by the tests: it loads torch once and forks a child for each round, so that a
round costs milliseconds. Prints a JSON object with what happened.

    python kill_rounds.py random FOLDER KILLS       at random moments
    python kill_rounds.py calls FOLDER STRIDE       at each call that changes the disk, in turn
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # the first optimizer imports it otherwise, in every child
from toy_training import toy_run

import headwater.pictures.curves as curves

STATE_FILES = (".step-*.tmp", ".best-*.tmp", ".latest.*.tmp", ".step-*.old", ".best-*.old")


def child(folder: Path, prepare: Callable[[], None] = lambda: None, **changes: Any) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            errors = os.open(folder.parent / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(quiet, 1)
            os.dup2(errors, 2)
            torch.set_num_threads(1)
            prepare()
            toy_run(folder, resume=True, **changes)
            status = 0
        finally:
            if status:
                import traceback

                traceback.print_exc()
            os._exit(status)
    return pid


def wait(pid: int) -> str:
    """Return how a child ended: killed, done or failed."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return "killed" if os.WTERMSIG(status) == signal.SIGKILL else "failed"
    return "done" if os.WEXITSTATUS(status) == 0 else "failed"


def result(folder: Path) -> tuple[bytes, bytes, list[dict[str, Any]], int]:
    """What must be the same: final weights, optimizer and model, the log without its times."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("seconds", None)
    newest = folder / "state" / (folder / "state" / "latest").read_text().strip()
    weights = (newest / "model.safetensors").read_bytes()
    moments = (newest / "optimizer.safetensors").read_bytes()
    model = (folder / "model" / "weights.bin").read_bytes()
    left = [p for pattern in STATE_FILES for p in (folder / "state").glob(pattern)]
    return weights + moments, model, lines, len(left)


def random_kills(base: Path, kills: int, changes: dict[str, Any]) -> dict[str, Any]:
    reference = base / "reference" / "run"
    reference.mkdir(parents=True)
    begin = time.monotonic()
    assert wait(child(reference, **changes)) == "done"
    whole = time.monotonic() - begin
    expected = result(reference)
    chance = random.Random(1234)
    done = during_save = runs = same = 0
    while done < kills:
        folder = base / f"run-{runs}" / "run"
        folder.mkdir(parents=True)
        runs += 1
        ended = "killed"
        while ended == "killed" and done < kills:
            pid = child(folder, **changes)
            time.sleep(chance.uniform(0.0, 0.2) * whole)
            os.kill(pid, signal.SIGKILL)
            ended = wait(pid)
            done += ended == "killed"
            state = folder / "state"
            during_save += any(any(state.glob(pattern)) for pattern in STATE_FILES)
        if ended == "killed":
            ended = wait(child(folder, **changes))
        assert ended == "done", ended
        same += result(folder) == expected
    return {"kills": done, "during_save": during_save, "runs": runs, "same": same, "whole": whole}


def kill_at_call(number: int) -> Callable[[], None]:
    """Make the `number`-th call that changes the disk the last thing the process does."""
    count = 0

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        return call

    def prepare() -> None:
        for name in ("replace", "fsync", "mkdir", "unlink", "rmdir", "chmod"):
            setattr(os, name, counted(getattr(os, name)))

    return prepare


def call_kills(base: Path, stride: int, changes: dict[str, Any]) -> dict[str, Any]:
    reference = base / "reference" / "run"
    reference.mkdir(parents=True)
    assert wait(child(reference, **changes)) == "done"
    expected = result(reference)
    kills = same = 0
    for number in range(1, 10_000, stride):
        folder = base / f"run-{number}" / "run"
        folder.mkdir(parents=True)
        if wait(child(folder, kill_at_call(number), **changes)) != "killed":
            break
        kills += 1
        assert wait(child(folder, **changes)) == "done", number
        same += result(folder) == expected
    return {"kills": kills, "same": same}


if __name__ == "__main__":
    mode, where = sys.argv[1], Path(sys.argv[2])
    # Drawn once a run at its end, and the slowest thing here: not what is tested.
    curves.draw_curves = lambda lines, picture: None
    # What a kill leaves is in the system's cache: the disk, busy or not, need not be waited for.
    os.fsync = lambda handle: None
    if mode == "random":
        found = random_kills(where, int(sys.argv[3]), {"steps": 200, "save_every": 1})
    else:
        found = call_kills(
            where, int(sys.argv[3]), {"steps": 9, "save_every": 2, "evaluate_every": 3}
        )
    print(json.dumps(found))
