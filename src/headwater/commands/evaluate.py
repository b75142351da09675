"""`headwater evaluate`, `predict`, `score` and `submit`: what a model is worth."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from headwater.commands.terminal import (
    Device,
    Json,
    LabelNames,
    MaxAnswerLength,
    Model,
    ModelByTask,
    ModelsByTask,
    NoAnswerProbabilities,
    NoAnswerThreshold,
    PadPunctuation,
    Precision,
    TaskName,
    argument,
    described,
    echo,
    label_names_of,
    option,
    print_json,
    print_table,
)
from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.evaluation.several_tasks import Measured, Summary
    from headwater.inference.loading import Loading


@described("Measure a model on a task, several or a benchmark; or an index on questions.")
def evaluate(
    data: Annotated[
        list[Path], option("The task's file or the benchmark's folder; or hub.", "FILE|DIR")
    ],
    model: ModelsByTask = None,
    task: Annotated[
        list[str] | None, option("A task, several (cola,rte), glue or superglue.", "TASK")
    ] = None,
    index: Annotated[Path | None, option("Measure asking this index.", "X.index")] = None,
    output: Annotated[Path | None, option("Where metrics and predictions go.", "DIR")] = None,
    pad_punctuation: PadPunctuation = None,
    label_names: LabelNames = None,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    loading: Loading = {
        "device": device,
        "precision": precision,
        "pad_punctuation": pad_punctuation,
    }
    if index is not None:
        print_table(_of_index(index, data, model, task, label_names, output, loading), json)
        return
    for name, given in (("model", model), ("task", task)):
        if not given:
            raise UserError(f"missing option '--{name}'; see `headwater evaluate --help`")
    _of_tasks(model or [], task or [], data, output, label_names, json, loading)


def _of_index(
    index: Path,
    data: list[Path],
    model: list[str] | None,
    task: list[str] | None,
    label_names: str | None,
    output: Path | None,
    loading: "Loading",
) -> dict[str, float]:
    """Measure an index."""
    if task or label_names or (model and len(model) > 1):
        raise UserError("--index is measured by one model, without --task and --label-names")
    from headwater.evaluation.index_evaluator import evaluate_index

    return evaluate_index(index, data, (model or ["reader"])[0], output, **loading)


def _of_tasks(
    model: list[str],
    task: list[str],
    data: list[Path],
    output: Path | None,
    label_names: str | None,
    json: bool,
    loading: "Loading",
) -> None:
    """Measure models on tasks, and print it."""
    from headwater.evaluation.choice import only_task, task_names

    names = task_names(task)
    if only := only_task(names):
        from headwater.evaluation.one_task import measure_files

        loading["label_names"] = label_names_of(label_names)
        found = measure_files(model, only, data, output, **loading)
        shown = found.metrics if json else with_intervals(found.metrics, found.intervals)
        print_table(shown, json)
        return
    if label_names is not None:
        raise UserError("--label-names is for one task; measure it alone")
    from headwater.evaluation.several_tasks import evaluate_tasks

    summary = evaluate_tasks(model, names, data, output, **loading)
    if json:
        print_json(summary.to_dict())
    else:
        echo(table(summary))


@described("Predict every example of a file, in the task's official prediction format.")
def predict(
    model: Model,
    task: TaskName,
    input_file: Annotated[
        Path, option("Examples; answers are not needed.", "FILE", flag="--input")
    ],
    output: Annotated[Path, option("The file to write the predictions to.", "FILE")],
    no_answer_probabilities: NoAnswerProbabilities = None,
    probabilities: Annotated[
        bool,
        option(
            "Write a table (.csv, .tsv, .jsonl): the input's columns and the probabilities.",
            flag="--probabilities",
        ),
    ] = False,
    no_answer_threshold: NoAnswerThreshold = None,
    max_answer_length: MaxAnswerLength = None,
    pad_punctuation: PadPunctuation = None,
    label_names: LabelNames = None,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    from headwater.evaluation.one_task import predict_file

    written = predict_file(
        model,
        task,
        input_file,
        output,
        no_answer_probabilities,
        probabilities=probabilities,
        device=device,
        precision=precision,
        pad_punctuation=pad_punctuation,
        label_names=label_names_of(label_names),
        no_answer_threshold=no_answer_threshold,
        max_answer_length=max_answer_length,
    )
    print_table(written, json)


@described("Score a file of predictions, as the official script does.")
def score(
    task: Annotated[str, argument("A name from `headwater tasks`, or a TASK.toml.", "TASK")],
    data: Annotated[list[Path], option("The task's file; may be given several times.", "FILE")],
    predictions: Annotated[Path, option("Official predictions file.", "FILE")],
    no_answer_probabilities: NoAnswerProbabilities = None,
    json: Json = False,
) -> None:
    from headwater.evaluation.scoring import score_file

    print_table(score_file(task, data, predictions, no_answer_probabilities), json)


@described("Predict the test files of GLUE and write the zip that its leaderboard takes.")
def submit(
    benchmark: Annotated[str, argument("The leaderboard's benchmark.", "glue")],
    model: ModelByTask,
    data: Annotated[Path, option("The benchmark's folder, with its test files.", "DIR")],
    output: Annotated[Path, option("Gets the submission.", "FILE.zip")],
    task: Annotated[
        list[str] | None, option("Only these: a part of a submission. [all]", "TASK")
    ] = None,
    json: Json = False,
    device: Device = "auto",
) -> None:
    if benchmark != "glue":
        raise UserError(f"no leaderboard {benchmark!r} is known; expected glue")
    from headwater.evaluation.submission import submit_glue

    print_table(submit_glue(model, data, output, tasks=task or [], device=device), json)


def with_intervals(
    metrics: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]
) -> dict[str, str]:
    """Return each score as it is printed, with its 95% interval where it has one."""
    shown = {name: f"{value:.6g}" for name, value in metrics.items()}
    return {
        name: f"{text:8}  ({intervals[name][0]:.2f} to {intervals[name][1]:.2f})"
        if name in intervals
        else text
        for name, text in shown.items()
    }


def table(summary: "Summary") -> str:
    """Return what several tasks gave, for a person.

    task    examples
    cola        1043  matthews 42.67 (36.94 to 48.21)
    mrpc         408  f1 88.31 (85.60 to 90.79)  accuracy 83.82 (80.15 to 87.25)
    glue     average  64.37 over 2 of its 9 tasks
    """
    width = max(map(len, ("task", *summary.tasks, *summary.averages)))
    lines = [f"{'task':{width}}  examples"]
    for name, each in summary.tasks.items():
        lines.append(f"{name:{width}}  {each.examples:8}  {_scores(each)}")
    for name, average in summary.averages.items():
        over = f"over {average.tasks} of its {average.of} tasks"
        if average.tasks == average.of:
            over = f"over {average.of} tasks"
        lines.append(f"{name:{width}}  {'average':>8}  {average.mean:.2f} {over}")
    return "\n".join(lines)


def _scores(measured: "Measured") -> str:
    """Return the scores without counts and those by type, each with its 95% interval."""
    names = (name for name in measured.task.metric_names if name in measured.metrics)
    return "  ".join(
        f"{name} {measured.metrics[name]:.2f}{_interval(measured, name)}" for name in names
    )


def _interval(measured: "Measured", name: str) -> str:
    found = measured.intervals.get(name)
    return "" if found is None else f" ({found[0]:.2f} to {found[1]:.2f})"
