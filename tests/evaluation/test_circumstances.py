"""The machine and the versions that stand beside a score."""

from pathlib import Path

import pytest
import torch

import headwater
from headwater.evaluation.circumstances import Circumstances, machine


def test_what_was_measured_on_what(tmp_path: Path) -> None:
    data = [tmp_path / "dev.json"]
    found = Circumstances.here("reader", "squad", data, 7, "cpu", "auto").to_dict()
    assert found["data"] == (str(data[0]),) and found["examples"] == 7
    assert found["headwater"] == headwater.__version__
    assert found["torch"] in torch.__version__
    assert "bf16" in found["machine"]


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ("processor\t: 0\nmodel name\t: A CPU 5\nmodel name\t: A CPU 5\n", "A CPU 5, "),
        ("nothing of the kind", ""),
    ],
)
def test_the_kind_of_a_processor(tmp_path: Path, about: str, expected: str) -> None:
    (tmp_path / "cpuinfo").write_text(about)
    cpu = torch.device("cpu")
    assert machine(cpu, tmp_path / "cpuinfo").startswith(expected)
    assert machine(cpu, tmp_path / "absent")
