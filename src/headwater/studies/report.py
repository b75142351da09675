"""What a study leaves: its table, its picture, and a page with what was found and the cost.

DIR/README.md    the page        DIR/table.md, table.csv, seeds.csv    the numbers
DIR/plot.png     the picture     DIR/jobs.jsonl                        what each job took
"""

from collections.abc import Sequence

from headwater.files import replace_file
from headwater.studies.plot import draw
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
    """Write everything below the folder of the context and return what became of each claim."""
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
    """Say in sentences which published orders the numbers show, which not, and by how much."""
    agrees = [each for each in found if each.verdict == "agrees"]
    against = [each for each in found if each.verdict == "disagrees"]
    undecided = [each for each in found if each.verdict == "open"]
    are = "is" if len(agrees) == 1 else "are"
    parts = [f"Of {len(found)} published orders, {len(agrees)} {are} found here."]
    if agrees:
        parts.append(f"As published: {_list(agrees)}.")
    if against:
        parts.append(f"The other way round than published: {_list(against)}.")
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
    return f"{sign}{_number(abs(gain.mean), 3)}{error}, {gain.count} seeds"


def _number(value: float, digits: int) -> str:
    """Return a number to so many digits, whole where it is large."""
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
        "![The numbers as a picture](plot.png)",
        f"Columns: {study.text.across}. Mean ± sample deviation over seeds {seeds}. `trained`: the "
        "share of the parameters that the adaptation may change. `seconds`: of the adaptation "
        "alone.",
        table.markdown(),
        "\n".join(
            ["| published order | gain here, paired by seed | verdict |", "|---|---|---|", *rows]
        ),
        "An order counts as found where the mean gain is more than twice its standard error. With "
        "three seeds that is a weak test: of settings that do not differ at all, one pair in five "
        "would pass it (Student's t with two degrees of freedom), half of these each way.",
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
        found.append(f"Of its columns these were run here: {listed}. Averages are over these.")
    if context.scale != 1:
        found.append(f"Here every training took {context.scale:g} times the steps named above.")
    if context.learning_rate:
        found.append(
            f"The learning rate for all parameters was {context.learning_rate:g} here, by "
            "--learning-rate."
        )
    return found
