"""One fine-tuning run from a recipe to a model: the pieces, put together.

    recipe -> model and vocabulary -> examples -> features -> Trainer -> run folder

A run folder is a model: what this writes can be given to every `--model`.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from headwater.checkpoints.folder import save_model
from headwater.data.convert import EncoderDecoderConverter, FeatureSet
from headwater.data.example import SpanExample
from headwater.data.preparation import Prepared, Say, prepare
from headwater.data.source import Examples
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.evaluation.evaluator import evaluate, predict
from headwater.files import check_writable, replace_file
from headwater.inference.answer import Predictor
from headwater.inference.loaded import LoadedModel
from headwater.inference.no_answer import calibrate
from headwater.recipe import Recipe, resolved
from headwater.starting import Start, family_of, fit_windows, start
from headwater.tasks.table import task as find_task
from headwater.tasks.windows import build_windows
from headwater.training.device import choose_device, choose_precision
from headwater.training.progress import choose_progress
from headwater.training.trainer import Outcome, Trainer


def finetune(recipe: Recipe, folder: Path, *, resume: bool = False) -> Outcome:
    """Run a recipe in a run folder.

    The folder gets `config.toml` (the resolved recipe), `log.jsonl`, `curves.png`, `state/` for
    resume and `model/`.

    Raises:
        UserError: the recipe, its files or its model are wrong, or the folder holds another run.
    """
    check_writable(folder)
    progress = choose_progress()
    run, data = begin(recipe, progress.say)
    recipe, begun = run.recipe, run.begun
    trainer = Trainer(
        begun.model,
        run.features(data.training),
        recipe.training,
        folder,
        pad_id=begun.pad_id,
        evaluate=run.evaluate if data.validation else None,
        save_model=run.save,
        identity=run.identity(),
        progress=progress,
        on_begin=lambda: replace_file(folder / "config.toml", recipe.to_toml()),
    )
    return trainer.run(resume=resume)


def begin(recipe: Recipe, say: Say) -> tuple["Run", Prepared]:
    """Return a run with its resolved recipe and its model, and the data it trains on.

    Raises:
        UserError: the recipe, its files or its model are wrong.
    """
    task = find_task(recipe.task)
    family = family_of(recipe)
    if family not in ("bert", "t5"):
        raise UserError(
            f"task {task.name}: models of family {family} are not fine-tuned yet; take bert or t5"
        )
    recipe = resolved(recipe, family)
    _check_best_metric(recipe, task)
    torch.manual_seed(recipe.training.seed)
    begun = start(recipe, None if family == "t5" else task.kind)  # T5 writes: it takes no head
    recipe = fit_windows(recipe, begun.config)
    if begun.new_parameters:
        say(f"new, drawn at random: {', '.join(begun.new_parameters)}")
    data = prepare(task, recipe.data, recipe.training.seed, say)
    return Run(recipe, task, begun, data.validation, say), data


def _check_best_metric(recipe: Recipe, task: Task[Any]) -> None:
    name = recipe.training.best_metric
    if name is not None and name not in task.metric_names:
        known = ", ".join(task.metric_names)
        raise UserError(f"training.best_metric = {name!r}: task {task.name} has {known}")


class Run:
    """The steps of one run that need its recipe, its model and its data together."""

    def __init__(
        self,
        recipe: Recipe,
        task: Task[SpanExample],
        begun: Start,
        validation: Examples[SpanExample] | None,
        say: Say,
    ) -> None:
        self.recipe, self.task, self.begun = recipe, task, begun
        self.validation, self.say = validation, say

    def identity(self) -> dict[str, str]:
        """What a resumed run must have in common with its beginning, beside rows and training."""
        values = self.recipe.model_dump(exclude={"training", "data"})
        shape = {f"recipe.{key}": repr(value) for key, value in values.items()}
        return shape | {
            "vocabulary": self.begun.vocabulary.fingerprint,
            "validation": self.validation.fingerprint if self.validation else "none",
        }

    def features(self, examples: Examples[SpanExample]) -> FeatureSet:
        """Convert examples for the family: windows for an encoder, text pairs for T5."""
        vocabulary = self.begun.vocabulary
        if self.begun.family == "bert":
            return build_windows(vocabulary, examples, self.recipe.spans, labelled=True)
        limits = self.recipe.text
        convert = EncoderDecoderConverter(vocabulary, limits.max_inputs, limits.max_targets)
        pairs = convert(self.task.to_text(example) for example in examples)
        if any(convert.cut):
            inputs, targets = convert.cut
            self.say(f"cut to text.max_inputs and max_targets: {inputs} inputs, {targets} targets")
        return pairs

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Score the model on the validation data, in percent, the task's main metric first."""
        assert self.validation is not None
        metrics = evaluate(self._predictor(model), self.task, self.validation).metrics
        names = (self.task.main_metric, *self.task.metric_names)
        return {name: metrics[name] for name in names if name in metrics}

    def save(self, folder: Path) -> None:
        """Write the model with what answering needs to know beside its weights."""
        save_model(folder, self.begun.model, vocabulary=self.begun.vocabulary, extra=self._extra())

    def _extra(self) -> dict[str, Any]:
        extra: dict[str, Any] = {"task": self.task.name}
        if self.begun.family == "t5":
            return extra | {"text": self.recipe.text.model_dump()}
        extra["spans"] = self.recipe.spans.model_dump(exclude_none=True)
        if self.task.null_answers:
            extra["no_answer_threshold"] = self._threshold()
        return extra

    def _threshold(self) -> float:
        """Calibrate "no answer" on validation questions without an answer; 0 where none are."""
        if self.validation is None or not any(each.impossible for each in self.validation):
            return 0.0
        found = predict(self._predictor(self.begun.model), self.validation)
        return calibrate(self.validation, found.margins, found.best_spans)

    def _predictor(self, model: nn.Module) -> Predictor[SpanExample]:
        training = self.recipe.training
        device = choose_device(training.device)
        return self._loaded(model).predictor(
            null_answers=self.task.null_answers,
            precision=choose_precision(training.precision, device),
        )

    def _loaded(self, model: nn.Module) -> LoadedModel:
        shape = {"spans": self.recipe.spans.model_dump(), "text": self.recipe.text.model_dump()}
        return LoadedModel(model, self.begun.vocabulary, self.begun.config, shape)
