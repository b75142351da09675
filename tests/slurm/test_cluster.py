"""A job of a real Slurm: it is told that its time is over, is queued again, and goes on."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from cluster import cluster, missing

ROOT = Path(__file__).parents[2]
STEPS = 400

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


def test_a_job_that_is_queued_again_goes_on_where_it_was(tmp_path: Path) -> None:
    store = tiny.token_store(tmp_path / "store", tiny.example_unigram())
    recipe = tmp_path / "a run.toml"
    recipe.write_text(
        f"""
        objective = "lm"
        network = {{ preset = "gpt2", sizes = {{ n_embd = 16, n_layer = 1, n_head = 2 }} }}
        corpus = {{ train = "{store}" }}
        lm = {{ length = 16 }}
        [training]
        steps = {STEPS}
        batch = {{ examples = 1 }}
        device = "cpu"
        logging_steps = 1
        save_steps = 100000
        """
    )
    output = tmp_path / "it's a run"
    asked = ["--gpus-per-node", "0", "--output", output]
    script = _told([sys.executable, "-m", "headwater", "launch", "slurm", recipe, *asked])
    (tmp_path / "slurm").mkdir()
    with cluster(tmp_path / "slurm") as environment:
        environment["PYTHONPATH"] = str(ROOT / "src")

        def said(*command: str, given: str | None = None) -> str:
            done = subprocess.run(
                command, input=given, env=environment, cwd=tmp_path, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        job = said("sbatch", "--parsable", given=script).strip()
        _until(lambda: _steps(output) >= 3)
        said("scancel", "--batch", "--signal=USR1", job)  # what Slurm does before the time is over
        _until(lambda: "Restarts=1" in said("scontrol", "show", "job", job))
        stopped_at = _steps(output)
        assert 3 <= stopped_at < STEPS
        assert sorted((output / "state").glob("step-*")), "the state was not saved"
        _until(lambda: "JobState=COMPLETED" in said("scontrol", "show", "job", job))
    assert _steps(output) == STEPS
    log = (tmp_path / f"slurm-{job}.out").read_text()
    assert f"continuing after step {stopped_at}" in log


def _steps(output: Path) -> int:
    log = output / "log.jsonl"
    if not log.exists():
        return 0
    whole = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return max((json.loads(line).get("step", 0) for line in whole), default=0)


def _told(command: list[object]) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT / "src")
    assert done.returncode == 0, done.stderr
    return done.stdout


def _until(ready: Callable[[], bool], seconds: float = 900) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.5)
