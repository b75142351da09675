"""One fine-tuning run from a recipe to a model: the pieces, put together.

    recipe -> examples (of one task, or of a mixture) -> model with its heads -> features
           -> Trainer -> run folder

A run folder is a model: what this writes can be given to every `--model`.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import nn

from headwater.corpus.store import TokenStore
from headwater.data.convert import FeatureSet
from headwater.data.mixture import Mixture
from headwater.data.preparation import Say
from headwater.data.source import Examples
from headwater.device import choose_device, choose_precision
from headwater.errors import UserError
from headwater.evaluation.evaluator import evaluate, predict
from headwater.evaluation.held_out import held_out_loss
from headwater.files import replace_file
from headwater.inference.answer import Predictor
from headwater.inference.loaded import LoadedModel
from headwater.inference.no_answer import calibrate
from headwater.models.feature_model import FeatureModel
from headwater.models.multi_task import MultiTask
from headwater.models.per_task_loss import PerTaskLoss
from headwater.models.text_to_text import TextToText
from headwater.runs.feature_cache import keep_features
from headwater.runs.objective_features import check_objective
from headwater.runs.recipe import Recipe, best_is_lowest, resolved
from headwater.runs.setup import (
    Setup,
    fit_lengths,
    recipe_family,
    start,
    start_features,
    start_several,
)
from headwater.runs.task_features import (
    Part,
    TaskPart,
    TextPart,
    mixed,
    read_parts,
    validation_rows,
)
from headwater.training.memory import training_line
from headwater.training.progress import choose_progress
from headwater.training.run_folder import check_run_folder
from headwater.training.trainer import Outcome, Trainer

AVERAGE = "average"
"""The mean of the main metrics of a mixture's tasks."""


def finetune(recipe: Recipe, folder: Path, *, resume: bool = False) -> Outcome:
    """Run a recipe in a run folder.

    The folder gets `config.toml` (the resolved recipe), `log.jsonl`, `curves.png`, `state/` for
    resume and `model/`; of a mixture with `best_each` also `best/TASK/METRIC/`.

    Raises:
        UserError: the recipe, its files or its model are wrong, or the folder holds another run.
    """
    check_run_folder(folder, resume=resume)
    progress = choose_progress()
    run = begin(recipe, progress.say)
    recipe, setup = run.recipe, run.setup
    progress.say(training_line(setup.model, recipe.method, recipe.training))
    rows = run.features()
    run.keep_features(rows)
    trained = run.trained()
    trainer = Trainer(
        trained,
        rows,
        recipe.training,
        folder,
        pad_id=setup.pad_id,
        evaluate=run.evaluate if run.measured else None,
        save_model=run.save,
        follow=run.followed,
        identity=run.identity(),
        progress=progress,
        elsewhere=setup.elsewhere(trained),
        before_step=setup.method.before_step,
        on_begin=lambda: replace_file(folder / "config.toml", recipe.to_toml()),
    )
    return trainer.run(resume=resume)


def begin(recipe: Recipe, say: Say) -> "Run":
    """Return a run with its resolved recipe, its examples and its model.

    Raises:
        UserError: the recipe, its files or its model are wrong.
    """
    family = recipe_family(recipe)
    features = recipe.method == "features"
    if family.kind not in ("encoder", "text_to_text") and not features:
        raise UserError(
            f"models of family {family.name} are not fine-tuned; take bert or t5, or keep the body "
            'as it is: method = "features"'
        )
    if features and recipe.mixture is not None:
        raise UserError("method 'features' learns one task, not a mixture")
    recipe = resolved(recipe, family)
    parts = read_parts(recipe, family, say)
    torch.manual_seed(recipe.training.seed)
    if features:
        setup = _start_features(recipe, parts[0])
    elif family.kind == "text_to_text":
        setup = start(recipe, None)  # it writes, and takes no head
    elif recipe.mixture is not None:
        setup = start_several(recipe, {part.name: part.head() for part in parts})
    else:
        head = parts[0].head()
        setup = start(recipe, head.head, labels=head.labels)
    for each in parts:
        if isinstance(each, TextPart):
            check_objective(each.config, setup.config)
    recipe = fit_lengths(recipe, setup.config)
    if setup.new_parameters:
        say(f"new, drawn at random: {', '.join(setup.new_parameters)}")
    return Run(recipe, parts, setup, say)


def _start_features(recipe: Recipe, part: Part) -> Setup:
    assert isinstance(part, TaskPart)
    if part.task.kind == "text":
        raise UserError(f"method 'features' learns no task that is written, such as {part.name}")
    texts = part.data.training if part.task.kind in ("sequence", "regression") else ()
    return start_features(recipe, part.head(), pairs=any(each.text_b is not None for each in texts))


class Run:
    """The steps of one run that need its recipe, its model and its examples together."""

    def __init__(self, recipe: Recipe, parts: Sequence[Part], setup: Setup, say: Say) -> None:
        self.recipe, self.parts, self.setup, self.say = recipe, tuple(parts), setup, say
        self.measured = [part for part in parts if _validation(part) is not None]
        _check_best_metric(recipe, self.metric_names)
        if self._chosen_by_loss():
            self.recipe = best_is_lowest(recipe)

    def _chosen_by_loss(self) -> bool:
        losses = {self._names(part)[0] for part in self.measured if isinstance(part, TextPart)}
        return (
            self.recipe.training.metric_for_best_model or next(iter(self.metric_names), "")
        ) in losses

    @property
    def metric_names(self) -> list[str]:
        """What an evaluation gives, the first of which chooses the best weights."""
        names = [name for part in self.measured for name in self._names(part)]
        tasks = [part for part in self.measured if isinstance(part, TaskPart)]
        return [AVERAGE, *names] if self.recipe.mixture is not None and tasks else names

    @property
    def followed(self) -> list[str]:
        """The metrics of which the best weights are kept, each by itself."""
        if self.recipe.mixture is None or not self.recipe.mixture.best_each:
            return []
        return [self._names(part)[0] for part in self.measured if isinstance(part, TaskPart)]

    def trained(self) -> nn.Module:
        """Return what the trainer trains: the model, or around it what tells losses by task."""
        model = self.setup.model
        if self.recipe.mixture is not None and isinstance(model, TextToText):
            return PerTaskLoss(model, [part.name for part in self.parts])
        return model

    def features(self) -> FeatureSet | Mixture:
        """Convert the training examples for the model."""
        return mixed(self.parts, self.recipe, self.setup, self.say)

    def keep_features(self, rows: FeatureSet | Mixture) -> None:
        """Have a frozen body compute what it makes of these rows and of those of validation."""
        model = self.setup.model
        if not isinstance(model, FeatureModel):
            return
        assert not isinstance(rows, Mixture)
        parts = (part for part in self.parts if isinstance(part, TaskPart))
        asked = (validation_rows(part, self.recipe, self.setup) for part in parts)
        sets = [rows, *(each for each in asked if each is not None)]
        model.to(choose_device(self.recipe.training.device))
        model.known = keep_features(model, sets, self.setup.pad_id)

    def identity(self) -> dict[str, str]:
        """What a resumed run must have in common with its beginning, beside rows and training."""
        values = self.recipe.model_dump(exclude={"training", "data", "mixture"})
        shape = {f"recipe.{key}": repr(value) for key, value in values.items()}
        found = {part.name: _validation(part) for part in self.parts}
        validation = {name: each.fingerprint for name, each in found.items() if each is not None}
        own = self.setup.identity | self._mixture_identity()
        return shape | own | {"validation": repr(validation)}

    def _mixture_identity(self) -> dict[str, str]:
        """Tell which tasks are mixed, by which rates and of which data: what a refusal can name."""
        mixture = self.recipe.mixture
        if mixture is None:
            return {}
        shape = mixture.model_dump(exclude={"tasks"}, exclude_none=True)
        shape["tasks"] = [part.name for part in self.parts]
        shape["rate"] = [each.rate for each in mixture.tasks if each.rate is not None]
        texts = [part for part in self.parts if isinstance(part, TextPart)]
        rows = {part.name: part.config.corpus.validation_rows for part in texts}
        own = {"mixture": repr(shape), "validation_rows": repr(rows)}
        return own | {f"data.{part.name}": part.fingerprint for part in self.parts}

    def evaluate(self, _trained: nn.Module) -> dict[str, float]:
        """Score the model that trains on the validation data of each part, in percent."""
        found: dict[str, float] = {}
        for part in self.measured:
            if isinstance(part, TextPart):
                found |= self._held_out(part)
                continue
            assert part.data.validation is not None
            metrics = evaluate(self._predictor(part), part.task, part.data.validation).metrics
            own = (part.task.main_metric, *part.task.metric_names)
            found |= {self._name(part, name): metrics[name] for name in own if name in metrics}
        if AVERAGE not in self.metric_names:
            return found
        mains = [self._names(part)[0] for part in self.measured if isinstance(part, TaskPart)]
        return {AVERAGE: fmean(found[name] for name in mains)} | found

    def save(self, folder: Path) -> None:
        """Write the model with what answering needs to know beside its weights."""
        self.setup.save(folder, self._extra())

    def _names(self, part: Part) -> list[str]:
        """The metrics of a part, the main one first."""
        if isinstance(part, TextPart):
            return [self._name(part, "loss")]
        own = dict.fromkeys((part.task.main_metric, *part.task.metric_names))
        return [self._name(part, name) for name in own]

    def _name(self, part: Part, metric: str) -> str:
        return metric if self.recipe.mixture is None else f"{part.name}/{metric}"

    def _held_out(self, part: TextPart) -> dict[str, float]:
        rows, model = part.held_out_rows(self.setup, self.recipe.training.seed), self.setup.model
        assert rows is not None
        if isinstance(model, MultiTask):
            model = model.one(part.name)
        most = part.config.corpus.validation_rows
        measured = held_out_loss(model, rows, most, self.setup.pad_id)
        return {self._name(part, "loss"): measured["loss"]}

    def _extra(self) -> dict[str, Any]:
        tasks = [part for part in self.parts if isinstance(part, TaskPart)]
        spans = [part for part in tasks if part.task.kind == "span"]
        extra: dict[str, Any] = {"task": (spans or tasks)[0].task.name} if tasks else {}
        if self.setup.writes:
            return extra | {"text": self.recipe.text.model_dump()}
        extra["spans"] = self.recipe.spans.model_dump(exclude_none=True)
        extra["sequence"] = self.recipe.sequence.model_dump()
        for part in spans:
            if part.task.null_answers:
                extra["no_answer_threshold"] = self._threshold(part)
        return extra

    def _threshold(self, part: TaskPart) -> float:
        """Calibrate "no answer" on validation questions without an answer; 0 where none are."""
        examples = part.data.validation
        if examples is None or not any(each.impossible for each in examples):
            return 0.0
        found = predict(self._predictor(part), examples)
        return calibrate(examples, found.margins, found.best_spans)

    def _predictor(self, part: TaskPart) -> Predictor[Any]:
        recipe, setup = self.recipe, self.setup
        shape = {name: getattr(recipe, name).model_dump() for name in ("spans", "sequence", "text")}
        loaded = LoadedModel(setup.model, setup.vocabulary, setup.config, shape)
        device = choose_device(recipe.training.device)
        precision = choose_precision(recipe.training.precision, device)
        return loaded.predictor(part.task, precision=precision)


def _validation(part: Part) -> Examples[Any] | TokenStore | None:
    return part.held_out if isinstance(part, TextPart) else part.data.validation


def _check_best_metric(recipe: Recipe, known: Sequence[str]) -> None:
    name = recipe.training.metric_for_best_model
    if name is not None and known and name not in known:
        raise UserError(f"training.metric_for_best_model = {name!r}: there are {', '.join(known)}")
