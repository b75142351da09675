"""kill -9 at any moment: always resumable, always identical (see kill_rounds.py)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
PROGRAM = Path(__file__).with_name("kill_rounds.py")


def rounds(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    found = rounds("random", str(tmp_path), "20")
    assert found["kills"] >= 20
    assert found["during_save"] >= 1
    assert found["same"] == found["runs"] >= 1


def test_a_kill_at_each_call_that_changes_the_disk(tmp_path: Path) -> None:
    found = rounds("calls", str(tmp_path), "5")
    assert found["kills"] > 15
    assert found["same"] == found["kills"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_kills(tmp_path: Path) -> None:
    found = rounds("random", str(tmp_path / "random"), "300")
    assert found["same"] == found["runs"]
    assert found["during_save"] >= 30
    found = rounds("calls", str(tmp_path / "calls"), "1")
    assert found["kills"] > 100
    assert found["same"] == found["kills"]
