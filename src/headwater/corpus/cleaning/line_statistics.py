"""What the lines of a page are like: how many are short, come again, or end in an end mark.

    Home                      short
    Home                      short, again
    The mill was built.       short, ends

FineWeb drops pages by the same shares (Penedo et al. 2024, section 3.6).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

SHORT: Final = 30  # characters of a line that is shorter than most sentences
END_MARKS: Final = (".", "!", "?", '"', "”")


class LineStatistics(NamedTuple):
    """Counts of a page's lines; empty ones are none.

    short: lines of fewer than SHORT characters.
    ended: lines that end in an end mark.
    repeated: the characters of lines that stood on the page before.
    """

    lines: int = 0
    short: int = 0
    ended: int = 0
    characters: int = 0
    repeated: int = 0

    @property
    def shares(self) -> dict[str, float]:
        """The shares of lines, and of characters for `repeated`."""
        lines, characters = max(1, self.lines), max(1, self.characters)
        return {
            "short": self.short / lines,
            "ended": self.ended / lines,
            "repeated": self.repeated / characters,
        }


def line_statistics(page: str) -> LineStatistics:
    """Count the lines of a page."""
    lines = [line for line in map(str.strip, page.splitlines()) if line]
    characters = sum(map(len, lines))
    return LineStatistics(
        len(lines),
        sum(len(line) < SHORT for line in lines),
        sum(line.endswith(END_MARKS) for line in lines),
        characters,
        characters - sum(map(len, set(lines))),
    )


def add_statistics(counts: Counter[str], of: str, lines: LineStatistics) -> None:
    """Add a page's lines to the numbers of its shard, under the name `of`."""
    for name, count in lines._asdict().items():
        counts[f"{of}:{name}"] += count


def statistics_of(counts: Mapping[str, int], of: str) -> LineStatistics:
    """Return the sums that `add_statistics` made."""
    return LineStatistics(*(counts.get(f"{of}:{name}", 0) for name in LineStatistics._fields))
