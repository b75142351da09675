"""Choosing what is looked at: a recipe, a run, a model or, with nothing given, the machine."""

from collections.abc import Iterator
from pathlib import Path

from headwater.doctor.finding import Finding
from headwater.errors import UserError


def check(subject: str | None) -> Iterator[Finding]:
    """Yield findings on a recipe (`.toml`), a run (a folder with a log), a model or the machine."""
    if subject is None:
        from headwater.doctor.machine import check_machine

        yield from check_machine()
        return
    path = Path(subject)
    if path.suffix == ".toml":
        from headwater.doctor.recipe import check_recipe

        if not path.is_file():
            raise UserError(f"{path}: no such recipe")
        yield from check_recipe(path)
    elif (path / "log.jsonl").is_file():
        from headwater.doctor.run import check_run

        yield from check_run(path)
    else:
        from headwater.doctor.model import check_model

        yield from check_model(subject)
