"""`headwater tune`: the best of a few settings of a recipe, on held-out data."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from headwater.commands.terminal import (
    Json,
    Settings,
    argument,
    described,
    echo,
    option,
    print_json,
)
from headwater.signals import exit_code


@described(
    "Try several values of a recipe's keys, under several seeds or by cross-validation, on its "
    "held-out data."
)
def tune(
    recipe: Annotated[Path, argument("Of finetune or pretrain.", "RECIPE.toml")],
    over: Annotated[
        list[str] | None, option("A key and its values; repeatable.", "KEY=V1,V2")
    ] = None,
    seeds: Annotated[
        int, option("How many seeds each setting is run under.", "N", min=1, max=1000)
    ] = 1,
    folds: Annotated[
        int | None,
        option(
            "Divide the training data into N parts; each is held out once.", "N", min=2, max=1000
        ),
    ] = None,
    output: Annotated[
        Path | None, option("Where trials and table go [runs/tune-RECIPE].", "DIR")
    ] = None,
    settings: Settings = None,
    json: Json = False,
) -> None:
    from headwater.runs.tune import table
    from headwater.runs.tune import tune as run

    folder = output or Path("runs") / f"tune-{recipe.stem}"
    found = run(recipe, over or [], seeds, folder, settings or [], folds)
    if json:
        print_json({"output": str(folder), **asdict(found)})
    elif found.rows:
        echo(table(found.metric, found.rows).rstrip())
    raise typer.Exit(exit_code(found.reason))
