"""A tiny run as a job of a cluster."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import tiny
from cluster import Cluster, until
from headwater.training.log import read_log

STEPS = 400
SOURCE = Path(__file__).parents[2] / "src"

_RECIPE = """\
objective = "lm"
corpus = {{ train = "{store}" }}
lm = {{ length = 16 }}
[network]
preset = "gpt2"
sizes = {{ n_embd = 16, n_layer = 1, n_head = 2, resid_pdrop = 0, embd_pdrop = 0, attn_pdrop = 0 }}
[training]
steps = {steps}
batch = {{ examples = 2 }}
device = "cpu"
precision = "fp32"
learning_rate = 1e-4
logging_steps = 1
save_steps = 30
"""


def recipe(folder: Path) -> Path:
    """Write the recipe of a run without dropout, whose masks would depend on the processes."""
    store = tiny.token_store(folder / "store", tiny.example_unigram())
    file = folder / "a run.toml"
    file.write_text(_RECIPE.format(store=store, steps=STEPS))
    return file


def headwater(*arguments: object) -> str:
    """Return what a command of ours prints."""
    command = [sys.executable, "-m", "headwater", *map(str, arguments)]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Job:
    """A recipe that `headwater launch slurm` has put into the queue."""

    def __init__(
        self, on: Cluster, recipe: Path, output: Path, nodes: int, **environment: str
    ) -> None:
        self._cluster = on
        self._output = output
        asked = ["--nodes", nodes, "--gpus-per-node", 0, "--output", output]
        script = headwater("launch", "slurm", recipe, *asked)
        self._number = on.says("sbatch", "--parsable", given=script, **environment).strip()

    def signal(self) -> None:
        """Do what Slurm does before the time is over."""
        self._cluster.says("scancel", "--batch", "--signal=USR1", self._number)

    def cancel(self) -> None:
        """Take it away."""
        self._cluster.says("scancel", self._number)

    def until(self, *words: str) -> None:
        """Wait until Slurm's record of it has one of some words."""
        self._until(lambda: any(word in self.record() for word in words))

    def until_saved(self) -> None:
        """Wait until it has saved a state of its own accord."""
        self._until(lambda: bool(self.states()))

    def until_step(self, step: int) -> None:
        """Wait until it has taken so many steps."""
        self._until(lambda: step in losses(self._output))

    def states(self) -> list[str]:
        """Return the names of the states that are saved."""
        return sorted(state.name for state in (self._output / "state").glob("step-*"))

    def log(self) -> str:
        """Return what it printed."""
        file = self._cluster.folder / f"slurm-{self._number}.out"
        return file.read_text() if file.exists() else ""

    def record(self) -> str:
        """Return what Slurm knows of it."""
        return self._cluster.says("scontrol", "show", "job", self._number)

    def _until(self, ready: Callable[[], bool]) -> None:
        until(ready, lambda: f"{self.record()}\n{self.log()[-5000:]}")


def losses(run: Path) -> dict[int, float]:
    """Return the losses of a run by step."""
    return {line["step"]: line["loss"] for line in read_log(run / "log.jsonl") if "loss" in line}
