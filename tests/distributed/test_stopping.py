"""Runs on several processes that end early: `stopping_rounds.py` trains, and this looks at it."""

from pathlib import Path
from typing import Any

import pytest
from rounds import outcome
from test_equality import numbers


def round_of(name: str, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = outcome("stopping_rounds.py", folder, name)[name]
    return found


@pytest.mark.timeout(900)
def test_a_run_goes_on_in_any_number_of_processes_with_parts_or_without(tmp_path: Path) -> None:
    """Each step was made in other processes than the one before: no sequence comes twice."""
    found = round_of("sessions", tmp_path)
    expected = pytest.approx(numbers(found["whole"]), rel=1e-5, abs=1e-5)
    assert numbers(found["parts"]) == expected


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_signal_to_one_process_ends_all_after_the_same_step(tmp_path: Path) -> None:
    found = round_of("signal", tmp_path)
    assert found["codes"] == [0, 0]
    assert found["same"] and found["logs"][0] == found["logs"][1]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_process_that_is_killed_ends_the_others_and_costs_no_state(tmp_path: Path) -> None:
    found = round_of("kill", tmp_path)
    assert found["codes"] == [1, -9]
    assert "process 0 of 2, step" in found["errors"]
    assert "another process ended or does not answer" in found["errors"]
    assert found["same"] and found["logs"][0] == found["logs"][1]
