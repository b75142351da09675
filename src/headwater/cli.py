"""The command line: each verb parses its options, calls one function and prints.

Exit codes: 0 done, 2 the user's mistake or what the machine refuses, such as a full disk (one line
on standard error, no traceback), 1 a fault of ours, 130 and 143 ended by Ctrl-C and SIGTERM (a
training after saving), 141 the reader of our output has gone.
No verb's `--help` imports torch.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from headwater import messages, progress
from headwater.commands.bar import terminal_bar
from headwater.commands.corpus import corpus
from headwater.commands.inspect import inspect
from headwater.commands.merge import merge
from headwater.commands.study import study
from headwater.commands.tasks import tasks
from headwater.commands.vectors import vectors
from headwater.commands.vocabulary import vocabulary
from headwater.errors import UserError
from headwater.terminal import AsJson, print_json, say, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.training.trainer import Outcome


@contextmanager
def _to_the_reader() -> Iterator[None]:
    """Flush what was printed; end quietly when its reader has gone, as `| head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None


class _Verbs(TyperGroup):
    """typer itself would exit with 1 on a closed pipe, or leave it to the interpreter's end."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _to_the_reader():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _to_the_reader():
            return super().invoke(ctx)


app = typer.Typer(
    name="headwater",
    cls=_Verbs,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# What a user can mend: no room, no right, a name that cannot be.
_MACHINE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR),
)
_PATHS = ("--output", "--data", "--input", "--predictions", "--context", "--vocabulary")
Model = Annotated[str, typer.Option(metavar="MODEL", help="A folder, a hub id, or a bundled name.")]
TaskName = Annotated[
    str, typer.Option(metavar="TASK", help="A name from `headwater tasks`, or a TASK.toml.")
]
DataFiles = Annotated[
    list[Path], typer.Option(metavar="FILE", help="The task's file; may be given several times.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Output = Annotated[Path | None, typer.Option(metavar="DIR", help="The run folder [runs/RECIPE].")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in DIR.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=VALUE", help="Change one key of the recipe; repeatable."),
]


def _version(wanted: bool) -> None:
    if wanted:
        from headwater import __version__

        print(f"headwater {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Take a language model from raw text to answers: adapt it, measure it, ask it."""


@app.command()
def ask(
    question: Annotated[
        str, typer.Argument(help="The question; for a GPT, the text to go on with.")
    ],
    context: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-|FOLDER", help="The text to answer from; - reads standard input."
        ),
    ] = None,
    model: Model = "reader",
    top_k: Annotated[int, typer.Option(min=1, max=10**6, help="How many answers to show.")] = 1,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Answer a question, from a text or from what the model knows."""
    from headwater.asking import read_documents, show
    from headwater.inference.loaded import load

    documents = read_documents(context) if context is not None else None
    loaded = load(model, device)
    if loaded.writes and loaded.objective:
        say(
            f"{model}: pre-trained by {loaded.objective} and adapted to no task, so that its "
            "answers mean little; adapt it with `headwater finetune`"
        )
    if unread := loaded.unread(question):
        say(f"the question is too long: its last {unread} tokens are not read; ask a shorter one")
    answers = loaded.answer(question, documents, top_k)
    if as_json:
        print_json([answer.to_dict() for answer in answers])
    else:
        show(answers)


@app.command()
def finetune(
    recipe: Annotated[Path | None, typer.Argument(metavar="[RECIPE.toml]")] = None,
    model: Annotated[str | None, typer.Option(metavar="MODEL", help="What to start from.")] = None,
    task: Annotated[str | None, typer.Option(metavar="TASK", help="What to learn.")] = None,
    data: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Training file; repeatable.")
    ] = None,
    output: Output = None,
    settings: Settings = None,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Adapt a pre-trained model (or train one from random weights) to a task."""
    from headwater.runs.finetune import finetune as run
    from headwater.runs.recipe import Recipe, continued, from_command_line, load_recipe, run_folder

    folder = run_folder(output, recipe)
    options = from_command_line(model, task, data)
    source = continued(recipe, folder, resume, bool(options))
    loaded = load_recipe(Recipe, source, options, settings or [])
    _end(folder, run(loaded, folder, resume=resume), as_json)


@app.command()
def pretrain(
    recipe: Annotated[Path | None, typer.Argument(metavar="[RECIPE.toml]")] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="O", help="What to predict: bilm, cbow, lm, mlm, prefix_lm or span_corruption."
        ),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(metavar="STORE", help="A token store of `corpus build`.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="What to start from, to train it further.")
    ] = None,
    output: Output = None,
    settings: Settings = None,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Train a model on raw text by a self-supervised objective."""
    from headwater.runs.pretrain import pretrain as run
    from headwater.runs.recipe import PretrainRecipe, continued, load_recipe, run_folder

    folder = run_folder(output, recipe)
    given = {"objective": objective, "model": model, "corpus": corpus and {"train": corpus}}
    options = {name: value for name, value in given.items() if value}
    source = continued(recipe, folder, resume, bool(options))
    loaded = load_recipe(PretrainRecipe, source, options, settings or [])
    _end(folder, run(loaded, folder, resume=resume), as_json)


def _end(folder: Path, outcome: "Outcome", as_json: bool) -> None:
    """Say how a run ended, and exit as it did."""
    if as_json:
        print_json(_summary(folder, outcome))
    elif outcome.exit_code == 0:
        print(folder)
    if outcome.reason in ("sigterm", "sigint", "time_limit"):
        done = f"step {outcome.step} of {outcome.total}"
        say(f"stopped at {done} ({outcome.reason}); continue: the same command with --resume")
    raise typer.Exit(outcome.exit_code)


@app.command()
def evaluate(
    model: Annotated[
        list[str],
        typer.Option(
            metavar="MODEL", help="A model, a folder with a run for each task, or TASK=MODEL."
        ),
    ],
    task: Annotated[
        list[str],
        typer.Option(metavar="TASK", help="A task, several (cola,rte), glue or superglue."),
    ],
    data: Annotated[
        list[Path],
        typer.Option(metavar="FILE|DIR", help="The task's file or the benchmark's folder; or hub."),
    ],
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where metrics and predictions go.")
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Measure a model on a task, several or a benchmark with the official metrics."""
    from headwater.evaluation.choice import only_task, task_names

    names = task_names(task)
    if only := only_task(names):
        from headwater.evaluation.command import evaluate_files

        _show_metrics(evaluate_files(model, only, data, output, device=device), as_json)
        return
    from headwater.evaluation.many import evaluate_many

    summary = evaluate_many(model, names, data, output, device=device)
    if as_json:
        print_json(summary.to_dict())
    else:
        print(summary.table())


@app.command()
def predict(
    model: Model,
    task: TaskName,
    input_file: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="Examples; answers are not needed.")
    ],
    output: Annotated[Path, typer.Option(metavar="FILE", help="Gets the predictions.")],
    no_answer_probabilities: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Gets the no-answer probabilities as JSON.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Predict every example of a file, in the task's official prediction format."""
    from headwater.evaluation.command import predict_file

    predict_file(model, task, input_file, output, no_answer_probabilities, device=device)


@app.command()
def score(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="A name from `headwater tasks`, or a TASK.toml.")
    ],
    data: DataFiles,
    predictions: Annotated[Path, typer.Option(metavar="FILE", help="Official predictions file.")],
    no_answer_probabilities: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Official no-answer probabilities file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a file of predictions, as the official script does."""
    from headwater.evaluation.scoring import score_file

    _show_metrics(score_file(task, data, predictions, no_answer_probabilities), as_json)


@app.command()
def submit(
    benchmark: Annotated[str, typer.Argument(metavar="glue", help="The leaderboard's benchmark.")],
    model: Annotated[
        list[str],
        typer.Option(
            metavar="MODEL", help="A model, a folder with a run for each task, or TASK=MODEL."
        ),
    ],
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="The benchmark's folder, with its test files.")
    ],
    output: Annotated[Path, typer.Option(metavar="FILE.zip", help="Gets the submission.")],
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Predict the test files of GLUE and write the zip that its leaderboard takes."""
    if benchmark != "glue":
        raise UserError(f"no leaderboard {benchmark!r} is known; expected glue")
    from headwater.evaluation.submission import submit_glue

    show_table(submit_glue(model, data, output, device=device), as_json)


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the bundled models and the sizes to train from random weights."""
    from headwater.catalog import model_table

    show_table(model_table(), as_json)


app.command()(merge)
app.command()(study)
app.add_typer(corpus, name="corpus", help="Prepare raw text for pre-training.")
app.add_typer(inspect, name="inspect", help="Look at what a model reads, is asked and says.")
app.add_typer(tasks, name="tasks", help="List the tasks, or look into one.")
app.add_typer(vectors, name="vectors", help="Look into the word vectors of a model.")
app.add_typer(vocabulary, name="vocabulary", help="Learn a vocabulary, or look into one.")


def _summary(folder: Path, outcome: "Outcome") -> dict[str, Any]:
    keys = ("reason", "step", "best_step", "best_value", "exit_code")
    return {"output": str(folder)} | {key: getattr(outcome, key) for key in keys}


def _show_metrics(metrics: "Mapping[str, float]", as_json: bool) -> None:
    if as_json:
        print_json(dict(metrics))
        return
    width = max(map(len, metrics))
    for name, value in metrics.items():
        print(
            f"{name:{width}}  {value:.6g}"
            if isinstance(value, float)
            else f"{name:{width}}  {value}"
        )


def _of_the_command_line(error: TyperException) -> int:
    """Say what is wrong with the options in one line; for a verb alone, print its help."""
    message = error.format_message()
    if "\n" in message:  # the help
        print(message, file=sys.stderr)
        return error.exit_code
    context = getattr(error, "ctx", None)
    verb = context.command_path if context else "headwater"
    say(f"{message[:1].lower()}{message[1:].rstrip('.')}; see `{verb} --help`")
    return error.exit_code


def _check_paths(arguments: list[str]) -> None:
    """Refuse an empty path, which would stand for the current folder: an unset "$OUT" perhaps."""
    for option, value in pairwise([*arguments, "the end"]):
        if option.removesuffix("=") in _PATHS and (option.endswith("=") or not value):
            raise UserError(f"{option.removesuffix('=')} is empty; give a file or a folder")


def _nowhere() -> TextIO:
    """Take what is said where the caller has closed a stream."""
    return open(os.devnull, "w", encoding="utf-8")


def main() -> None:
    """Run the command line and turn what went wrong into a line and an exit code."""
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what the terminal cannot show is escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        with messages.shown(), progress.installed(terminal_bar):
            _check_paths(sys.argv[1:])
            sys.exit(app(standalone_mode=False) or 0)
    except TyperException as error:
        sys.exit(_of_the_command_line(error))
    except typer.Abort:  # Ctrl-C where there is nothing to save
        sys.exit(130)
    except UserError as error:
        say(" ".join(str(error).split()))
        sys.exit(2)
    except OSError as error:
        if error.errno not in _MACHINE:
            say(str(error))
            sys.exit(1)
        say(": ".join(str(part) for part in (error.filename, error.strerror) if part))
        sys.exit(2)
