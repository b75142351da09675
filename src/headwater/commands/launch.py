"""`headwater launch`: what a cluster runs."""

from pathlib import Path
from typing import Annotated

import typer

from headwater.commands.terminal import RunFolder, Settings, argument, described, echo, option

launch = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@launch.callback()
@described("Write what a cluster runs.")
def _group() -> None:
    pass


@launch.command()
@described("Print a batch script that trains a recipe: RECIPE ... | sbatch.")
def slurm(
    recipe: Annotated[Path, argument("Of finetune or pretrain.", "RECIPE.toml")],
    nodes: Annotated[int, option("How many nodes.", "N", min=1)] = 1,
    gpus_per_node: Annotated[
        int, option("GPUs of each, a process on each; 0: one process on the CPU.", "G", min=0)
    ] = 1,
    time: Annotated[str | None, option("The most time, as 24:00:00.", "TIME")] = None,
    partition: Annotated[str | None, option("As Slurm's.", "NAME")] = None,
    account: Annotated[str | None, option("As Slurm's.", "NAME")] = None,
    qos: Annotated[str | None, option("As Slurm's.", "NAME")] = None,
    mem: Annotated[str | None, option("Memory of each node, as 64G.", "SIZE")] = None,
    cpus_per_task: Annotated[int | None, option("Processors of each node.", "N", min=1)] = None,
    notice: Annotated[
        int, option("Seconds before the end in which the state is saved.", "S", min=10)
    ] = 300,
    output: RunFolder = None,
    settings: Settings = None,
) -> None:
    from headwater.runs.recipe import load_any_recipe, verb_of
    from headwater.slurm import Job, batch_script

    load_any_recipe(recipe, {}, settings or [])
    job = Job(
        name=recipe.stem, nodes=nodes, gpus=gpus_per_node, notice=notice, time=time,
        partition=partition, account=account, qos=qos, mem=mem, cpus_per_task=cpus_per_task,
    )  # fmt: skip
    arguments = [verb_of(recipe), str(recipe)]
    arguments += ["--output", str(output)] if output else []
    arguments += [word for each in settings or [] for word in ("--set", each)]
    echo(batch_script(job, arguments), end="")
