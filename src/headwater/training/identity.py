"""What a resumed run must have in common with its beginning, and all processes with each other.

Nested JSON, compared key by key.
Settings have the keys of a recipe; data, vocabularies and weights stand as their SHA-256.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headwater.errors import UserError

Identity = Mapping[str, Any]

_SHA256 = re.compile("[0-9a-f]{64}")
_DATA = ("data", "validation")  # fingerprints of what was read
_SHOWN = 5
_ABSENT = object()


def as_json(identity: Identity) -> dict[str, Any]:
    """Return an identity as a file gives it back: tuples as lists."""
    values: dict[str, Any] = json.loads(json.dumps(dict(identity), allow_nan=False))
    return values


def compare(before: Identity, now: Identity) -> None:
    """Refuse to continue another run, naming each difference."""
    if found := _causes(before, now):
        more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
        texts = [_difference(*each) for each in found[:_SHOWN]]
        raise UserError(
            f"cannot resume: {'; '.join(texts)}{more}. "
            "Put it back as it was, or start a new run in another folder"
        )


def agree(identities: Sequence[Identity]) -> None:
    """Refuse processes, by rank, that would train different runs."""
    for rank, other in enumerate(identities):
        if found := _causes(identities[0], other):
            keys = ", ".join(key for key, _, _ in found[:_SHOWN])
            raise UserError(
                f"process {rank} differs from the first in {keys}: "
                "all need the same recipe and the same files"
            )


def _causes(before: Identity, now: Identity) -> list[tuple[str, Any, Any]]:
    """Return the dotted key of each difference that follows from no other, and both values."""
    found = list(_differences(as_json(before), as_json(now)))
    settings = [each for each in found if each[0].partition(".")[0] not in _DATA]
    components = [each for each in found if each[0] != "data.features"]
    # data follow from settings, and the features of a mixture from its components
    return settings or components or found


def _differences(before: Any, now: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted key of each difference and both values, in the order of the keys."""
    if not all(each is _ABSENT or isinstance(each, dict) for each in (before, now)):
        found = [each for each in (before, now) if each is not _ABSENT]
        came_since = len(found) == 1 and found[0] in (False, None)  # off, or not given
        if before != now and not came_since:
            yield key, before, now
        return
    first, second = ({} if each is _ABSENT else each for each in (before, now))
    for name in sorted({*first, *second}):
        inner = f"{key}.{name}" if key else name
        yield from _differences(first.get(name, _ABSENT), second.get(name, _ABSENT), inner)


def _difference(key: str, was: Any, now: Any) -> str:
    if any(isinstance(each, str) and _SHA256.fullmatch(each) for each in (was, now)):
        return f"{key} has changed"
    return f"{key} was {_shown(was)}, is now {_shown(now)}"


def _shown(value: Any) -> str:
    return "not set" if value is _ABSENT or value is None else repr(value)
