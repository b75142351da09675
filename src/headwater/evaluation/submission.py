"""The file that GLUE's leaderboard takes: a zip of eleven tables, written only when all are right.

    headwater submit glue --model runs --data glue --output glue.zip
    headwater submit glue --model rte=runs/rte --task rte --data glue --output rte.zip    a part

    CoLA.tsv  MNLI-m.tsv  MNLI-mm.tsv  MRPC.tsv  QNLI.tsv  QQP.tsv  RTE.tsv  SST-2.tsv  STS-B.tsv
    WNLI.tsv  AX.tsv          each `index<TAB>prediction` and a line for every row of its test file

The names, the spelling of the labels and the numbers of rows are the leaderboard's. It refuses the
whole file for one missing row or one word that is no label; it is checked here first.
"""

import io
import logging
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from headwater.checkpoints.hub import resolve
from headwater.data.example import Examples, PairExample
from headwater.data.official_files import official_files
from headwater.data.predictions import GlueTable
from headwater.errors import UserError, counted, did_you_mean, listed
from headwater.evaluation.choice import models_for, task_names
from headwater.evaluation.evaluator import predict, progress_of
from headwater.evaluation.one_task import predictor_for
from headwater.files import check_writable, replace_file
from headwater.inference.answer import Predictor
from headwater.inference.loaded import load
from headwater.metrics.classification import numbers, unknown
from headwater.tasks.glue import AX, GLUE
from headwater.tasks.pairs import PairTask

logger = logging.getLogger(__name__)

ROWS: Mapping[str, int] = MappingProxyType(
    {
        "cola": 1063,
        "sst2": 1821,
        "mrpc": 1725,
        "stsb": 1379,
        "qqp": 390965,
        "mnli": 9796,
        "mnli_mismatched": 9847,
        "qnli": 5463,
        "rte": 3000,
        "wnli": 146,
        "ax": 1104,
    }
)
"""The rows of each test set, by task."""

HIGHEST = 5.0  # of STS-B's scores

_AX_FILES = ("diagnostic/diagnostic.tsv", "AX/diagnostic-full.tsv", "AX.tsv")


def submit_glue(
    models: Sequence[str],
    data: Path,
    output: Path,
    *,
    tasks: Sequence[str] = (),
    device: str = "auto",
) -> dict[str, int]:
    """Predict GLUE's test files and write the zip; return the rows by file name.

    A prediction that is no label (a text-to-text model may write anything) is replaced by the
    first label, a text that is no number by 0; their count is logged.

    Args:
        models: as `choice.models_for` takes them; `mnli`'s serves MNLI-mm and AX too.
        data: GLUE's folder, with the official test files.
        tasks: only these, as lists split at commas; empty: all.
    """
    asked = _asked(tasks)
    if output.is_dir():
        raise UserError(f"{output}: a file was expected, this is a folder")
    if output.suffix != ".zip":
        raise UserError(f"{output}: the leaderboard takes a .zip; name one")
    check_writable(output.parent)
    chosen = models_for(models, asked)
    for task in asked:
        if task.name not in chosen:
            raise UserError(f"no model for {task.name}; add --model {task.name}=MODEL")
        resolve(chosen[task.name])
    tests = {task.name: _read_test(task, data) for task in asked}
    predictions = _predict(chosen, tests, device)
    write_submission(output, predictions, asked)
    if absent := [task.prediction_file.name for task in GLUE if task not in asked]:
        logger.info(f"a part of a submission, without {listed(absent)}")
    return {task.prediction_file.name: ROWS[task.name] for task in asked}


def _asked(names: Sequence[str]) -> list[PairTask]:
    """Return the tasks of those names, in the order of GLUE."""
    given = [name for name in task_names(names) if name != "glue"] if names else []
    known = [task.name for task in GLUE]
    for name in given:
        if name not in known:
            raise UserError(f"--task {name}: no task of GLUE; {did_you_mean(name, known)}")
    return [task for task in GLUE if not given or task.name in given]


def write_submission(
    output: Path, predictions: Mapping[str, Sequence[str]], tasks: Sequence[PairTask] = GLUE
) -> None:
    """Write the zip from the predictions of the tasks, each in the order of its test file."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in tables(predictions, tasks).items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    replace_file(output, memory.getvalue())


def tables(
    predictions: Mapping[str, Sequence[str]], tasks: Sequence[PairTask] = GLUE
) -> dict[str, str]:
    """Return the tables of the tasks by file name."""
    unknown_tasks = sorted(predictions.keys() - ROWS.keys())
    if unknown_tasks:
        raise UserError(f"{unknown_tasks[0]} is no task of GLUE; expected {', '.join(ROWS)}")
    for task in tasks:
        _check(task, predictions)
    return {
        file.name: file.content(enumerate(predictions[task.name]))
        for task in tasks
        if isinstance(file := task.prediction_file, GlueTable)
    }


def _check(task: PairTask, predictions: Mapping[str, Sequence[str]]) -> None:
    name, file = task.name, task.prediction_file.name
    if name not in predictions:
        raise UserError(f"{file}: no predictions of task {name}; the leaderboard wants all")
    given = predictions[name]
    if len(given) != ROWS[name]:
        raise UserError(
            f"{file}: {counted(len(given), 'prediction')}; the test set has {ROWS[name]} rows"
        )
    for index, text in enumerate(given):
        if not _is_accepted(task, text):
            expected = listed(task.labels) or f"a number from 0 to {HIGHEST:g}"
            raise UserError(f"{file}, index {index}: {text!r:.40} is not {expected}")


def _is_accepted(task: PairTask, text: str) -> bool:
    if task.labels:
        return text in task.labels
    try:
        return 0 <= float(text) <= HIGHEST
    except ValueError:
        return False


def _read_test(task: PairTask, data: Path) -> Examples[PairExample]:
    """Read a task's test file and see to it that it is the leaderboard's, as far as rows tell."""
    files = list(task.files.find(data, "test")) if task.files else []
    if task is AX and not files:
        files = [data / name for name in _AX_FILES if (data / name).is_file()][:1]
    files = files or official_files(task.name, task.files, data, "test")
    examples = task.read(files, answered=False)
    if len(examples) != ROWS[task.name]:
        raise UserError(
            f"{files[0]}: {counted(len(examples), 'row')}; the leaderboard's test set of "
            f"{task.name} has {ROWS[task.name]}"
        )
    return examples


def _predict(
    chosen: Mapping[str, str], tests: Mapping[str, Examples[PairExample]], device: str
) -> dict[str, list[str]]:
    """Predict every task, after a look at every model: hours may go by before the last one."""
    for model in dict.fromkeys(chosen.values()):
        _predictors(model, chosen, device)
    found: dict[str, list[str]] = {}
    for model in dict.fromkeys(chosen.values()):
        for task, predictor in _predictors(model, chosen, device):
            examples = tests[task.name]
            with progress_of(task) as progress:
                texts = predict(predictor, examples, progress).texts
            found[task.name] = repaired(task, [texts[each.id] for each in examples])
    return found


def _predictors(
    model: str, chosen: Mapping[str, str], device: str
) -> list[tuple[PairTask, Predictor[PairExample]]]:
    loaded = load(model, device)
    group = (task for task in GLUE if chosen.get(task.name) == model)
    return [(task, predictor_for(loaded, task)) for task in group]


def repaired(task: PairTask, predictions: Sequence[str]) -> list[str]:
    """Make every prediction one that the leaderboard takes, and say how many were none.

    Scores are cut to the range of STS-B's and have three decimals.
    """
    what, first = ("label", task.labels[0]) if task.labels else ("number", "0")
    if count := unknown(predictions, task.labels):
        share = f"{count} of {len(predictions)}"
        logger.info(f"{task.name}: predictions that are no {what}, now {first!r}: {share}")
    if not task.labels:
        return [f"{min(max(number, 0.0), HIGHEST):.3f}" for number in numbers(predictions)]
    return [text if text in task.labels else first for text in predictions]
