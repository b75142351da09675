"""The numbers of a study: mean and sample deviation over seeds, and the verdict on an order.

Seeds are paired: the same seed is the same body, the same draw of examples and the same order in
every setting. So two settings are compared by their differences seed by seed, and an order counts
as found where the mean difference is more than twice its standard error:

    pre-trained  91.0  92.0  90.5        differences  36.0  39.0  36.5
    random       55.0  53.0  54.0        mean 37.2, standard error 0.9: found
"""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from headwater.studies.study import Claim, Result

Verdict = Literal["agrees", "disagrees", "open"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and sample deviation of `count` values; one value has no deviation."""

    mean: float
    deviation: float | None
    count: int

    @property
    def error(self) -> float | None:
        """The standard error of the mean."""
        return None if self.deviation is None else self.deviation / math.sqrt(self.count)

    def __str__(self) -> str:
        digits = 1 if abs(self.mean) >= 10 else 2
        if self.deviation is None:
            return f"{self.mean:.{digits}f}"
        return f"{self.mean:.{digits}f} ± {self.deviation:.{digits}f}"


def spread(values: Iterable[float]) -> Spread:
    """Return mean and sample deviation of at least one value."""
    values = list(values)
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a claim; `gain`: the mean over the worse setting, paired by seed."""

    claim: Claim
    verdict: Verdict
    gain: Spread


def judge(claim: Claim, table: "Table") -> Finding:
    """Compare the two settings of a claim over the seeds that both have.

    Derived columns count only for a claim that names them.
    """
    results = (*table.results, *table.derived) if claim.columns else table.results
    better, worse = (
        _by_column_and_seed(results, name, claim) for name in (claim.better, claim.worse)
    )
    both = [key for key in better if key in worse]
    if not both:
        raise KeyError(f"{claim.better} and {claim.worse} have no column and seed in common")
    sign = -1.0 if claim.lowest else 1.0
    seeds = sorted({seed for _, seed in both})
    gains = [
        fmean(sign * (better[key] - worse[key]) for key in both if key[1] == seed) for seed in seeds
    ]
    gain = spread(gains)
    verdict: Verdict = "open"
    if gain.error is not None and abs(gain.mean) > 2 * gain.error:
        verdict = "agrees" if gain.mean > 0 else "disagrees"
    return Finding(claim, verdict, gain)


def _by_column_and_seed(
    results: Sequence[Result], setting: str, claim: Claim
) -> dict[tuple[str, int], float]:
    return {
        (each.column, each.seed): each.value
        for each in results
        if each.setting == setting and each.column in (claim.columns or {each.column})
    }


@dataclass(frozen=True, slots=True)
class Table:
    """The results of a study by setting and column, both in the order of the results.

    derived: results of further columns, which no mean over the columns contains.
    """

    results: tuple[Result, ...]
    derived: tuple[Result, ...] = ()

    @property
    def settings(self) -> list[str]:
        """The names of the rows."""
        return list(dict.fromkeys(each.setting for each in self.results))

    @property
    def columns(self) -> list[str]:
        """The names of the columns, derived ones last."""
        return list(dict.fromkeys(each.column for each in (*self.results, *self.derived)))

    def cell(self, setting: str, column: str) -> Spread | None:
        """Return a cell; None where the grid has none."""
        own = self._cell_results(setting, column)
        return spread(each.value for each in own) if own else None

    def _cell_results(self, setting: str, column: str) -> list[Result]:
        every = (*self.results, *self.derived)
        return [each for each in every if (each.setting, each.column) == (setting, column)]

    def markdown(self) -> str:
        """Return the table, with the trained share and the seconds of each setting."""
        heads = ["", *self.columns, "trained", "seconds"]
        lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
        for setting in self.settings:
            cells = [str(self.cell(setting, column) or "") for column in self.columns]
            own = [each for each in self.results if each.setting == setting]
            share = max(100 * each.trained / each.parameters for each in own)
            seconds = spread(each.seconds for each in own)
            cells += [f"{share:.3g}%", f"{seconds.mean:.1f}"]
            lines.append(f"| {' | '.join([setting, *cells])} |")
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        """Return one line per cell."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            ["setting", "column", "mean", "deviation", "n", "trained", "parameters", "seconds"]
        )
        for setting in self.settings:
            for column in self.columns:
                if cell := self.cell(setting, column):
                    own = self._cell_results(setting, column)
                    deviation = "" if cell.deviation is None else f"{cell.deviation:.6g}"
                    writer.writerow(
                        [setting, column, f"{cell.mean:.6g}", deviation, cell.count, own[0].trained,
                         own[0].parameters, f"{fmean(each.seconds for each in own):.4g}"]
                    )  # fmt: skip
        return text.getvalue()

    def seeds_csv(self) -> str:
        """Return one line per cell and seed."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["setting", "column", "seed", "value", "steps", "seconds"])
        for each in (*self.results, *self.derived):
            writer.writerow(
                [each.setting, each.column, each.seed, f"{each.value:.6g}", each.steps,
                 f"{each.seconds:.6g}"]
            )  # fmt: skip
        return text.getvalue()
