"""Measured in several processes, a model has the scores and the files that it has in one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_equality import numbers

ROUNDS = Path(__file__).with_name("measuring_rounds.py")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_scores_and_files_are_whole_and_in_order(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(ROUNDS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, list[str]] = json.loads(ran.stdout.splitlines()[-1])
    assert {"nulls.json", "predictions.json", "measured/metrics.json"} <= found.keys()
    for name, files in found.items():
        one, three = (json.loads(file) for file in files)
        same_order: list[Any] = [list(each) for each in (one, three)]
        assert same_order[0] == same_order[1], name
        for place, value in numbers(one).items():
            other = numbers(three)[place]
            close = pytest.approx(value, abs=1e-5) if isinstance(value, float) else value
            assert other == close, f"{name} {place}"
