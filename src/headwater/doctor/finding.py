"""What a check found: a number, what it means, and what to change."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, final

Level = Literal["fine", "note", "warning"]
"""`fine`: as it should be. `note`: good to know. `warning`: likely to cost time or quality."""

PADDING = 0.2
"""A larger share of padding is warned of."""


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    name: what, in a few words.
    value: the number or the state that was found; None where it cannot be told.
    said: what it means, in one sentence.
    key: what to change: a key of the recipe, an option or a command; "" where nothing is.
    """

    level: Level
    name: str
    value: float | int | str | bool | None
    said: str
    key: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return asdict(self)


def judged(
    good: bool,
    name: str,
    value: float | int | str | bool | None,
    said: str,
    key: str,
    otherwise: Level = "warning",
) -> Finding:
    """Return a finding that is fine, or else one with what to change."""
    return (
        Finding("fine", name, value, said) if good else Finding(otherwise, name, value, said, key)
    )


def above(name: str, value: float, most: float, said: str, key: str) -> Finding:
    """Warn of a number above `most`."""
    return judged(value <= most, name, value, said, key)
