"""Measured in several processes, a model has the scores and the files that it has in one."""

import json
from pathlib import Path
from typing import Any

import pytest
from rounds import outcome
from test_equality import numbers


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_scores_and_files_are_whole_and_in_order(tmp_path: Path) -> None:
    found: dict[str, list[str]] = outcome("measuring_rounds.py", tmp_path)
    assert {"nulls.json", "predictions.json", "measured/metrics.json"} <= found.keys()
    for name, files in found.items():
        one, three = (json.loads(file) for file in files)
        same_order: list[Any] = [list(each) for each in (one, three)]
        assert same_order[0] == same_order[1], name
        for place, value in numbers(one).items():
            other = numbers(three)[place]
            close = pytest.approx(value, abs=1e-5) if isinstance(value, float) else value
            assert other == close, f"{name} {place}"
