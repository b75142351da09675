"""Trainings on several processes that are stopped, killed and continued; prints what came of them.

    python stopping_rounds.py FOLDER sessions,signal,kill

sessions    one step a session, each in another number of processes
signal      SIGTERM to the second of two processes
kill        SIGKILL to it; then both start again
"""

import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from equality_rounds import log_of, processes_of, task
from spreading import spare, spread, start, wait

SESSIONS = ["1", "2", "2o", "2s", "1", "2o", "2"]


def sessions(base: Path) -> dict[str, Any]:
    """Each session makes a step, on what the session before has saved."""
    train = task("bert", base)
    whole, parts = base / "whole" / "run", base / "sessions" / "run"
    train(whole, steps=len(SESSIONS))
    for number, way in enumerate(SESSIONS):
        world, shared = processes_of(way)
        changes = {"steps": len(SESSIONS), **shared, "time_limit_minutes": 1e-9}
        spread(world, partial(train, parts, resume=number > 0, **changes), parts.parent)
    spread(2, partial(train, parts, resume=True, steps=len(SESSIONS)), parts.parent)
    return {"whole": log_of(whole), "parts": log_of(parts)}


def stopped(base: Path, name: str, number: signal.Signals) -> dict[str, Any]:
    """Send a signal to the second process in the middle of a training; continue and compare."""
    train = task("bert", base)
    whole, run = base / f"{name}-whole" / "run", base / name / "run"
    changes = {"steps": 120, "save_steps": 20, "eval_steps": 60, "logging_steps": 50}
    spread(2, partial(train, whole, **changes), whole.parent)
    run.parent.mkdir()
    children = start(2, partial(train, run, **changes), run.parent / "stderr")
    while not (run / "state" / "latest").exists():
        time.sleep(0.01)
    os.kill(children[1], number)
    codes = wait(children)
    saved = (run / "state" / "latest").read_text().strip()
    errors = (run.parent / "stderr").read_text()
    spread(2, partial(train, run, resume=True, **changes), run.parent)
    same = (run / "model" / "model.safetensors").read_bytes()
    return {
        "codes": codes,
        "saved": saved,
        "errors": errors[-4000:],
        "same": same == (whole / "model" / "model.safetensors").read_bytes(),
        "logs": [log_of(whole), log_of(run)],
    }


def main(base: Path, rounds: list[str]) -> None:
    spare()
    base.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    if "sessions" in rounds:
        found["sessions"] = sessions(base)
    if "signal" in rounds:
        found["signal"] = stopped(base, "signal", signal.SIGTERM)
    if "kill" in rounds:
        found["kill"] = stopped(base, "kill", signal.SIGKILL)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].split(","))
