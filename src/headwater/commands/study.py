"""`headwater study`: run a claim again, and say what was found."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from headwater.commands.terminal import (
    Json,
    argument,
    described,
    echo,
    option,
    print_json,
    print_table,
)
from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.studies.results_table import Finding


Name = Annotated[str | None, argument("Which; left out: list them.", "NAME")]
Folder = Annotated[Path | None, option("Its folder [runs/studies/NAME-BUDGET].", "DIR")]
Budget = Annotated[
    Literal["quick", "full"], option("Minutes on generated data, or real data and models.")
]
Data = Annotated[Path | None, option("The official data, for the full budget.", "DIR")]
Models = Annotated[
    list[str] | None, option("What the full budget starts from; repeatable.", "MODEL")
]
Columns = Annotated[list[str] | None, option("A column of the table; repeatable [all].", "NAME")]
Scale = Annotated[float, option("Times the steps of the full budget's runs.", "X", min=0.001)]
LearningRate = Annotated[
    float | None, option("Of the full budget, for all parameters.", "X", min=1e-9, max=1)
]
Jobs = Annotated[int | None, option("Runs at a time [quick: the cores; full: 1].", "N", min=1)]


@described("""Run a published claim again: a grid of runs, its table, its plot and what was found.

The same command goes on where it was cut.""")
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
    echo((folder / "table.md").read_text(encoding="utf-8"))
    echo(paragraph(found))
    for table in STUDIES[name].text.published:
        echo(f"\nPublished: {table.markdown()}")
    echo(f"\n{folder}")


def _claim(found: "Finding") -> dict[str, object]:
    claim, gain = found.claim, found.gain
    numbers = {"gain": gain.mean, "deviation": gain.deviation, "seeds": gain.count}
    return {"claim": claim.text, "verdict": found.verdict, **numbers}
