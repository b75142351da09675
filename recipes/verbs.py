"""What the scripts of the recipes ask of the command line; finished runs and scores are kept."""

import json
import subprocess
import sys
from pathlib import Path

from headwater.files import replace_file


def finetuned(folder: Path, recipe: str, settings: list[str]) -> Path:
    """Fine-tune, or go on with a stopped run, and return its folder."""
    if not (folder / "model").exists():
        given = [part for value in settings for part in ("--set", value)]
        headwater("finetune", recipe, "--output", folder, *given, "--resume")
    return folder


def scored(run: Path, task: str, data: Path) -> dict[str, float]:
    """Score a set once: an existing result is read."""
    kept = run / f"dev-{task}.json"
    if not kept.exists():
        given = ("--model", run, "--task", task, "--data", data, "--json")
        replace_file(kept, headwater("evaluate", *given))
    found: dict[str, float] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def headwater(*arguments: object) -> str:
    """Call the command line and return what it prints."""
    command = [sys.executable, "-m", "headwater", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
