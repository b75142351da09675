"""What the verbs print on standard output."""

import json
import sys
from collections.abc import Mapping
from typing import Any


def print_json(value: Any) -> None:
    """Print JSON that the terminal can show."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal without these characters, or half ones in a file name
        text = json.dumps(value, indent=2)
    print(text)


def print_table(values: Mapping[str, object], as_json: bool) -> None:
    """Print names with their values, a line for each, or as JSON; numbers get six digits."""
    if as_json:
        print_json(dict(values))
        return
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:{width}}  {f'{value:.6g}' if isinstance(value, float) else value}")
