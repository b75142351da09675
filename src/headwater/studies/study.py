"""What a study is: a grid of cells, each a training run whose model is measured on one test.

                  a test     another test     columns
    a setting     cell x 3   cell x 3         three seeds each
    another       cell x 3   cell x 3

The runs of a grid may build on one another: a body is pre-trained once for each seed and adapted in
many cells. A study also says what the published work found, as an order of its settings, so that
the report can tell where the numbers here agree with it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from headwater.runs.recipe import PretrainRecipe, Recipe

Budget = Literal["quick", "full"]
T5_COLUMNS = ("GLUE", "CNN/DM", "SQuAD", "SuperGLUE", "En-De", "En-Fr", "En-Ro")
"""Those of the tables of Raffel et al. 2020."""


def slug(setting: str) -> str:
    """Return what a table says as a part of a run's name.

    >>> slug("adapters, d = 32")
    'adapters-d32'
    """
    plain = setting.replace(" = ", "").replace(",", "").replace("%", "")
    return plain.replace(" ", "-").lower()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a study works and what it may use.

    Args:
        folder: what the study writes, with its runs in `runs/`.
        data: the folder with official data files; `full` reads it.
        models: pre-trained models; `full` starts from them.
        scale: of the steps of every training with `full`.
        learning_rate: of `full` where all parameters are adapted; left out: `full.rate`.
        columns: those that are run and reported; left out: all.
        seeds: one run each in every cell.
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
class Run:
    """A training run; it lies in `runs/NAME` and reads the folders of the runs in `after`."""

    name: str
    recipe: Mapping[str, Any] = field(hash=False)
    after: tuple["Run", ...] = ()

    def checked(self) -> Recipe | PretrainRecipe:
        """Return the recipe.

        Raises:
            UserError: a key or a value of it is wrong.
        """
        kind = PretrainRecipe if "objective" in self.recipe else Recipe
        return kind.check(self.recipe, self.name)

    def all(self) -> list["Run"]:
        """Return what must be run, in an order that can be kept: this run is the last."""
        return [*(run for before in self.after for run in before.all()), self]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a cell is measured by: one metric (the task's main one if left out) on some files."""

    task: str
    files: tuple[str, ...]
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the table: a setting (its row), a column, a seed, and what gives it."""

    setting: str
    column: str
    seed: int
    run: Run
    measure: Measure

    @property
    def name(self) -> str:
        """The name of its result: letters, digits and dashes."""
        text = f"{self.setting}-{self.column}-{self.seed}".lower()
        return "".join(c if c.isalnum() or c in ".-" else "-" for c in text)


@dataclass(frozen=True, slots=True)
class Result:
    """What a cell gave.

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

    columns: where; left out: in the mean over all columns in which both stand.
    lowest: whether the lower number is the better one.
    """

    text: str
    better: str
    worse: str
    columns: tuple[str, ...] = ()
    lowest: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """Numbers of a paper, shown beside those measured here; `source` names paper and table."""

    source: str
    columns: tuple[str, ...] = ()
    rows: Mapping[str, Sequence[float | None]] = field(default_factory=dict, hash=False)
    note: str = ""


Derive = Callable[[Place, Sequence[Result]], Iterable[Result]]


@dataclass(frozen=True, slots=True)
class Study:
    """One claim that is run again.

    Args:
        asks: the question, in a sentence.
        setup: what is trained and measured, by budget, in a few sentences.
        prepare: makes the data of a study in its folder; what is there stays.
        cells: the grid.
        claims: the published order, by budget: each names settings and columns of the grid.
        derive: makes further columns of the results, as a time to reach a score.
        across: what the columns are.
    """

    name: str
    asks: str
    setup: Mapping[Budget, str]
    prepare: Callable[[Place], None]
    cells: Callable[[Place], list[Cell]]
    claims: Mapping[Budget, Sequence[Claim]]
    published: Sequence[Published]
    derive: Derive | None = None
    across: str = "task"
