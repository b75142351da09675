"""`headwater models`, `tasks`, `merge` and `convert`: what there is, and what is in it."""

from pathlib import Path
from typing import Annotated

import typer

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

ABOUT = {
    "reader": "bundled: finds answers in a text, or says that it holds none (6 layers, 384 wide)",
    "writer": "bundled: writes answers and questions, on the reader's body",
    "tagger": "bundled: finds persons, places and other entities, on the reader's body",
    "sentiment": "bundled: says whether a text is positive or negative, on the reader's body",
}


@described("List the bundled models and the sizes to train from random weights.")
def models(json: Json = False) -> None:
    print_table(model_table(), json)


def model_table() -> dict[str, str]:
    """Return one line on each, by name. Imports no torch."""
    from headwater.checkpoints.hub import BUNDLED
    from headwater.models.families import FAMILIES

    table = {name: ABOUT[name] for name in BUNDLED}
    for family in FAMILIES.values():
        for name, config in family.presets.items():
            table[name] = f"sizes for [network]: {family.summary(config)}"
    return table


@described("Merge a LoRA run into the weights of the model it was trained on.")
def merge(
    model: Annotated[str, argument("A run of method lora, or a folder that peft wrote.", "MODEL")],
    output: Annotated[Path, option("Gets the whole model.", "DIR")],
) -> None:
    from headwater.checkpoints.adapted import open_model
    from headwater.checkpoints.folder import read_extra, save_model
    from headwater.checkpoints.hub import resolve
    from headwater.checkpoints.parts import check_weights_are_there, read_adaptation
    from headwater.checkpoints.peft_folder import PeftFolder
    from headwater.checkpoints.vocabularies import vocabulary_of
    from headwater.files import check_free
    from headwater.inference.generation_file import read_generation
    from headwater.methods.lora import merge as into_weights

    folder = resolve(model)
    adaptation = read_adaptation(folder)
    if adaptation is None and PeftFolder.find(folder) is None:
        check_weights_are_there(folder)
        raise UserError(f"{model}: holds a whole model; there is nothing to merge")
    if adaptation is not None and (method := adaptation.config.method) != "lora":
        raise UserError(
            f"{model}: was trained by method {method!r}, which stays beside the body (there is "
            "more than a matrix between); only LoRA can be merged"
        )
    check_free(output)
    network = open_model(folder).model
    into_weights(network)
    save_model(
        output,
        network,
        vocabulary=vocabulary_of(folder),
        extra=read_extra(folder),
        generation=read_generation(folder, network.config),
    )
    echo(output)


@described("Write the model of a saved training state.")
def convert(
    state: Annotated[Path, argument("RUN/state/step-N, or RUN for its newest state.", "STATE")],
    output: Annotated[Path, option("Gets the model.", "DIR")],
) -> None:
    from headwater.runs.convert import convert as into_model

    into_model(state, output)
    echo(output)


tasks = typer.Typer(rich_markup_mode=None)


@tasks.callback(invoke_without_command=True)
@described("List the tasks, or look into one.")
def list_tasks(context: typer.Context, json: Json = False) -> None:
    if context.invoked_subcommand is not None:
        return
    from headwater.tasks.names import TASKS

    print_table({name: task.summary for name, task in TASKS.items()}, json)


@tasks.command("show")
@described("Show the first three examples as text and as tokens, with what is to be learned.")
def show(
    name: Annotated[str, argument("A name, or a declaration: my_task.toml.", "TASK")],
    data: Annotated[
        list[Path] | None,
        option("The task's file, or its benchmark's folder [the current one]; repeatable.", "FILE"),
    ] = None,
    model: Annotated[
        str, option("Whose vocabulary cuts the text: a folder, a name.", "MODEL")
    ] = "reader",
    json: Json = False,
) -> None:
    from headwater.inspection.task_examples import lines, task_examples
    from headwater.tasks.names import task as find_task

    content = task_examples(find_task(name), data or [], model)
    if json:
        print_json(content)
        return
    for line in lines(content):
        echo(line)
