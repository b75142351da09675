"""`headwater doctor`: what is wrong, or will go wrong, with a number and what to change."""

from typing import TYPE_CHECKING, Annotated

from headwater.commands.terminal import Json, argument, described, echo, print_json

if TYPE_CHECKING:
    from headwater.doctor.finding import Finding

_MARKS = {"fine": "ok", "note": "..", "warning": "!!"}


@described("Look at this machine, a recipe before it runs, a run after it, or a model.")
def doctor(
    subject: Annotated[
        str | None,
        argument("A recipe, a run or a model [this machine].", "RECIPE|RUN|MODEL"),
    ] = None,
    json: Json = False,
) -> None:
    from headwater.doctor.check import check

    found = list(check(subject))
    if json:
        print_json([each.to_dict() for each in found])
        return
    for each in found:
        echo(line(each))
    warnings = sum(each.level == "warning" for each in found)
    echo(f"{len(found)} looked at, {warnings or 'no'} warning{'' if warnings == 1 else 's'}")


def line(found: "Finding") -> str:
    """Return a finding as a person reads it, with what to change.

    !! padding: 41.2% of what the model will read is padding. -> training.batch.tokens
    """
    change = f" -> {found.key}" if found.key else ""
    return f"{_MARKS[found.level]} {found.name}: {found.said}{change}"
