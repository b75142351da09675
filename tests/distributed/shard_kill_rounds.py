"""One of two processes that train in parts is killed with SIGKILL, again and again; prints JSON.

    python shard_kill_rounds.py FOLDER KILLS STEPS

Threads write a state of every second step, while the next is under way. A random process is
killed at a random moment, every third time only once its thread writes. All states must then be
whole, and both processes start again from the newest, until a run ends as the unbroken one does.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from equality_rounds import log_of, task
from spreading import spare, spread, start, wait
from watching import Watched, watch

from headwater.training.saved_state import read_best, read_saved

CHANGES = {"save_steps": 2, "eval_steps": 5, "shard": True, "ddp_timeout": 120}
FURTHEST = 8
"""Steps after which a process is killed at the latest; the run may end before."""
UNFINISHED = (".step-*.tmp", ".best-*.tmp")
LEFT = (*UNFINISHED, ".latest.*.tmp", ".step-*.old", ".best-*.old")


def result(run: Path) -> dict[str, Any]:
    """What must be the same: the log, the model, the last state; and nothing is left over.

    Files of tensors differ in the order of their headers, which safetensors takes from a hash.
    """
    saved = read_saved(run / "state" / f"step-{newest(run):08d}")
    moments = {f"optimizer/{name}": each for name, each in saved.optimizer.items()}
    tensors = {**saved.model, **moments}
    return {
        "log": log_of(run),
        "model": (run / "model" / "model.safetensors").read_bytes(),
        "left": [each.name for pattern in LEFT for each in (run / "state").glob(pattern)],
        "tensors": {name: each.numpy().tobytes() for name, each in tensors.items()},
    }


def newest(run: Path) -> int:
    """Return the step that the run must continue after, 0 where nothing was saved."""
    latest = run / "state" / "latest"
    if latest.exists():
        return int(latest.read_text().removeprefix("step-"))
    # the first state is there before the pointer
    return max((int(each.name[len("step-") :]) for each in run.glob("state/step-*")), default=0)


def check(run: Path) -> None:
    """Read what has its name; what is half there raises."""
    for folder in run.glob("state/step-*"):
        read_saved(folder)
    for folder in run.glob("state/best-*"):
        read_best(folder)


def reached(child: int, there: Callable[[], bool]) -> bool:
    """Wait until a process is there; tell whether it was before it ended."""
    while not there():
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return False
        time.sleep(0.0005)
    return True


class Killer:
    """Kills processes of a run, and counts.

    Args:
        pace: seconds of a step.
    """

    def __init__(self, seen: Watched, pace: float) -> None:
        self._seen, self._pace = seen, pace
        self._chance = random.Random(9)  # the first kill comes after a state
        self.found: Counter[str] = Counter()

    def kill(self, children: Sequence[int], before: int) -> int | None:
        """Kill a process of a run that continues after a step; return its rank, if it was there."""
        seen, rank = self._seen, self._chance.randrange(2)
        step = before + self._chance.randint(1, FURTHEST)
        if not reached(children[rank], lambda: seen.stepping[rank] >= step):
            return None
        time.sleep(self._chance.uniform(0, self._pace))
        aimed = self.found["kills"] % 3 == 0
        if aimed and not reached(children[rank], lambda: bool(seen.writing[rank])):
            return None
        os.kill(children[rank], signal.SIGKILL)
        return rank

    def count(self, run: Path, rank: int, codes: Sequence[int]) -> None:
        """Look at what a kill has left."""
        errors = (run.parent / "stderr").read_text()[-3000:]
        assert (codes[rank], codes[1 - rank]) == (-signal.SIGKILL, 1), f"{codes}\n{errors}"
        check(run)
        left = any(any((run / "state").glob(each)) for each in UNFINISHED)
        parts = {"kills": 1, "first": rank == 0, "stepping": self._seen.stepping[rank] > 0}
        self.found.update({**parts, "writing": self._seen.writing[rank], "unfinished": left})


def unbroken(train: Any, whole: Path, steps: int) -> tuple[dict[str, Any], float]:
    """Train without a kill; return what comes of it, and the seconds of a step."""
    spread(2, partial(train, whole), whole.parent)
    last = json.loads((whole / "log.jsonl").read_text().splitlines()[-1])
    return result(whole), last["seconds"] / steps


def main(base: Path, kills: int, steps: int) -> None:
    spare()
    base.mkdir(parents=True, exist_ok=True)
    seen, train = watch(), partial(task("bert", base), steps=steps, **CHANGES)
    expected, pace = unbroken(train, base / "whole" / "run", steps)
    killer = Killer(seen, pace)
    found, ended = killer.found, True
    while found["kills"] < kills or not ended:
        if ended:
            run = base / f"run-{found['runs']}" / "run"
            run.parent.mkdir()
            found["runs"] += 1
        before = newest(run)
        found["resumed"] += before > 0
        seen.forget()
        children = start(2, partial(train, run, resume=True), run.parent / "stderr")
        rank = killer.kill(children, before) if found["kills"] < kills else None
        codes = wait(children)
        assert list(seen.resumed) == [before, before], (list(seen.resumed), before)
        ended = codes == [0, 0]
        if ended:
            found["same"] += result(run) == expected
        else:
            assert rank is not None, (run.parent / "stderr").read_text()[-3000:]
            killer.count(run, rank, codes)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
