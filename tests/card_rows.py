"""The scores that a bundled model's card states, for the tests that measure them again."""

import re
from pathlib import Path
from typing import NamedTuple

_ROW = re.compile(
    r"^\| ([^|]+) \| `(\w+)` \| `([\w./-]+)` \| ([\d,]+) \| ([\w ]+) \| ([\d.]+) \|"
    r" (?:([\d.]+) to ([\d.]+))? *\|$",
    re.MULTILINE,
)


class CardRow(NamedTuple):
    """A score in percent, with its 95% interval where there is one."""

    set: str
    task: str
    file: str
    items: int
    metric: str
    score: float
    interval: tuple[float, float] | None


def card_rows(folder: Path) -> list[CardRow]:
    """Return the rows of a card's table of scores."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    return [
        CardRow(
            *(title, task, file, int(items.replace(",", "")), metric, float(score)),
            (float(low), float(high)) if low else None,
        )
        for title, task, file, items, metric, score, low, high in _ROW.findall(text)
    ]


def stated(folder: Path, title: str) -> dict[str, float]:
    """Return the scores by metric on the set whose name begins so."""
    return {row.metric: row.score for row in card_rows(folder) if row.set.startswith(title)}
