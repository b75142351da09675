"""A child that trains is killed with SIGKILL again and again, resumes, and is compared.

Shared by the two programs beside it: each loads torch once and forks a child for each round, so
that a round costs milliseconds.
"""

import json
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # the first optimizer imports it otherwise, in every child

import headwater.pictures.curves as curves

Train = Callable[[Path], None]
"""Begins or resumes a training in a folder."""

STATE_FILES = (".step-*.tmp", ".best-*.tmp", ".latest.*.tmp", ".step-*.old", ".best-*.old")


def spare() -> None:
    """Leave out, in the children, what takes long and is not tested."""
    # Drawn once a run at its end, and slow.
    curves.draw_curves = lambda lines, picture: None
    # What a kill leaves is in the system's cache: the disk, busy or not, need not be waited for.
    os.fsync = lambda handle: None
    torch.set_num_threads(1)


def child(train: Train, folder: Path) -> int:
    """Train in a child process, and return its number; it prints errors to a file `stderr`."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            errors = os.open(folder.parent / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(errors, 2)
            train(folder)
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    return pid


def wait(pid: int) -> str:
    """Return how a child ended: killed, done or failed."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return "killed" if os.WTERMSIG(status) == signal.SIGKILL else "failed"
    return "done" if os.WEXITSTATUS(status) == 0 else "failed"


def fresh(base: Path, name: str) -> Path:
    """Make the folder of a run."""
    folder = base / name / "run"
    folder.mkdir(parents=True)
    return folder


def finish(train: Train, folder: Path) -> None:
    """Train to the end."""
    assert wait(child(train, folder)) == "done", (folder.parent / "stderr").read_text()[-2000:]


def result(folder: Path, weights: str = "model.safetensors") -> list[Any]:
    """What must be the same: last weights and moments, the model, the log without its times."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("seconds", None)
        line.pop("processor_seconds", None)
    newest = folder / "state" / (folder / "state" / "latest").read_text().strip()
    names = (newest / "model.safetensors", newest / "optimizer.safetensors")
    left = [p for pattern in STATE_FILES for p in (folder / "state").glob(pattern)]
    return [
        lines,
        len(left),
        *((each).read_bytes() for each in (*names, folder / "model" / weights)),
    ]


def random_kills(
    train: Train, base: Path, kills: int, share: tuple[float, float], weights: str
) -> dict[str, Any]:
    """Kill at random moments, after such a `share` of an unbroken run's time.

    Goes on, up to ten times as many `kills`, until one met a state that was being saved.

    Returns:
        The kills, those while a state was being saved, the runs, how many equal the unbroken one,
        and its seconds.
    """
    reference = fresh(base, "reference")
    begin = time.monotonic()
    finish(train, reference)
    whole = time.monotonic() - begin
    expected = result(reference, weights)
    chance = random.Random(1234)
    done = during_save = runs = same = 0

    def more() -> bool:
        return done < kills or (not during_save and done < 10 * kills)

    while more():
        folder = fresh(base, f"run-{runs}")
        runs += 1
        ended = "killed"
        while ended == "killed" and more():
            pid = child(train, folder)
            time.sleep(chance.uniform(*share) * whole)
            os.kill(pid, signal.SIGKILL)
            ended = wait(pid)
            done += ended == "killed"
            state = folder / "state"
            during_save += any(any(state.glob(pattern)) for pattern in STATE_FILES)
        assert ended != "failed", (folder.parent / "stderr").read_text()[-2000:]
        if ended == "killed":
            finish(train, folder)
        same += result(folder, weights) == expected
    return {"kills": done, "during_save": during_save, "runs": runs, "same": same, "whole": whole}
