"""`headwater study`: run a claim again, and say what was found."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from headwater.commands.options import Json
from headwater.commands.output import print_json, print_table
from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.studies.results_table import Finding


Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which; left out: list them.")]
Folder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Its folder [runs/studies/NAME-BUDGET].")
]
Budget = Annotated[
    Literal["quick", "full"],
    typer.Option(help="Minutes on generated data, or real data and models."),
]
Data = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The official data, for the full budget.")
]
Models = Annotated[
    list[str] | None,
    typer.Option(metavar="MODEL", help="What the full budget starts from; repeatable."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A column of the table; repeatable [all]."),
]
Scale = Annotated[
    float,
    typer.Option(metavar="X", min=0.001, help="Times the steps of the full budget's runs."),
]
LearningRate = Annotated[
    float | None,
    typer.Option(metavar="X", min=1e-9, max=1, help="Of the full budget, for all parameters."),
]
Jobs = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Runs at a time [quick: the cores; full: 1]."),
]


def study(
    name: Name = None,
    output: Folder = None,
    budget: Budget = "quick",
    data: Data = None,
    model: Models = None,
    column: Columns = None,
    scale: Scale = 1.0,
    learning_rate: LearningRate = None,
    jobs: Jobs = None,
    json: Json = False,
) -> None:
    """Run a published claim again: a grid of runs, its table, its plot and what was found.

    The same command goes on where it was cut.
    """
    if name is None:
        given = (output, data, model, column, jobs, learning_rate, scale != 1, budget != "quick")
        _list(json, any(given))
        return
    from headwater.studies.run_study import run_study
    from headwater.studies.study import StudyContext

    folder = output or Path("runs") / "studies" / f"{name}-{budget}"
    columns = tuple(column or ())
    context = StudyContext(folder, budget, data, tuple(model or ()), scale, learning_rate, columns)
    found = run_study(name, context, jobs, shlex.join(["headwater", *sys.argv[1:]]))
    _show(name, found, folder, json)


def _list(json: bool, given: bool) -> None:
    """Print what studies there are; refuse options of one that is not named."""
    from headwater.studies.names import STUDIES

    if given:
        raise UserError(f"which study? there are {', '.join(STUDIES)}")
    print_table({each.name: each.text.question for each in STUDIES.values()}, json)


def _show(name: str, found: "list[Finding]", folder: Path, json: bool) -> None:
    from headwater.studies.names import STUDIES
    from headwater.studies.report import paragraph

    if json:
        print_json({"output": str(folder), "claims": [_claim(each) for each in found]})
        return
    print((folder / "table.md").read_text(encoding="utf-8"))
    print(paragraph(found))
    for table in STUDIES[name].text.published:
        print(f"\nPublished: {table.markdown()}")
    print(f"\n{folder}")


def _claim(found: "Finding") -> dict[str, object]:
    claim, gain = found.claim, found.gain
    numbers = {"gain": gain.mean, "deviation": gain.deviation, "seeds": gain.count}
    return {"claim": claim.text, "verdict": found.verdict, **numbers}
