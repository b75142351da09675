"""What a worker does for a study: train one run, or measure one trial. Both can be done again.

A run that was cut goes on from its last state; one that has ended is left as it is.
"""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from headwater.errors import UserError
from headwater.messages import shown
from headwater.runs.recipe import PretrainRecipe, Recipe
from headwater.signals import exit_code
from headwater.studies.study import GridRun, Result, Trial
from headwater.training.log import read_log


@dataclass(frozen=True, slots=True)
class Job:
    """A run to be trained, or a trial whose run is trained, below a study's folder."""

    name: str
    work: GridRun | Trial
    folder: Path

    def perform(self) -> Result | None:
        """Do it; messages and printed text go to `output/NAME.txt`.

        Raises:
            SystemExit: the training was stopped by a signal; its state is saved.
        """
        output = self.folder / "output" / f"{self.name}.txt"
        output.parent.mkdir(parents=True, exist_ok=True)
        with (
            output.open("a", encoding="utf-8") as file,
            redirect_stderr(file),
            redirect_stdout(file),
            shown(),
        ):
            if isinstance(self.work, Trial):
                return measure(self.work, self.folder / "runs" / self.work.run.name)
            train(self.work, self.folder / "runs" / self.work.name)
            return None


def train(run: GridRun, folder: Path) -> None:
    """Train a run in its folder, or resume it."""
    from headwater.runs.run import finetune, pretrain

    recipe = run.checked()
    if isinstance(recipe, PretrainRecipe):
        outcome = pretrain(recipe, folder, resume=True)
    else:
        outcome = finetune(recipe, folder, resume=True)
    if outcome.signalled:
        raise SystemExit(exit_code(outcome.reason))
    if outcome.reason == "time_limit":
        raise UserError(f"{folder}: stopped by its time limit; the same command goes on")


def measure(trial: Trial, folder: Path) -> Result:
    """Score the model of a trained run on the trial's test."""
    from headwater.evaluation.one_task import evaluate_files
    from headwater.tasks.names import task

    recipe = trial.run.checked()
    assert isinstance(recipe, Recipe)  # a body has no task to be measured on
    files = [Path(file) for file in trial.measure.files]
    metrics = evaluate_files(str(folder), trial.measure.task, files, device=recipe.training.device)
    name = trial.measure.metric or task(trial.measure.task).main_metric
    log = read_log(folder / "log.jsonl")
    trained, parameters = _count_parameters(recipe, folder)
    return Result(
        setting=trial.setting,
        column=trial.column,
        seed=trial.seed,
        value=metrics[name],
        seconds=max(line["seconds"] for line in log),
        steps=max(line["step"] for line in log),
        trained=trained,
        parameters=parameters,
    )


def _count_parameters(recipe: Recipe, folder: Path) -> tuple[int, int]:
    """Return how many parameters the run may have changed, and how many there are."""
    from headwater.runs.run import begin
    from headwater.training.memory import count_parameters
    from headwater.training.state_folder import read_outcome

    outcome = read_outcome(folder / "state") or {}
    trained, parameters = outcome.get("trained_parameters"), outcome.get("parameters")
    if trained is None or parameters is None:  # a run of version 0.1
        return count_parameters(begin(recipe).setup.model)
    return trained, parameters
