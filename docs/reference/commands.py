"""The page of the command line, from its parser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from docs.reference.markdown import code, page, plain, table

from headwater.cli import app

_HINT = re.compile(r"(.*?)[ .]*\[([^\]]+)\]\.?")
"""A help text whose end says what is meant where the option is not given."""

_INTRODUCTION = """
# Commands and their options

Each command as its parser has it; `--help` after a command prints the same.
[The command line](../commands.md) tells what each is for, and the exit codes.
"""


def commands_page() -> str:
    """Return the page."""
    main = typer.main.get_command(app)
    return page(_INTRODUCTION, *describe("headwater", main))


def describe(path: str, command: Any, parent: Any = None) -> Iterator[str]:
    """Yield the paragraphs of a command, then those of its own commands."""
    context = typer.Context(command, info_name=path.split()[-1], parent=parent)
    yield f"## `{path}`"
    yield plain(command.help)
    yield f"```\n{path} {' '.join(command.collect_usage_pieces(context))}\n```"
    parameters = [each for each in command.params if not each.hidden]
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    options = [each for each in parameters if each.param_type_name == "option"]
    names = ("default", "meaning")
    yield table(("argument", *names), (_row(path, each) for each in arguments))
    yield table(("option", *names), (_row(path, each) for each in options))
    for name, each in getattr(command, "commands", {}).items():
        yield from describe(f"{path} {name}", each, context)


def _row(path: str, parameter: Any) -> tuple[str, str, str]:
    """Return the name of an option with what it takes, its default and its meaning."""
    if not parameter.help:
        raise ValueError(f"{path}: {parameter.name} has no help; write it")
    meaning, default = parameter.help, ""
    if hint := _HINT.fullmatch(meaning):
        meaning, default = f"{hint[1]}.", plain(hint[2])
    elif parameter.required:
        default = "required"
    elif parameter.default not in (None, False) and not callable(parameter.default):
        default = code(str(parameter.default))
    return code(_name(parameter)), default, plain(meaning) + _bounds(parameter)


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    flags = " / ".join([*parameter.opts, *parameter.secondary_opts])
    return flags if parameter.is_flag else f"{flags} {parameter.metavar or _taken(parameter)}"


def _taken(parameter: Any) -> str:
    """Return what an option takes that does not name it."""
    kind = parameter.type_descriptor.annotation
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    return {int: "N", float: "X", str: "TEXT", Path: "PATH"}[kind]


def _bounds(parameter: Any) -> str:
    low, high = parameter.min, parameter.max
    if low is None and high is None:
        return ""
    if high is None:
        return f" From {low:,} on."
    return f" From {low:,} to {high:,}."
