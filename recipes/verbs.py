"""What the scripts of the recipes ask of the command line; finished runs and scores are kept."""

import argparse
import json
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from headwater.files import replace_file


class Tuned(NamedTuple):
    """The best of some settings by key, and its run under each seed."""

    settings: dict[str, str]
    runs: list[Path]


def chosen(description: str, known: Collection[str]) -> Collection[str]:
    """Return the names that the script was given, or all that it knows; `--help` describes it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; else all")
    names: list[str] = parser.parse_args().names
    if unknown := set(names).difference(known):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    return names or known


def finetuned(folder: Path, recipe: str, settings: list[str]) -> Path:
    """Fine-tune, or go on with a stopped run, and return its folder."""
    return _trained("finetune", folder, recipe, settings)


def pretrained(folder: Path, recipe: str, settings: list[str]) -> Path:
    """Pre-train, or go on with a stopped run, and return its folder."""
    return _trained("pretrain", folder, recipe, settings)


def tuned(folder: Path, recipe: str, over: list[str], seeds: int, settings: list[str]) -> Tuned:
    """Choose among settings on held-out data, or go on with it.

    Args:
        over: as `headwater tune` takes them.
        settings: of all runs.
    """
    given = [*repeated("--over", over), *repeated("--set", settings)]
    where = ("--output", folder, "--seeds", seeds, "--json")
    best = json.loads(headwater("tune", recipe, *where, *given))["rows"][0]["settings"]
    name = ",".join(f"{key.rpartition('.')[2]}={value}" for key, value in best.items())
    return Tuned(best, sorted((folder / "trials").glob(f"{name},seed=*")))


def _trained(verb: str, folder: Path, recipe: str, settings: list[str]) -> Path:
    headwater(verb, recipe, "--output", folder, *repeated("--set", settings), "--resume")
    return folder


def scored(run: Path, task: str, data: Path) -> dict[str, float]:
    """Score a set once: an existing result is read."""
    kept = run / f"dev-{task}.json"
    if not kept.exists():
        given = ("--model", run, "--task", task, "--data", data, "--json")
        replace_file(kept, headwater("evaluate", *given))
    found: dict[str, float] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def repeated(option: str, values: Iterable[str]) -> list[str]:
    """Return an option with each of its values, as the command line takes them."""
    return [part for value in values for part in (option, value)]


def headwater(*arguments: object) -> str:
    """Call the command line and return what it prints; end as it ends, where it says why."""
    command = [sys.executable, "-m", "headwater", *map(str, arguments)]
    ran = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        sys.exit(ran.returncode if ran.returncode > 0 else 128 - ran.returncode)  # as of a shell
    return ran.stdout
