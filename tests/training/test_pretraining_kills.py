"""kill -9 while pre-training, packed sequences of two corpora: always resumable, always identical.

See pretraining_kill_rounds.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
PROGRAM = Path(__file__).with_name("pretraining_kill_rounds.py")
OBJECTIVES = ["mlm", "lm", "prefix_lm", "span_corruption", "bilm", "cbow"]


def rounds(folder: Path, kills: int, *objectives: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), str(kills), *objectives],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(600)
def test_two_kills_of_each_objective(tmp_path: Path) -> None:
    for found in rounds(tmp_path, 2, *OBJECTIVES).values():
        assert found["kills"] >= 2
        assert found["same"] == found["runs"] >= 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_twenty_kills(objective: str, tmp_path: Path) -> None:
    [found] = rounds(tmp_path, 20, objective).values()
    assert found["kills"] >= 20
    assert found["same"] == found["runs"] >= 1
