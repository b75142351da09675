"""Options and arguments that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Option(metavar="MODEL", help="A folder, a hub id, or a bundled name.")]
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A folder, a hub id, or a bundled name.")
]
ModelByTask = Annotated[
    list[str],
    typer.Option(
        metavar="MODEL", help="A model, a folder with a run for each task, or TASK=MODEL."
    ),
]
InitialModel = Annotated[str | None, typer.Option(metavar="MODEL", help="What to start from.")]

Recipe = Annotated[Path | None, typer.Argument(metavar="[RECIPE.toml]")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=VALUE", help="Change one key of the recipe; repeatable."),
]
Objective = Annotated[
    str | None,
    typer.Option(
        metavar="O", help="What to predict: bilm, cbow, lm, mlm, prefix_lm or span_corruption."
    ),
]
Corpus = Annotated[
    str | None, typer.Option(metavar="STORE", help="A token store of `corpus build`.")
]
RunFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The run folder [runs/RECIPE].")
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in DIR.")]

TaskName = Annotated[
    str, typer.Option(metavar="TASK", help="A name from `headwater tasks`, or a TASK.toml.")
]
NoAnswerProbabilities = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The official no-answer probabilities as JSON.")
]

Texts = Annotated[
    list[Path], typer.Argument(metavar="INPUT...", help=".txt, .jsonl, .parquet, or folders.")
]
TextField = Annotated[str, typer.Option(help="The field or column with the text.")]

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
