"""`headwater tune`: a recipe with several values of a few keys, each under several seeds.

    --over learning_rate=1e-5,3e-5 --over training.batch={examples=16},{examples=32} --seeds 3
    --folds 5                              cross-validation, of each setting where there are several

Each trial is a run in a folder of its own and is measured on the recipe's held-out data, by the
metric that chooses its best weights. No other data are read. What has ended is not run again; a
trial that was stopped, even by kill -9, goes on from its last state.

    trials/learning_rate=1e-5,seed=0/      a run folder; with folds its name ends in ",fold=0"
    results/learning_rate=1e-5,seed=0.json what it gave
    table.md                               all settings, the best first
"""

import hashlib
import json
import logging
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from headwater.config import Config, at_line, read_toml
from headwater.errors import Diverged, UserError
from headwater.files import check_writable, read_json, replace_file, write_json
from headwater.runs.early_checks import check_machine_and_sizes
from headwater.runs.recipe import PretrainRecipe, Recipe, load_recipe, verb_of
from headwater.runs.run import Run, begin
from headwater.runs.setup import recipe_family
from headwater.training.config import TrainingConfig
from headwater.training.run_folder import check_run_folder

logger = logging.getLogger(__name__)

Settings = Mapping[str, str]
"""By key of the recipe: its value, as on a command line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting, with the score of each trial: of each seed, and of each fold under it.

    values: None where the training diverged, that is where its numbers were no longer finite.
    mean, deviation: of the values, and of one trial from it, of the sample (0 for one trial);
        None where any diverged.
    """

    settings: Settings
    values: tuple[float | None, ...]
    mean: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found.

    metric: how settings are compared, on held-out data.
    rows: of settings with all their trials, the best first.
    reason: why the last run ended; a signal's name where it was stopped.
    """

    metric: str
    rows: tuple[Row, ...]
    reason: str


def tune(
    recipe: Path,
    over: Sequence[str],
    seeds: int,
    folder: Path,
    settings: Sequence[str] = (),
    folds: int | None = None,
) -> Tuned:
    """Run every trial that has not ended, and compare the settings.

    Args:
        over: `KEY=V1,V2,..` texts; a key of `[training]` may stand without its table.
        seeds: how many, from the recipe's on.
        settings: `a.b=VALUE` texts for all trials.
        folds: divide what is trained on into so many parts, and hold out each of them once.
    """
    check_writable(folder)
    _check_folds(recipe, folds)
    grid = [dict(each) for each in product(*map(_choices, over))]
    parts = range(folds) if folds else [None]
    total = len(grid) * seeds * len(parts)
    if total == 1:
        raise UserError("one run is no comparison; give --over KEY=V1,V2, --seeds N or --folds N")
    _check_settings(recipe, grid, settings)
    found: dict[str, list[float | None]] = {}
    metric, lowest = "", False
    for number, (chosen, seed, part) in enumerate(product(grid, range(seeds), parts), start=1):
        held_out = {} if part is None else {"data.folds": str(folds), "data.fold": str(part)}
        trial = begin(_load(recipe, {**chosen, **held_out}, seed, settings))
        metric, lowest = _metric(trial, recipe)
        name = _name(chosen, trial.recipe.training.seed, part)
        logger.info("tune %d/%d: %s", number, total, name)
        value, reason = _value(trial, folder, name)
        if reason != "finished":
            return Tuned(metric, (), reason)
        found.setdefault(json.dumps(chosen), []).append(value)
    rows = _ranked([_row(json.loads(chosen), values) for chosen, values in found.items()], lowest)
    replace_file(folder / "table.md", table(metric, rows))
    return Tuned(metric, tuple(rows), "finished")


def table(metric: str, rows: Sequence[Row]) -> str:
    """Return the settings as a Markdown table."""
    keys = list(rows[0].settings)
    lines = [f"| {' | '.join((*keys, metric, 'deviation', 'trials'))} |", "|---" * (len(keys) + 3)]
    for row in rows:
        numbers = (_number(row.mean), _number(row.deviation), str(len(row.values)))
        lines.append(f"| {' | '.join((*row.settings.values(), *numbers))} |")
    return "\n".join((lines[0], f"{lines[1]}|", *lines[2:], ""))


def _check_folds(recipe: Path, folds: int | None) -> None:
    """Refuse to divide a recipe without the data of one task, which alone are divided."""
    own = {"mixture", "objective", "corpus"} & read_toml(recipe).keys()
    if folds and own:
        raise UserError(
            f"{at_line(recipe, [min(own)])}: --folds divides the data of one task, which a recipe "
            f"with {min(own)!r} has not; leave --folds out"
        )


def _check_settings(path: Path, grid: Sequence[Settings], settings: Sequence[str]) -> None:
    """Refuse before the first trial what is wrong with any setting, and one that stands twice."""
    seen: dict[str, Settings] = {}
    for chosen in grid:
        recipe = _load(path, chosen, 0, settings)
        check_machine_and_sizes(recipe)
        recipe_family(recipe)  # reads what is said of the model
        same = seen.setdefault(identity_of(recipe), chosen)
        if same is not chosen:
            twice = " and ".join(map(_shown, (same, chosen)))
            raise UserError(f"--over: {twice} are one setting; give each key and value once")


def _shown(chosen: Settings) -> str:
    return ",".join(f"{key}={value}" for key, value in chosen.items())


def _load(
    path: Path, chosen: Settings, seed: int, settings: Sequence[str]
) -> Recipe | PretrainRecipe:
    kind: Any = PretrainRecipe if verb_of(path) == "pretrain" else Recipe
    base = load_recipe(kind, path, {}, settings).training.seed
    texts = [f"{key}={value}" for key, value in chosen.items()]
    loaded: Recipe = load_recipe(
        kind, path, {}, [*settings, *texts, f"training.seed={base + seed}"]
    )
    return loaded


def _metric(run: Run[Any], recipe: Path) -> tuple[str, bool]:
    """Return what a run is compared by, and whether the lowest is best."""
    training = run.recipe.training
    if not run.metric_names:
        raise UserError(
            f"{recipe}: has no held-out data to compare settings on; give data.validation, "
            "data.validation_share or corpus.validation"
        )
    return training.metric_for_best_model or run.metric_names[0], training.best_is == "lowest"


def _value(run: Run[Any], folder: Path, name: str) -> tuple[float | None, str]:
    """Return the score of a trial, of its result or its run, and why it ended.

    The score is None where the run was stopped or its training diverged.
    """
    file, own = folder / "results" / f"{name}.json", folder / "trials" / name
    identity = identity_of(run.recipe)
    if file.exists():
        saved = read_json(file)
        if saved.get("recipe") != identity:
            raise UserError(f"{file}: is of another recipe; name another folder with --output")
        return saved["value"], "finished"
    resume = (own / "state").is_dir()
    check_run_folder(own, resume=resume)
    try:
        outcome = run.train(own, resume=resume)
    except Diverged as error:
        logger.warning("%s: %s", name, error)
        file.parent.mkdir(exist_ok=True)
        write_json(file, {"value": None, "recipe": identity, "reason": str(error)})
        return None, "finished"
    if outcome.signalled or outcome.reason == "time_limit":
        return None, outcome.reason
    assert outcome.best_value is not None, "it has held-out data"
    file.parent.mkdir(exist_ok=True)
    write_json(file, {"value": outcome.best_value, "recipe": identity, **asdict(outcome)})
    return outcome.best_value, "finished"


def identity_of(recipe: Config) -> str:
    """Return a digest of what a recipe chooses; a key that a later version adds leaves it so."""
    chosen = recipe.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def _row(chosen: Settings, values: Sequence[float | None]) -> Row:
    known = [each for each in values if each is not None]
    if len(known) < len(values):
        return Row(chosen, tuple(values), None, None)
    deviation = statistics.stdev(known) if len(known) > 1 else 0.0
    return Row(chosen, tuple(known), statistics.mean(known), deviation)


def _ranked(rows: list[Row], lowest: bool) -> list[Row]:
    """Return the rows with the best first, and those that diverged last."""
    worst = math.inf if lowest else -math.inf
    return sorted(rows, key=lambda x: worst if x.mean is None else x.mean, reverse=not lowest)


def _number(value: float | None) -> str:
    return "diverged" if value is None else f"{value:.2f}"


def _choices(text: str) -> list[tuple[str, str]]:
    """Split `KEY=V1,V2` at the commas outside of brackets: `[(key, value), ..]`."""
    key, equals, values = text.partition("=")
    key = f"training.{key}" if key in TrainingConfig.model_fields else key
    found = [each.strip() for each in _split(values)]
    if not equals or not key or not all(found):
        raise UserError(f"--over {text}: expected KEY=VALUE,VALUE, such as learning_rate=1e-5,3e-5")
    if key == "training.seed":
        raise UserError("--over seed: the seeds are counted by --seeds")
    if len(set(found)) < len(found):
        raise UserError(f"--over {text}: a value is given twice")
    return [(key, each) for each in found]


def _split(values: str) -> Iterator[str]:
    depth, begin = 0, 0
    for index, letter in enumerate(values):
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            yield values[begin:index]
            begin = index + 1
    yield values[begin:]


def _name(chosen: Settings, seed: int, fold: int | None) -> str:
    """Return the name of a trial, as a file may have it."""
    parts = [f"{key.rpartition('.')[2]}={value}" for key, value in chosen.items()]
    parts += [f"seed={seed}", *([] if fold is None else [f"fold={fold}"])]
    return re.sub(r"[^\w.=,+-]", "_", ",".join(parts))
