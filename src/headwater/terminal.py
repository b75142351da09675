"""What every verb of the command line says and prints."""

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def print_json(value: Any) -> None:
    """Print JSON that the terminal can show."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal without these characters, or half ones in a file name
        text = json.dumps(value, indent=2)
    print(text)


def show_table(rows: Mapping[str, object], as_json: bool) -> None:
    """Print names with what belongs to them, a line for each, or as JSON."""
    if as_json:
        print_json(dict(rows))
        return
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:{width}}  {value}")


def say(message: str) -> None:
    """Print a line beside the output, on standard error."""
    print(f"headwater: {message}", file=sys.stderr)
