"""What is said of a machine: limits of its control group, its memory, its libraries."""

from pathlib import Path

import pytest

from headwater.doctor import machine
from headwater.doctor.machine import check_machine, free_memory, processors


@pytest.mark.parametrize(("quota", "expected"), [("50000 100000", 0.5), ("max 100000", None)])
def test_processors_are_those_of_the_control_group(
    tmp_path: Path, quota: str, expected: float | None
) -> None:
    everything = processors(tmp_path / "absent")
    assert everything >= 1
    (tmp_path / "cpu.max").write_text(quota)
    assert processors(tmp_path / "cpu.max") == (expected or everything)


def test_free_memory_is_the_least_of_machine_and_control_group(tmp_path: Path) -> None:
    assert free_memory(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    4000 kB\n")
    assert free_memory(tmp_path) == 4000 * 1024
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.current").write_text("1000\n")
    (group / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) == 4000 * 1024
    (group / "memory.max").write_text("3000\n")
    assert free_memory(tmp_path) == 2000


def test_every_side_of_the_machine_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["numpy>=1.26", "pyarrow>=15; extra == 'corpus'", 'nosuch>=1 ; extra == "elmo"']
    monkeypatch.setattr(machine, "requires", lambda name: lines)
    monkeypatch.setattr(machine, "version", {"pyarrow": "20"}.__getitem__)
    monkeypatch.setattr(machine, "PackageNotFoundError", KeyError)
    monkeypatch.setattr(machine, "processors", lambda: 0.4)
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    found = {each.name: each for each in check_machine(tmp_path, seconds=0.0)}
    assert (found["threads"].level, found["threads"].key) == ("warning", "OMP_NUM_THREADS=1")
    assert found["extra corpus"].value is True
    assert found["extra elmo"].key == "pip install 'headwater[elmo]'"
    assert "without nosuch" in found["extra elmo"].said
    speed = found["float32 speed"].value
    assert isinstance(speed, float) and speed > 0
    names = {"versions", "bf16", "VNNI", "free memory", "CUDA", "free disk", "FTS5", "bf16 speed"}
    assert names <= found.keys()
