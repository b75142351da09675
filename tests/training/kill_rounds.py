"""Trains a toy, is killed, resumes, and compares with an unbroken run (see killing.py).

Run as a program by the tests. Prints a JSON object with what happened.

    python kill_rounds.py random FOLDER KILLS       at random moments
    python kill_rounds.py calls FOLDER STRIDE       at each call that changes the disk, in turn
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from killing import Train, child, finish, fresh, random_kills, result, spare, wait
from toy_training import toy_run

WEIGHTS = "weights.bin"


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


def call_kills(train: Train, base: Path, stride: int) -> dict[str, int]:
    reference = fresh(base, "reference")
    finish(train, reference)
    expected = result(reference, WEIGHTS)
    kills = same = 0
    for number in range(1, 10_000, stride):
        folder, prepare = fresh(base, f"run-{number}"), kill_at_call(number)

        def killed(where: Path, prepare: Callable[[], None] = prepare) -> None:
            prepare()
            train(where)

        if wait(child(killed, folder)) != "killed":
            break
        kills += 1
        finish(train, folder)
        same += result(folder, WEIGHTS) == expected
    return {"kills": kills, "same": same}


def toy(**sizes: int) -> Train:
    def train(folder: Path) -> None:
        toy_run(folder, resume=True, **sizes)

    return train


if __name__ == "__main__":
    mode, where, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    spare()
    if mode == "random":
        found = random_kills(toy(steps=200, save_steps=1), where, number, (0.0, 0.2), WEIGHTS)
    else:
        found = call_kills(toy(steps=9, save_steps=2, eval_steps=3), where, number)
    print(json.dumps(found))
