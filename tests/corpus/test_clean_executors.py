"""Cleaning on a cluster: a Slurm of three shell scripts runs the jobs as datatrove submits them."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.corpus import executors
from headwater.corpus.cleaning.clean import clean
from headwater.corpus.cleaning.rules import CleaningConfig
from headwater.corpus.executors import check_executor
from headwater.errors import UserError

SBATCH = """#!/bin/bash
# Runs every task of the array at once and answers as Slurm does.
for script; do :; done
echo "$@" >> "$SUBMITTED"
array=$(grep -oP '(?<=--array=0-)[0-9]+' "$script")
if [ -n "$array" ]; then
    for task in $(seq 0 "$array"); do
        export SLURM_ARRAY_TASK_ID=$task SLURM_NODELIST=here
        bash "$script" > /dev/null 2>> "$SUBMITTED.log"
    done
fi
echo "Submitted batch job $(wc -l < "$SUBMITTED")"
"""
SRUN = '#!/bin/bash\nwhile [ "$1" != launch_pickled_pipeline ]; do shift; done\nexec "$@"\n'
LINES = "\n".join(f"The mill number {number} stood by the river." for number in range(6))


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the scripts on the path; gives the file that notes each submission."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = {"sbatch": SBATCH, "srun": SRUN, "scontrol": "#!/bin/bash\necho here\n"}
    for name, script in scripts.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    python = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{folder}:{python}:{os.environ['PATH']}")
    monkeypatch.setenv("SUBMITTED", str(tmp_path / "submitted"))
    return tmp_path / "submitted"


@pytest.mark.slow
def test_slurm_makes_what_this_machine_makes(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.corpus.cleaning.pages.SHARD", 1)
    texts = tmp_path / "texts"
    texts.mkdir()
    for name in "ab":
        (texts / f"{name}.txt").write_text(LINES.replace("mill", f"mill {name}"))
    config = CleaningConfig(executor={"time": "00:10:00", "partition": "cpu"})
    assert clean([texts], tmp_path / "cluster", config=config, executor="slurm") is None
    clean([texts], tmp_path / "here", workers=1)
    log = Path(f"{slurm}.log").read_text()
    assert (tmp_path / "cluster" / "report.json").is_file(), log[-3000:]
    for file in ("report.json", "kept/00000.jsonl.gz", "kept/00001.jsonl.gz"):
        assert (tmp_path / "cluster" / file).read_bytes() == (tmp_path / "here" / file).read_bytes()
    submitted = slurm.read_text().splitlines()
    assert sum("--dependency=afterok" in line for line in submitted) >= 3


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("slurm", {"time": "1:00:00"}, r"needs --set executor\.partition=VALUE"),
        ("slurm", {"partiton": "cpu"}, "did you mean 'partition'"),
        ("slurm", {"tasks": 3}, r"executor\.tasks: not an option"),
        ("ray", {}, "Ray is not installed"),
    ],
)
def test_a_mistaken_option_is_named(
    slurm: Path, name: str, options: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "find_spec", lambda library: None)
    with pytest.raises(UserError, match=said):
        check_executor(name, options)


def test_ray_has_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "find_spec", lambda library: object())
    check_executor("ray", {"cpus_per_task": 2})
    with pytest.raises(UserError, match="did you mean 'cpus_per_task'"):
        check_executor("ray", {"cpu_per_task": 2})
