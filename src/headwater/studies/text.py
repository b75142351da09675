"""The question, the setup and the published numbers of a study, read from its `NAME.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """Numbers of a paper, shown with those measured here; `source` names paper and table."""

    source: str
    columns: Sequence[str] = ()
    rows: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""

    def markdown(self) -> str:
        """Return the source, and the numbers where there are some."""
        lines = [f"{self.source} {self.note}".strip()]
        if self.rows:
            digits = max(len(str(x).partition(".")[2]) for row in self.rows.values() for x in row)
            lines += ["", f"| {' | '.join(['', *self.columns])} |"]
            lines.append("|" + "---|" * (1 + len(self.columns)))
            for name, row in self.rows.items():
                values = [f"{value:.{digits}f}" for value in row]
                lines.append(f"| {' | '.join([name, *values])} |")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class StudyText:
    """The words of a study.

    question: in a sentence.
    setup: what is trained and measured, by budget, in a few sentences.
    across: what the columns of its table are.
    """

    question: str
    setup: Mapping[str, str]
    published: tuple[PublishedTable, ...]
    across: str = "task"


@cache
def study_text(name: str) -> StudyText:
    """Read the words of a study of this package."""
    file = Path(__file__).with_name(f"{name}.toml")
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    published = tuple(PublishedTable(**table) for table in content.pop("published"))
    return StudyText(**content, published=published)
