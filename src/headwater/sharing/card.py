"""The model card of a run, written from what the run itself recorded.

    headwater card runs/mine --evaluation measured/dev --overlap overlap.json --licence cc-by-4.0

Its recipe, data with their SHA-256, seed, scores with intervals, calibration, overlap and commands
are facts of files. What no file says, such as a licence, stands there as a gap to be filled.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from headwater.config import read_toml
from headwater.errors import UserError
from headwater.evaluation.recipe_files import tasks_of_recipe
from headwater.files import read_text, sha256
from headwater.paths import as_path, real
from headwater.sharing import measured, recorded
from headwater.sharing.licences import licence_near
from headwater.sharing.markdown import argument, code, plain, row
from headwater.tasks.names import task as find_task
from headwater.training.log import read_log

logger = logging.getLogger(__name__)

UNKNOWN = "not known: fill in"

_TAGS: Mapping[str, str] = {
    "span": "question-answering",
    "sequence": "text-classification",
    "multi_label": "text-classification",
    "regression": "text-classification",
    "token": "token-classification",
    "embedding": "sentence-similarity",
    "text": "text2text-generation",
}
_FOLDERS = re.compile(r'"/(?:[^"/]*/)*([^"/]+)"')  # of this disk, which are nobody's business
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*", re.IGNORECASE)
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
_MOST_SHA = 2**32  # bytes of a file whose SHA-256 is given


@dataclass(frozen=True, slots=True)
class Added:
    """What a card takes besides the run.

    evaluations: folders that `evaluate --output` wrote.
    overlap: files of what `overlap --json` printed, one for each test.
    licence: of the model, as the hub names it.
    """

    evaluations: Sequence[Path] = ()
    overlap: Sequence[Path] = ()
    licence: str | None = None


def card(run: Path, added: Added = Added()) -> str:
    """Return the Markdown of a run's card, with the front matter that the hub reads."""
    config = run / "config.toml"
    if not config.is_file():
        raise UserError(f"{run}: is no run (it has no config.toml); cards are written from runs")
    recipe = read_toml(config)
    _check(recipe, added, config)
    _warn_of_others(run, added.evaluations)
    name = run.resolve().name
    parts = [
        *_front(recipe, added),
        *(f"# {plain(name)}", ""),
        *_about(recipe),
        *_scores(run, added.evaluations),
        *_data(config),
        *_overlap(added.overlap),
        *_training(run, recipe),
        *_limits(run, recipe, added),
        *_commands(recipe, name),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _check(recipe: Mapping[str, Any], added: Added, config: Path) -> None:
    """Refuse what is no recipe of a run, and a licence that is no name of the hub's."""
    tables = ("data", "network", "corpus", "training", "mixture", "spans", "sequence")
    for name in tables:
        if not isinstance(recipe.get(name, {}), dict):
            raise UserError(f"{config}: {name}: a table was expected")
    learns = any(isinstance(recipe.get(name), str) for name in ("task", "objective"))
    begins = recipe.get("model") or recipe.get("network", {}).get("preset")
    if not begins or not (learns or "mixture" in recipe):
        raise UserError(f"{config}: is no run's recipe: it names no task, objective or model")
    if added.licence and not _LICENCE.fullmatch(added.licence):
        raise UserError(
            f"--licence {added.licence!r}: a name such as apache-2.0 or cc-by-4.0 was expected"
        )


def _warn_of_others(run: Path, evaluations: Sequence[Path]) -> None:
    """Warn of scores that are those of another model."""
    own = {real(run), real(run / "model")}
    for folder in evaluations:
        model = recorded.circumstances(folder).get("model")
        if model and real(as_path(model)) not in own:
            logger.warning(f"{folder}: was measured on {model}, and this is the card of {run}")


def _front(recipe: Mapping[str, Any], added: Added) -> Iterator[str]:
    yield "---"
    yield f"license: {added.licence or 'unknown'}"
    yield "library_name: headwater"
    if task := recipe.get("task"):
        yield f"pipeline_tag: {_TAGS[find_task(task).kind]}"
    base = recipe.get("model") or ""
    if _HUB_ID.fullmatch(base) and not Path(base).parent.exists():  # no folder of this disk
        yield f"base_model: {base}"
    yield from ("---", "")


def _about(recipe: Mapping[str, Any]) -> Iterator[str]:
    model = recipe.get("model")
    preset = recipe.get("network", {}).get("preset")
    begin = plain(measured.without_folders(model)) if model else f"random weights of {preset}"
    what = f"the objective `{recipe['objective']}`" if "objective" in recipe else _learned(recipe)
    method = recipe.get("method", "all")
    yield f"Trained by headwater on {what}, from {begin}, by method `{method}`."
    yield ""


def _learned(recipe: Mapping[str, Any]) -> str:
    if "mixture" in recipe:
        names = [each.get("task") or "a mixture" for each in recipe["mixture"]["tasks"]]
        return f"a mixture of {', '.join(map(code, names))}"
    return f"the task {code(recipe['task'])}"


def _scores(run: Path, evaluations: Sequence[Path]) -> Iterator[str]:
    yield from ("## Scores", "")
    log = [line for line in read_log(run / "log.jsonl") if "evaluation" in line]
    if evaluations:
        yield from measured.scores(evaluations)
        yield from ("## Calibration", "")
        yield from measured.calibration(evaluations)
    elif log:
        yield from ("Of the last evaluation of the run, on its validation data:", "")
        yield from ("| metric | score |", "|---|---|")
        yield from (
            row(plain(key), "no number" if value is None else f"{value:.4g}")
            for key, value in log[-1]["evaluation"].items()
        )
        yield ""
    else:
        yield from ("Nothing was measured.", "")


def _data(config: Path) -> Iterator[str]:
    yield from (
        "## Data",
        "",
        "| task | part | file | SHA-256 | licence |",
        "|---|---|---|---|---|",
    )
    for part in ("train", "held_out", "validation"):
        for task, files in tasks_of_recipe(config, part):
            for file in files:
                there = file.is_file()
                small = there and file.stat().st_size < _MOST_SHA
                digest = sha256(file)[:16] if small else "not at hand"
                licence = (licence_near(file) if there else None) or UNKNOWN
                yield row(plain(task), part, plain(file.name), digest, plain(licence))
    recipe = read_toml(config)
    for part in ("train", "validation"):
        stores = recipe.get("corpus", {}).get(part, [])
        for store in [stores] if isinstance(stores, str) else stores:
            yield row(recipe["objective"], part, plain(Path(store).name), "", UNKNOWN)
    yield ""


def _overlap(files: Sequence[Path]) -> Iterator[str]:
    yield from ("## Overlap of test and training text", "")
    if files:
        yield from measured.overlap(files)
    else:
        yield from ("Not measured: `headwater overlap RUN --test FILE --task TASK`.", "")


def _training(run: Path, recipe: Mapping[str, Any]) -> Iterator[str]:
    training, lines = recipe.get("training", {}), read_log(run / "log.jsonl")
    yield from ("## Training", "")
    yield f"Seed {training.get('seed', 0)}."
    if lines:
        seconds = max((line.get("seconds", 0.0) for line in lines), default=0.0)
        took = timedelta(seconds=round(seconds))
        yield f"{lines[-1]['step']} steps in {took} (hours, minutes, seconds)."
    yield from ("The recipe, with the defaults of its day:", "")
    text = _FOLDERS.sub(r'"\1"', read_text(run / "config.toml").strip())
    yield from ("```toml", text, "```", "")


def _limits(run: Path, recipe: Mapping[str, Any], added: Added) -> Iterator[str]:
    yield from ("## Limits", "")
    in_run = any("evaluation" in line for line in read_log(run / "log.jsonl"))
    if added.evaluations or in_run:
        yield "- It was measured on the data above alone; on other text, measure it again."
    if in_run and not added.evaluations:
        yield "- The scores are of data by which its weights were chosen: a test set may give less."
    if not added.overlap:
        yield "- Whether its training text holds the test is not known."
    lengths = recipe.get("spans") or recipe.get("sequence") or {}
    if longest := lengths.get("max_length"):
        yield f"- It learned from inputs of at most {longest} tokens."
    yield f"- Its licence: {added.licence or UNKNOWN}; see those of its data.\n"


def _commands(recipe: Mapping[str, Any], name: str) -> Iterator[str]:
    verb = "pretrain" if "objective" in recipe else "finetune"
    yield from ("## Commands", "", "```sh")
    run = argument(f"runs/{name}")
    yield f"headwater {verb} recipe.toml --output {run}    # the recipe above"
    if task := recipe.get("task"):
        yield f"headwater evaluate --model {run} --task {argument(task)} --data FILE"
    yield "```"
