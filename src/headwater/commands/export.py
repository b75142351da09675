"""`headwater export`: a model for another engine, with what that costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.commands.terminal import (
    Json,
    ModelArgument,
    described,
    option,
    print_json,
    print_table,
)

if TYPE_CHECKING:
    from headwater.engines.library import EngineName

export = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Folder = Annotated[Path, option("Gets the export, a folder that every verb opens.", "DIR")]
Task = Annotated[
    str | None, option("Measure both on this task too: a name, or a TASK.toml.", "TASK")
]
Data = Annotated[Path | None, option("The task's file; its first 200 examples count.", "FILE")]


@export.command("onnx")
@described("Write an encoder for ONNX Runtime.")
def onnx(
    model: ModelArgument,
    output: Folder,
    int8: Annotated[bool, option("Store matrices in 8 bits.", flag="--int8")] = False,
    task: Task = None,
    data: Data = None,
    json: Json = False,
) -> None:
    _export(model, "onnx", output, "int8" if int8 else None, task, data, json)


@export.command("ctranslate2")
@described("Write a T5 or a GPT-2 for CTranslate2.")
def ctranslate2(
    model: ModelArgument,
    output: Folder,
    quantization: Annotated[
        str | None, option("How weights are stored, such as int8 [float32].", "NAME")
    ] = None,
    task: Task = None,
    data: Data = None,
    json: Json = False,
) -> None:
    _export(model, "ctranslate2", output, quantization, task, data, json)


def _export(
    model: str,
    engine: "EngineName",
    output: Path,
    quantization: str | None,
    task: str | None,
    data: Path | None,
    json: bool,
) -> None:
    from headwater.evaluation.card import shown
    from headwater.evaluation.export import export as write

    found = write(model, engine, output, quantization=quantization, task=task, data=data)
    if json:
        print_json({"output": str(output), **found.model_dump()})
    else:
        print_table({"output": output, **shown(found)}, False)
