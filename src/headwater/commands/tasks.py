"""`headwater tasks`: what there is to learn, and what a model sees of it."""

from pathlib import Path
from typing import Annotated

import typer

from headwater.commands.options import Json, argument, option
from headwater.commands.output import print_json, print_table

tasks = typer.Typer(rich_markup_mode=None)


@tasks.callback(invoke_without_command=True)
def list_tasks(context: typer.Context, json: Json = False) -> None:
    """List the tasks, or look into one."""
    if context.invoked_subcommand is not None:
        return
    from headwater.tasks.names import TASKS

    print_table({name: task.summary for name, task in TASKS.items()}, json)


@tasks.command("show")
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
    """Show the first three examples as text and as tokens, with what is to be learned."""
    from headwater.inspection.task_examples import lines, task_examples
    from headwater.tasks.names import task as find_task

    content = task_examples(find_task(name), data or [], model)
    if json:
        print_json(content)
        return
    for line in lines(content):
        print(line)
