"""Every way in which one value of a JSON document, or of a tensor file's header, can be wrong."""

import copy
import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from headwater.errors import UserError

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "zero": 0,
    "negative": -1,
    "huge": 10**12,
    "a huge float": 1e30,
    "empty text": "",
    "a way out": "../../\x1b[31mx",
    "empty list": [],
    "empty object": {},
    "a list of it all": [None, -1, "x", {}, []],
}
DOCUMENTS: dict[str, str] = {
    "empty": "",
    "null": "null",
    "a list": "[]",
    "a text": '"x"',
    "a number": "-1",
    "an empty object": "{}",
    "deep": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "NaN": "NaN",
    "no JSON": "{",
    "half a character": '{"\\ud800": "\\udfff"}',
    "twice": "{}{}",
}

Case = tuple[str, str]
"""What was done, and the text of the document."""


def documents(value: Any, depth: int = 4) -> Iterator[Case]:
    """Yield a document with each key gone, each value another, and no such document at all."""
    for path in _paths(value, depth):
        where = ".".join(map(str, path))
        yield f"{where} gone", json.dumps(_changed(value, path, None, remove=True))
        for name, new in VALUES.items():
            yield f"{where} = {name}", json.dumps(_changed(value, path, new))
    if isinstance(value, dict):
        yield "a key more", json.dumps({**value, "more": {"x": 1}})
    yield from DOCUMENTS.items()


def headers(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a safetensors file with each wrong header, and with wrong lengths of it."""
    content = file.read_bytes()
    [size] = struct.unpack("<Q", content[:8])
    header, rest = json.loads(content[8 : 8 + size]), content[8 + size :]
    names = list(header)[:3]  # every tensor is read in the same way
    small = {name: header[name] for name in names}
    for name, text in documents(small, 3):
        try:
            whole = {**header, **json.loads(text)} if "gone" not in name else json.loads(text)
            text = json.dumps(whole)
        except (RecursionError, TypeError, ValueError):
            pass
        yield name, struct.pack("<Q", len(text.encode())) + text.encode() + rest
    for name, length in (("no header", 0), ("beyond the end", len(content)), ("huge", 2**63)):
        yield name, struct.pack("<Q", length) + content[8:]
    yield "empty", b""
    yield "seven bytes", content[:7]


def with_manifest(folder: Path, name: str) -> None:
    """Write the checksum of a changed file where the manifest has one."""
    file = folder / "manifest.json"
    if file.exists() and name != "manifest.json":
        sums = json.loads(file.read_text())
        sums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        file.write_text(json.dumps(sums))


def fault(call: Callable[[], object]) -> str | None:
    """Return what is wrong with how a call ended: well, or by a UserError of one line, is right."""
    try:
        call()
    except UserError as error:
        text = str(error)
        return None if "\n" not in text and len(text) < 1000 else f"not one line: {text[:300]}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def _paths(value: Any, depth: int) -> Iterator[tuple[str | int, ...]]:
    if depth and isinstance(value, dict):
        for key, inner in value.items():
            yield (key,)
            yield from ((key, *path) for path in _paths(inner, depth - 1))
    elif depth and isinstance(value, list) and value:
        yield (0,)
        yield from ((0, *path) for path in _paths(value[0], depth - 1))


def _changed(value: Any, path: tuple[str | int, ...], new: Any, *, remove: bool = False) -> Any:
    whole = copy.deepcopy(value)
    inner = whole
    for part in path[:-1]:
        inner = inner[part]
    if remove:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return whole
