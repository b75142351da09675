"""Which `datatrove` executor runs the stages: processes here, or a Slurm or Ray cluster.

The stages run one after the other. Here and on Ray they are done when this returns; Slurm gets
them as jobs that wait for each other, and the last one makes the output folder.
"""

import inspect
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headwater.errors import UserError, did_you_mean

NAMES = ("local", "slurm", "ray")
_OURS = {"self", "pipeline", "tasks", "depends", "logging_dir", "workers", "skip_completed"}


@dataclass(frozen=True)
class Stage:
    """A step, and the number of its tasks."""

    name: str
    step: Callable[..., None]
    tasks: int


def check_executor(name: str, options: Mapping[str, Any]) -> None:
    """Refuse an executor that cannot run here, or options it does not have."""
    if name not in NAMES:
        raise UserError(f"--executor {name}: {did_you_mean(name, NAMES)}")
    if name == "slurm" and shutil.which("sbatch") is None:
        raise UserError("--executor slurm: there is no `sbatch` here; start it on a login node")
    if name == "ray" and find_spec("ray") is None:
        raise UserError("--executor ray: Ray is not installed; pip install 'ray[default]'")
    known = {} if name == "local" else _options(_cluster_executor(name))
    for option in options:
        if option not in known:
            hint = did_you_mean(option, sorted(known), "it has") if known else "it has none"
            raise UserError(f"executor.{option}: not an option of --executor {name}; {hint}")
    missing = [key for key, value in known.items() if value is inspect.Parameter.empty]
    if unset := [key for key in missing if key not in options]:
        raise UserError(f"--executor {name} needs --set executor.{unset[0]}=VALUE")


def run_stages(
    name: str,
    stages: Sequence[Stage],
    workers: int,
    logs: Path,
    options: Mapping[str, Any],
    *,
    job: str,
) -> None:
    """Run the stages, or hand them to the cluster.

    Args:
        workers: how many tasks at a time; on a cluster, -1 for no limit.
        logs: the folder in which completed tasks are noted, so that they are not done twice.
        options: further arguments of the cluster's executor.
        job: what the stages are shown as.
    """
    if name == "local":
        from headwater.corpus.local_executor import LocalExecutor

        for stage in stages:
            LocalExecutor([stage.step], stage.tasks, workers, logs / stage.name).run()
        return
    last = None
    for stage in stages:
        given = {"workers": workers, "logging_dir": str(logs / stage.name), "depends": last}
        if name == "slurm":
            given["job_name"] = f"{job}-{stage.name}"
        last = _cluster_executor(name)([stage.step], tasks=stage.tasks, **(given | dict(options)))
    assert last is not None
    last.run()


def _cluster_executor(name: str) -> Any:
    if name == "slurm":
        from datatrove.executor.slurm import SlurmPipelineExecutor

        return SlurmPipelineExecutor
    from datatrove.executor.ray import RayPipelineExecutor

    return RayPipelineExecutor


def _options(executor: Any) -> dict[str, Any]:
    """Return the arguments a user may set, with their defaults."""
    parameters = inspect.signature(executor.__init__).parameters.values()
    return {each.name: each.default for each in parameters if each.name not in _OURS}
