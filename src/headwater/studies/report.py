"""The report of a study: a table, a plot, and a page with the verdicts and the cost.

DIR/README.md    the page        DIR/table.md, table.csv, seeds.csv    the numbers
DIR/plot.png     the plot        DIR/jobs.jsonl                        what each job took

The plot has curves where the columns are numbers, else points side by side. A point is a mean over
seeds, with the sample deviation as an error bar.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from headwater.errors import counted
from headwater.files import replace_file
from headwater.pictures.figure import new_figure, write_png
from headwater.studies.results_table import Finding, Table, judge
from headwater.studies.study import Result, Study, StudyContext

_VERDICTS = {
    "agrees": "as published",
    "disagrees": "against what is published",
    "open": "not told apart here",
}


def write_report(
    study: Study, context: StudyContext, results: Sequence[Result], cost: str, command: str
) -> list[Finding]:
    """Write everything below the folder of the context and return the verdict on each claim."""
    derived = tuple(study.derive(context, results)) if study.derive else ()
    table = Table(tuple(results), derived)
    columns = {each.column for each in (*results, *derived)}
    claims = study.claims[context.budget]
    found = [judge(c, table) for c in claims if not c.columns or columns.intersection(c.columns)]
    folder = context.folder
    replace_file(folder / "table.md", table.markdown())
    replace_file(folder / "table.csv", table.csv())
    replace_file(folder / "seeds.csv", table.seeds_csv())
    draw(table, f"{study.name} ({context.budget})", study.text.across, folder / "plot.png")
    page = _page(study, context, table, found, cost, command)
    replace_file(folder / "README.md", page)
    return found


def paragraph(found: Sequence[Finding]) -> str:
    """Return in sentences which published orders the numbers confirm, and by how much."""
    agrees = [each for each in found if each.verdict == "agrees"]
    against = [each for each in found if each.verdict == "disagrees"]
    undecided = [each for each in found if each.verdict == "open"]
    are = "is" if len(agrees) == 1 else "are"
    parts = [f"Of {len(found)} published orders, {len(agrees)} {are} found here."]
    if agrees:
        parts.append(f"As published: {_list(agrees)}.")
    if against:
        parts.append(f"Opposite to the published order: {_list(against)}.")
    if undecided:
        parts.append(
            f"Not told apart at this scale (a difference of less than twice its standard error): "
            f"{_list(undecided)}."
        )
    return " ".join(parts)


def _list(found: Sequence[Finding]) -> str:
    return "; ".join(f"{each.claim.text} ({_gain(each)})" for each in found)


def _gain(found: Finding) -> str:
    gain = found.gain
    error = "" if found.gain.error is None else f", standard error {_number(found.gain.error, 2)}"
    sign = "-" if gain.mean < 0 else "+"
    return f"{sign}{_number(abs(gain.mean), 3)}{error}, {counted(gain.count, 'seed')}"


def _number(value: float, digits: int) -> str:
    """Return a number with so many significant digits, or as an integer if it is large."""
    return f"{value:,.0f}" if value >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def _page(
    study: Study,
    context: StudyContext,
    table: Table,
    found: Sequence[Finding],
    cost: str,
    command: str,
) -> str:
    rows = [f"| {each.claim.text} | {_gain(each)} | {_VERDICTS[each.verdict]} |" for each in found]
    seeds = ", ".join(map(str, context.seeds))
    parts = [
        f"# {study.name}: {study.text.question}",
        study.text.setup[context.budget],
        *_changed(context),
        "## What was found",
        paragraph(found),
        "![The results as a plot](plot.png)",
        f"Columns: {study.text.across}. Mean ± sample deviation over seeds {seeds}. `trained`: the "
        "share of the parameters that the adaptation may change. `seconds`: of the adaptation "
        "alone.",
        table.markdown(),
        "\n".join(
            ["| published order | gain here, paired by seed | verdict |", "|---|---|---|", *rows]
        ),
        "An order counts as found where the mean gain is more than twice its standard error. With "
        "three seeds that is a weak test: of settings that do not differ at all, one pair in five "
        "would pass it (Student's t with two degrees of freedom), half of them in each direction.",
        "## What is published",
        *(table.markdown() for table in study.text.published),
        "## How",
        f"```sh\n{command}\n```",
        cost,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _changed(context: StudyContext) -> list[str]:
    found = []
    if context.columns:
        listed = ", ".join(context.columns)
        found.append(f"Only these columns were run: {listed}. Averages are over them.")
    if context.scale != 1:
        found.append(f"Every training took {context.scale:g} times the steps named above.")
    if context.learning_rate:
        found.append(
            f"The learning rate for all parameters was {context.learning_rate:g} (--learning-rate)."
        )
    return found


def draw(table: Table, title: str, across: str, path: Path) -> None:
    """Write a PNG of the measured columns; derived columns are only in the table."""
    columns = list(dict.fromkeys(each.column for each in table.results))
    numbers = [_as_number(column) for column in columns]
    figure = new_figure(9, 5)
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.grid(alpha=0.3)
    if len(columns) > 1 and all(number is not None for number in numbers):
        _curves(axes, table, columns, [number or 0.0 for number in numbers])
        axes.set_xlabel(across)
        axes.set_ylabel("score")
        axes.legend(fontsize="small")
    else:
        _points(axes, table, columns)
        axes.set_xlabel("score")
        axes.legend(title=across, fontsize="small")
    write_png(figure, path)


def _curves(axes: Axes, table: Table, columns: list[str], numbers: list[float]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(numbers, columns)
    axes.minorticks_off()
    for setting in table.settings:
        cells = [(x, table.cell(setting, name)) for x, name in zip(numbers, columns, strict=True)]
        kept = [(x, cell) for x, cell in cells if cell is not None]
        axes.errorbar(
            [x for x, _ in kept],
            [cell.mean for _, cell in kept],
            [cell.deviation or 0.0 for _, cell in kept],
            marker="o",
            capsize=3,
            label=setting,
        )


def _points(axes: Axes, table: Table, columns: list[str]) -> None:
    settings = table.settings
    axes.set_yticks(range(len(settings)), settings)
    axes.invert_yaxis()
    for index, column in enumerate(columns):
        shift = 0.25 * (index / max(1, len(columns) - 1) - 0.5)
        cells = [(y, table.cell(name, column)) for y, name in enumerate(settings)]
        kept = [(y, cell) for y, cell in cells if cell is not None]
        axes.errorbar(
            [cell.mean for _, cell in kept],
            [y + shift for y, _ in kept],
            xerr=[cell.deviation or 0.0 for _, cell in kept],
            fmt="o",
            capsize=3,
            label=column,
        )


def _as_number(column: str) -> float | None:
    try:
        return float(column.replace(",", ""))
    except ValueError:
        return None
