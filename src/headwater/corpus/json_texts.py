"""Every string of a JSON or JSON-lines file, whatever its form: SQuAD's, a table's, any other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headwater.files import LARGE, parse_json, read_json
from headwater.streams import read_stream
from headwater.text_files import suffix_of

JSON_KINDS = (".json", ".jsonl")


def json_texts(file: Path, field: str | None = None) -> Iterator[str]:
    """Yield every string of a `.json` or `.jsonl` file except the keys; lines are streamed.

    Of a line that is an object with a text in `field`, that text alone is yielded.
    """
    if suffix_of(file) == ".json":
        yield from _strings(read_json(file, LARGE))
        return
    for number, line in enumerate(read_stream(file), start=1):
        if line.strip():
            value = parse_json(line, f"{file}, line {number}")
            text = value.get(field) if isinstance(value, dict) else None
            yield from (text,) if isinstance(text, str) else _strings(value)


def _strings(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str):
            yield item
