"""`headwater evaluate`, `predict`, `score` and `submit`: what a model is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from headwater.commands.terminal import (
    Device,
    Json,
    LabelNames,
    MaxAnswerLength,
    Model,
    ModelByTask,
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
    from headwater.inference.loaded import Loading


@described("Measure a model on a task, several or a benchmark with the official metrics.")
def evaluate(
    model: ModelByTask,
    task: Annotated[list[str], option("A task, several (cola,rte), glue or superglue.", "TASK")],
    data: Annotated[
        list[Path], option("The task's file or the benchmark's folder; or hub.", "FILE|DIR")
    ],
    output: Annotated[Path | None, option("Where metrics and predictions go.", "DIR")] = None,
    pad_punctuation: PadPunctuation = None,
    label_names: LabelNames = None,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    from headwater.evaluation.choice import only_task, task_names

    names = task_names(task)
    loading: Loading = {
        "device": device,
        "precision": precision,
        "pad_punctuation": pad_punctuation,
    }
    if only := only_task(names):
        from headwater.evaluation.one_task import evaluate_files

        loading["label_names"] = label_names_of(label_names)
        print_table(evaluate_files(model, only, data, output, **loading), json)
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
    json: Json = False,
    device: Device = "auto",
) -> None:
    if benchmark != "glue":
        raise UserError(f"no leaderboard {benchmark!r} is known; expected glue")
    from headwater.evaluation.submission import submit_glue

    print_table(submit_glue(model, data, output, device=device), json)


def table(summary: "Summary") -> str:
    """Return what several tasks gave, for a person.

    task    examples
    cola        1043  matthews 42.67
    mrpc         408  f1 88.31  accuracy 83.82
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
    """Return the scores without counts and those by type."""
    names = (name for name in measured.task.metric_names if name in measured.metrics)
    return "  ".join(f"{name} {measured.metrics[name]:.2f}" for name in names)
