"""What a worker does for a study: train one run, or measure one cell. Both can be done again.

A run that was cut goes on from its last state; one that has ended is left as it is.
"""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from headwater.errors import UserError
from headwater.runs.recipe import PretrainRecipe, Recipe
from headwater.studies.study import Cell, Result, Run
from headwater.training.log import read_log


@dataclass(frozen=True, slots=True)
class Job:
    """A run to be trained, or a cell whose run is trained, below a study's folder."""

    name: str
    work: Run | Cell
    folder: Path

    def perform(self) -> Result | None:
        """Do it; what is said on the way goes to `said/NAME.txt`.

        Raises:
            UserError: the recipe or its files are wrong.
            SystemExit: the training was told to stop; its state is saved.
        """
        said = self.folder / "said" / f"{self.name}.txt"
        said.parent.mkdir(parents=True, exist_ok=True)
        with (
            said.open("a", encoding="utf-8") as file,
            redirect_stderr(file),
            redirect_stdout(file),
        ):
            if isinstance(self.work, Cell):
                return measure(self.work, self.folder / "runs" / self.work.run.name)
            train(self.work, self.folder / "runs" / self.work.name)
            return None


def train(run: Run, folder: Path) -> None:
    """Train a run in its folder, or go on with it."""
    from headwater.runs.finetune import finetune
    from headwater.runs.pretrain import pretrain

    recipe = run.checked()
    if isinstance(recipe, PretrainRecipe):
        outcome = pretrain(recipe, folder, resume=True)
    else:
        outcome = finetune(recipe, folder, resume=True)
    if outcome.exit_code:
        raise SystemExit(outcome.exit_code)
    if outcome.reason == "time_limit":
        raise UserError(f"{folder}: stopped by its time limit; the same command goes on")


def measure(cell: Cell, folder: Path) -> Result:
    """Score the model of a trained run on the cell's test."""
    from headwater.evaluation.command import evaluate_files
    from headwater.tasks.names import task

    recipe = cell.run.checked()
    assert isinstance(recipe, Recipe)  # a body has no task to be measured on
    files = [Path(file) for file in cell.measure.files]
    metrics = evaluate_files(str(folder), cell.measure.task, files, device=recipe.training.device)
    name = cell.measure.metric or task(cell.measure.task).main_metric
    log = read_log(folder / "log.jsonl")
    trained, parameters = _parameters(recipe)
    return Result(
        setting=cell.setting,
        column=cell.column,
        seed=cell.seed,
        value=metrics[name],
        seconds=max(line["seconds"] for line in log),
        steps=max(line["step"] for line in log),
        trained=trained,
        parameters=parameters,
    )


def _parameters(recipe: Recipe) -> tuple[int, int]:
    """Count the parameters that a run may change, and all of them."""
    from headwater.runs.finetune import begin

    parameters = list(begin(recipe, print).setup.model.parameters())
    trained = sum(each.numel() for each in parameters if each.requires_grad)
    return trained, sum(each.numel() for each in parameters)
