"""Processes that cannot train together: `refused_rounds.py` tries, and this looks at it."""

from pathlib import Path

import pytest
from rounds import outcome


@pytest.mark.timeout(900)
def test_processes_with_other_disks_or_other_files_are_refused(tmp_path: Path) -> None:
    found = outcome("refused_rounds.py", tmp_path, timeout=800)
    disk, files = found["disk"], found["files"]
    assert "disk/1: not seen by every process; with training.shard" in disk["told"]
    assert disk["left"] == ["stderr"]
    said = "process 1 differs from the first in data.features: all need the same recipe"
    assert files["told"].count(said) == 2  # each process says it
    assert files["left"] == ["0/cola.tsv", "1/cola.tsv", "stderr"]
