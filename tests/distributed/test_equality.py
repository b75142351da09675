"""Several processes give what one gives: `equality_rounds.py` trains, and this compares."""

from pathlib import Path
from typing import Any

import pytest
from rounds import outcome

LOADED = {
    *("bert", "t5", "shared_t5", "mixture", "t5_mixture", "lora", "adapters", "unfreezing"),
    *("features", "spans", "retrieval"),
}
"""Cases whose weights come from a folder, in float32."""
NEW = [
    *("albert", "lm", "prefix_lm", "span_corruption", "cbow", "bilm"),
    *("new_mixture", "new_t5_mixture"),
]
"""Cases of random weights, in float64."""


def logs(folder: Path, cases: str, ways: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    found: dict[str, dict[str, list[dict[str, Any]]]] = outcome(
        "equality_rounds.py", folder, cases, ways
    )
    return found


def numbers(value: Any, name: str = "") -> dict[str, float]:
    """The numbers of a log by their places."""
    if isinstance(value, dict):
        value = list(value.items())
    elif isinstance(value, list):
        value = list(enumerate(value))
    else:
        return {name: value}
    return {k: v for key, each in value for k, v in numbers(each, f"{name}/{key}").items()}


def compare(found: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    for case, ways in found.items():
        for way, log in ways.items():
            assert isinstance(log, list), f"{case} {way}: {log}"
            close = 1e-5 if case in LOADED or case == "adafactor" else 1e-10
            expected = pytest.approx(numbers(ways["1"]), rel=close, abs=close)
            assert numbers(log) == expected, f"{case} {way}"


@pytest.mark.timeout(900)
def test_copies_and_parts_of_a_bert_learn_as_one_process_does(tmp_path: Path) -> None:
    compare(logs(tmp_path, "mlm", "1,2,2s,2o"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_processes_without_a_sequence_stand_by(tmp_path: Path) -> None:
    """Some steps hold four sequences."""
    compare(logs(tmp_path, "mlm", "1,5,5s"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", [*NEW, "adafactor", *sorted(LOADED)])
def test_every_kind_of_training_is_the_same_in_several_processes(case: str, tmp_path: Path) -> None:
    shared = "1,2,4" if case == "features" else "1,2,4,2s,4s"
    compare(logs(tmp_path, case, shared))
