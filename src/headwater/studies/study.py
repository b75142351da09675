"""What a study is: a grid of trials, each a training run whose model is measured on one test.

                  a test      another test      columns
    a setting     trial x 3   trial x 3         three seeds each
    another       trial x 3   trial x 3

The runs of a grid may build on one another: a body is pre-trained once for each seed and adapted in
many trials. A study also has the published findings, as orders of its settings, so that the report
can compare the numbers with them.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from headwater.runs.recipe import PretrainRecipe, Recipe


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """Numbers of a paper, shown with those measured here; `source` names paper and table."""

    source: str
    columns: Sequence[str] = ()
    rows: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""

    def markdown(self) -> str:
        """Return the source, and the numbers if there are any."""
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


Budget = Literal["quick", "full"]


def slug(setting: str) -> str:
    """Return the name of a setting as a part of a run's name.

    >>> slug("adapters, d = 32")
    'adapters-d32'
    """
    plain = setting.replace(" = ", "").replace(",", "").replace("%", "")
    return plain.replace(" ", "-").lower()


@dataclass(frozen=True, slots=True)
class StudyContext:
    """The folder of a study, and what it may use.

    Args:
        folder: what the study writes, with its runs in `runs/`.
        data: the folder with official data files; `full` reads it.
        models: pre-trained models; `full` starts from them.
        scale: of the steps of every training with `full`.
        learning_rate: of `full` if all parameters train; None: `full.learning_rate`.
        columns: those that are run and reported; empty: all.
        seeds: each trial runs once for each.
    """

    folder: Path
    budget: Budget
    data: Path | None = None
    models: tuple[str, ...] = ()
    scale: float = 1.0
    learning_rate: float | None = None
    columns: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)

    def run(self, name: str) -> str:
        """Return the folder of a run, as a recipe's `model` names it."""
        return str(self.folder / "runs" / name)


@dataclass(frozen=True, slots=True)
class GridRun:
    """A training run; it lies in `runs/NAME` and reads the folders of the runs in `after`."""

    name: str
    recipe: Mapping[str, Any] = field(hash=False)
    after: tuple["GridRun", ...] = ()

    def checked(self) -> Recipe | PretrainRecipe:
        """Return the recipe with its types; a wrong key or value is the user's mistake."""
        kind = PretrainRecipe if "objective" in self.recipe else Recipe
        return kind.check(self.recipe, self.name)

    def with_ancestors(self) -> list["GridRun"]:
        """Return what must be run, in an order that works: this run is the last."""
        return [*(run for before in self.after for run in before.with_ancestors()), self]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a trial is scored: a metric on some files; None: the task's main metric."""

    task: str
    files: tuple[str, ...]
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One number: a setting (a row of the table), a column, a seed, a run and its measure."""

    setting: str
    column: str
    seed: int
    run: GridRun
    measure: Measure

    @property
    def name(self) -> str:
        """The name of its result: letters, digits and dashes."""
        text = f"{self.setting}-{self.column}-{self.seed}".lower()
        return "".join(c if c.isalnum() or c in ".-" else "-" for c in text)


@dataclass(frozen=True, slots=True)
class Result:
    """What a trial gave.

    value: of the metric, in percent unless the column says otherwise.
    seconds, steps: of its own training, without the runs that it builds on.
    trained, parameters: how many numbers its training may change, and how many there are.
    """

    setting: str
    column: str
    seed: int
    value: float
    seconds: float
    steps: int
    trained: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Claim:
    """That one setting is better than another, as published.

    columns: where; empty: in the mean over all columns that have both settings.
    lowest: whether the lower number is the better one.
    """

    text: str
    better: str
    worse: str
    columns: tuple[str, ...] = ()
    lowest: bool = False


Grid = Callable[[StudyContext, int], list[Trial]]
"""The trials of one seed."""

Derive = Callable[[StudyContext, Sequence[Result]], Iterable[Result]]


@dataclass(frozen=True, slots=True)
class Study:
    """One claim that is run again; its words and the published numbers are in `NAME.toml`.

    Args:
        quick, full: the grid of each budget.
        claims: the published order, by budget: each names settings and columns of the grid.
        prepare: adds data to the study's folder; existing data stays.
        derive: computes further columns from the results, such as the time to reach a score.
    """

    name: str
    quick: Grid
    full: Grid
    claims: Mapping[Budget, Sequence[Claim]]
    prepare: Callable[[StudyContext], None] | None = None
    derive: Derive | None = None

    @property
    def text(self) -> StudyText:
        """Its question, its setups and what is published."""
        return study_text(self.name)

    def trials(self, context: StudyContext) -> list[Trial]:
        """Return the grid of the context's budget, seed by seed."""
        grid = self.quick if context.budget == "quick" else self.full
        return [trial for seed in context.seeds for trial in grid(context, seed)]
