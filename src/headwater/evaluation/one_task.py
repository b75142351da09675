"""Measuring a model on one task, from names and files to scores and files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from headwater.data.example import Examples
from headwater.data.task import Task
from headwater.distributed.joining import joined
from headwater.errors import UserError
from headwater.evaluation.choice import models_for
from headwater.evaluation.circumstances import FILE, Circumstances
from headwater.evaluation.evaluator import Evaluation, evaluate, predict, progress_of
from headwater.evaluation.prediction_table import check_ending, dump, labels_of, records
from headwater.evaluation.scoring import log_report, log_unknown, read_files
from headwater.files import check_writable, replace_file, write_json
from headwater.inference.answer import Predictor
from headwater.inference.loaded import LoadedModel, load
from headwater.inference.loading import Loading
from headwater.paths import real
from headwater.tasks.names import SERVED_BY
from headwater.tasks.names import task as find_task


def evaluate_files(
    model: str | Sequence[str],
    task: str,
    data: Sequence[Path],
    output: Path | None = None,
    **loading: Unpack[Loading],
) -> dict[str, float]:
    """Return the scores of `measure_files`."""
    return measure_files(model, task, data, output, **loading).metrics


def measure_files(
    model: str | Sequence[str],
    task: str,
    data: Sequence[Path],
    output: Path | None = None,
    **loading: Unpack[Loading],
) -> Evaluation:
    """Measure a model on a task's files; with `output`, write metrics and predictions there.

    Args:
        model: a model, or what stands for one with several tasks (`choice.models_for`).
        data: files, a folder with the official validation file, or `hub`.
        loading: see `loaded.load`; with `pad_punctuation` scores are of padded texts, as T5's own.
    """
    measured = find_task(task)
    if output is not None:
        check_writable(output)
    examples = read_files(measured, data)
    with joined(loading.get("device", "auto")):
        loaded = _load(model, measured, loading)
        predictor = predictor_for(loaded, measured)
        about = circumstances(", ".join(_several(model)), measured, data, examples, loading)
        return measure(predictor, loaded.read_as(measured), examples, output, about)


def circumstances(
    model: str, task: Task[Any], data: Sequence[Path], examples: Examples[Any], loading: Loading
) -> Circumstances:
    """Return what stands beside the scores of a model that was loaded so."""
    device, precision = loading.get("device", "auto"), loading.get("precision", "auto")
    return Circumstances.here(model, task.name, data, len(examples), device, precision)


def measure(
    predictor: Predictor[Any],
    task: Task[Any],
    examples: Examples[Any],
    output: Path | None,
    about: Circumstances,
) -> Evaluation:
    """Evaluate with intervals, show how far it is, log the report and save it all to `output`.

    Of the processes that have joined each predicts a part of the examples; the first saves all.
    """

    def save(folder: Path) -> None:
        result.save(folder)
        write_json(folder / FILE, about.to_dict())

    with joined() as processes, progress_of(task) as progress:
        found: Evaluation = evaluate(predictor, task, examples, progress, processes)
        result = found.with_intervals()
        log_report(task, examples, result.predictions.texts)
        if output is not None:
            processes.first(lambda: save(output))
    return result


def predictor_for(loaded: LoadedModel, task: Task[Any]) -> Predictor[Any]:
    """Return what predicts a task: for one without training files that of the task serving it."""
    server = SERVED_BY.get(task.name)
    return loaded.predictor(find_task(server) if server else task)


def predict_file(
    model: str,
    task: str,
    input_file: Path,
    output: Path,
    no_answer_probabilities: Path | None = None,
    *,
    probabilities: bool = False,
    **loading: Unpack[Loading],
) -> dict[str, object]:
    """Predict a file's examples into a file of the task's official format; say what was written.

    Args:
        probabilities: write a table instead (see `prediction_table`).
    """
    predicted = find_task(task)
    _check_paths(input_file, output, no_answer_probabilities, table=probabilities)
    if no_answer_probabilities is not None and not predicted.null_answers:
        raise UserError(f"task {task} has no no-answer probabilities; use task squad_v2")
    rows = predicted.rows(input_file) if probabilities else iter(())
    examples = read_files(predicted, [input_file], answered=False)
    with joined(loading.get("device", "auto")) as processes:
        loaded = _load(model, predicted, loading)
        if no_answer_probabilities is not None and loaded.generates:
            raise UserError(f"{model} writes its answers and gives no no-answer probabilities")
        predictor = predictor_for(loaded, predicted)
        labels = labels_of(predictor, model) if probabilities else ()
        with progress_of(predicted) as progress:
            found = predict(predictor, examples, progress, keep=probabilities, processes=processes)
        log_unknown(predicted, found.texts, "which are written as they are")
        if no_answer_probabilities is not None:
            nulls = found.no_answer_probabilities
            processes.first(lambda: write_json(no_answer_probabilities, nulls))
        if probabilities:
            numbers = predicted.kind == "regression"
            content = dump(output, records(rows, found.decisions, labels, numbers))
        else:
            content = predicted.prediction_file.dump(examples, found.texts)
        processes.first(lambda: replace_file(output, content))
    return {"output": str(output), "predictions": len(found.texts)}


def _check_paths(
    input_file: Path, output: Path, no_answer_probabilities: Path | None, *, table: bool
) -> None:
    """Refuse outputs that cannot be written, or that would replace each other or the input."""
    for path in (output, no_answer_probabilities):
        if path is not None and path.is_dir():
            raise UserError(f"{path}: a file was expected, this is a folder")
        if path is not None:
            check_writable(path.parent)
    paths = [real(path) for path in (input_file, output, no_answer_probabilities) if path]
    if len(set(paths)) < len(paths):
        raise UserError(f"{output}: input and outputs must be different files")
    if str(output) == "-":
        raise UserError("--output -: name a file; predictions are not written to standard output")
    if table:
        check_ending(output)


def _several(model: str | Sequence[str]) -> list[str]:
    return [model] if isinstance(model, str) else list(model)


def _load(model: str | Sequence[str], task: Task[Any], loading: Loading) -> LoadedModel:
    given = _several(model)
    found = models_for(given, [task])
    if task.name not in found:
        raise UserError(f"{', '.join(given)}: neither a model nor a folder with a run {task.name}/")
    return load(found[task.name], **loading)
