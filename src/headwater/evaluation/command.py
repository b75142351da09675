"""`headwater evaluate` and `headwater predict`: from names and files to scores and files."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from headwater.errors import UserError
from headwater.evaluation.evaluator import Evaluation, Progress, evaluate, predict
from headwater.files import check_writable, write_json
from headwater.inference.loaded import load
from headwater.tasks.table import task as find_task


def evaluate_files(
    model: str,
    task: str,
    data: Sequence[Path],
    output: Path | None = None,
    *,
    device: str = "auto",
) -> dict[str, float]:
    """Measure a model on a task's files; with `output`, write metrics and predictions there.

    Raises:
        UserError: the task, the files, the model or the folder are not usable.
    """
    wanted = find_task(task)
    if output is not None:
        check_writable(output)
    examples = wanted.read(data)
    predictor = load(model, device).predictor(null_answers=wanted.null_answers)
    with _progress("evaluate") as progress:
        result: Evaluation = evaluate(predictor, wanted, examples, progress)
    if output is not None:
        result.save(output)
    return result.metrics


def predict_file(
    model: str,
    task: str,
    input_file: Path,
    output: Path,
    no_answer_probabilities: Path | None = None,
    *,
    device: str = "auto",
) -> None:
    """Answer a file's questions into an official predictions file.

    Raises:
        UserError: as `evaluate_files`, or probabilities are asked for where there are none.
    """
    wanted = find_task(task)
    for path in (output, no_answer_probabilities):
        if path is not None and path.is_dir():
            raise UserError(f"{path}: a file was expected, this is a folder")
        if path is not None:
            check_writable(path.parent)
    paths = [path.resolve() for path in (input_file, output, no_answer_probabilities) if path]
    if len(set(paths)) < len(paths):
        raise UserError(f"{output}: input and outputs must be different files")
    if str(output) == "-":
        raise UserError("--output -: name a file; predictions are not written to standard output")
    null_answers = wanted.null_answers
    if no_answer_probabilities is not None and not null_answers:
        raise UserError(f"task {task} has no no-answer probabilities; use task squad_v2")
    examples = wanted.read([input_file], answered=False)
    loaded = load(model, device)
    if no_answer_probabilities is not None and loaded.writes:
        raise UserError(f"{model} writes its answers and gives no no-answer probabilities")
    predictor = loaded.predictor(null_answers=null_answers)
    with _progress("predict") as progress:
        found = predict(predictor, examples, progress)
    if no_answer_probabilities is not None:
        write_json(no_answer_probabilities, found.no_answer_probabilities)
    write_json(output, found.texts)


@contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """Show a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        line = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(line, completed=done, total=total)
