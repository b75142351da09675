"""A run put together: what it learns, the model it begins with, and the loop between them.

    recipe -> components (tasks or objectives, with their data)
           -> setup (model, vocabulary, method)
           -> features, mixed by their rates -> Trainer -> run folder

A run folder is a model: what this writes can be given to every `--model`.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, Generic, final, overload

import torch
from torch import nn

from headwater.checkpoints.folder import save_model
from headwater.data.convert import FeatureSet
from headwater.data.mixture import Mixture
from headwater.device import choose_device
from headwater.distributed.joining import joined
from headwater.distributed.processes import ONE, Processes, agreed
from headwater.errors import UserError, with_article
from headwater.files import replace_file
from headwater.models.build import Model
from headwater.models.families import AnyFamily
from headwater.models.feature_model import FeatureModel
from headwater.models.text_to_text import PerTaskLoss, TextToText
from headwater.runs.causal import decided, learns_text
from headwater.runs.class_loss import set_loss
from headwater.runs.components import Component, R, rates_of, read_components
from headwater.runs.early_checks import AVERAGE, check_best_metric, check_machine_and_sizes
from headwater.runs.embedding import with_one_length
from headwater.runs.feature_cache import keep_features
from headwater.runs.objective_component import ObjectiveComponent, families_of
from headwater.runs.recipe import (
    MixtureConfig,
    PretrainRecipe,
    Recipe,
    RunRecipe,
    best_is_lowest,
    resolved,
)
from headwater.runs.setup import (
    Setup,
    build_features_setup,
    build_multi_task_setup,
    build_setup,
    fit_lengths,
    own_vocabulary,
    recipe_family,
)
from headwater.runs.task_component import TaskComponent
from headwater.text.vocabulary import Vocabulary
from headwater.training.hooks import Hooks, Outcome
from headwater.training.identity import Identity
from headwater.training.log import read_log
from headwater.training.memory import training_line
from headwater.training.run_folder import check_run_folder
from headwater.training.trainer import Trainer

logger = logging.getLogger(__name__)

_DATA = {"training", "data", "corpus", "mixture"}  # of a recipe; compared by other means


@final
class Run(Hooks, Generic[R]):
    """One run of a resolved recipe.

    Args:
        mixture: how the components are drawn; None where there is one alone.
    """

    def __init__(
        self,
        recipe: R,
        components: Sequence[Component[R]],
        setup: Setup,
        mixture: MixtureConfig | None = None,
    ) -> None:
        self.components, self.setup, self.mixture = tuple(components), setup, mixture
        self._measured = [each for each in components if each.metric_names]
        self._processes: Processes = ONE
        self.recipe = best_is_lowest(recipe) if self._chosen_by_loss(recipe) else recipe
        if setup.new_parameters:
            logger.info("new, drawn at random: %s", ", ".join(setup.new_parameters))

    def train(self, folder: Path, *, resume: bool, processes: Processes = ONE) -> Outcome:
        """Convert the data and train in a run folder, on several processes together.

        The folder gets `config.toml` (the resolved recipe), `log.jsonl`, `curves.png`, `state/`
        for resume and `model/`; of a mixture with `best_each` also `best/TASK/METRIC/`.
        """
        recipe, setup, self._processes = self.recipe, self.setup, processes
        logger.info(training_line(setup.model, recipe.method, recipe.training))
        features = agreed(processes, self.features)
        self.keep_features(features)
        model = self.trained_model()
        given = (model, features, recipe.training, folder)
        trainer = Trainer(*given, pad_id=setup.pad_id, hooks=self, processes=processes)
        return trainer.run(resume=resume)

    def trained_model(self) -> nn.Module:
        """Return the model, in a mixture one that gives a loss for each task."""
        if self.mixture is None:
            return self.setup.model
        model, names = self.setup.model, [each.name for each in self.components]
        return PerTaskLoss(model, names) if isinstance(model, TextToText) else model

    def features(self) -> FeatureSet | Mixture:
        """Convert what is learned for the model, and mix it by the rates."""
        sets = [each.features(self.recipe, self.setup) for each in self.components]
        if self.mixture is None:
            return sets[0]
        sized = zip(self.components, sets, strict=True)
        rates, size = rates_of(self.mixture, [each.size(own, self.setup) for each, own in sized])
        for each, rate in zip(self.components, rates.tolist(), strict=True):
            logger.info("mixture: %s %s of the examples", each.name, f"{rate:.2%}")
        seed, apart = self.recipe.training.seed, not self.setup.writes_text
        return Mixture(sets, rates, size, seed, apart=apart)

    def keep_features(self, features: FeatureSet | Mixture) -> None:
        """With method `features`: have the frozen body compute its outputs once."""
        if self.recipe.method == "features" and not isinstance(features, Mixture):
            found = (each.validation_features(self.recipe, self.setup) for each in self.components)
            sets = [features, *(each for each in found if each is not None)]
            model = self.setup.model
            assert isinstance(model, FeatureModel)
            model.to(choose_device(self.recipe.training.device))
            model.known = keep_features(model, sets, self.setup.pad_id)

    @property
    def metric_names(self) -> list[str]:
        """What an evaluation gives, the first of which chooses the best weights."""
        names = [self._name(each, name) for each in self._measured for name in each.metric_names]
        return [AVERAGE, *names] if self._main_scores and self.mixture is not None else names

    @property
    def followed_metrics(self) -> list[str]:
        """The main score of each task, where the best weights of each are kept."""
        return self._main_scores if self.mixture is not None and self.mixture.best_each else []

    @property
    def identity(self) -> Identity:
        """What a resumed run must have in common with its beginning."""
        identity: dict[str, Any] = self.recipe.model_dump(exclude=_DATA) | self.setup.identity
        found = {
            each.name: each.validation_fingerprint(self.recipe, self.setup)
            for each in self._measured
        }
        identity["validation"] = found
        rows = {each.name: each.validation_rows for each in self._measured}
        identity["validation_rows"] = {name: most for name, most in rows.items() if most}
        if self.mixture is not None:
            mixed = self.mixture.model_dump(exclude={"tasks"}, exclude_none=True)
            mixed["tasks"] = [each.name for each in self.components]
            mixed["rate"] = [each.rate for each in self.mixture.tasks if each.rate is not None]
            identity["mixture"] = mixed
            identity["data"] = {each.name: each.fingerprint for each in self.components}
        return identity

    @property
    def whole_batches(self) -> bool:
        """Whether the passages of other questions in a batch are what it is learned from."""
        return any(each.kind == "embedding" for each in self.components)

    @property
    def padding_counts(self) -> bool:
        """Whether spans are found: the published head may choose padding, too."""
        return not self.setup.writes_text and any(each.kind == "span" for each in self.components)

    def excluded_parameters(self, model: nn.Module) -> Collection[str]:
        """Name what is saved with the body of an adapter."""
        if self.setup.adaptation is None:
            return ()
        return {name for name, each in model.named_parameters() if not each.requires_grad}

    def on_begin(self, folder: Path) -> None:
        """Write the resolved recipe."""
        replace_file(folder / "config.toml", self.recipe.to_toml())

    def before_step(self, model: nn.Module, step: int, total: int) -> None:
        """Let the method choose what trains."""
        self.setup.method.before_step(model, step, total)

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Measure each component: tasks in percent, objectives by the loss on held-out text."""
        found = {
            self._name(each, name): value
            for each in self._measured
            for name, value in each.evaluate(self.recipe, self.setup, self._processes).items()
        }
        if self.mixture is None or not self._main_scores:
            return found
        return {AVERAGE: fmean(found[name] for name in self._main_scores)} | found

    def save_model(self, folder: Path) -> None:
        """Write the model with what else answering needs."""
        extra: dict[str, Any] = {}
        # The first task names the model, a task of spans before all others.
        for each in sorted(self.components, key=lambda each: each.kind != "span"):
            extra = each.saved(self.recipe, self.setup) | extra
        if self.mixture is not None and self.mixture.default_task is not None:
            extra["default_task"] = self.mixture.default_task
        setup = self.setup
        save_model(
            folder,
            setup.model,
            adaptation=setup.adaptation,
            vocabulary=setup.vocabulary,
            extra=extra,
            generation={**setup.generation, **_lengths(self.recipe)},
        )

    def on_end(self, folder: Path) -> None:
        """Draw the curves."""
        from headwater.pictures.curves import draw_curves  # matplotlib takes a second to import

        draw_curves(read_log(folder / "log.jsonl"), folder / "curves.png")

    @property
    def _main_scores(self) -> list[str]:
        scored = [each for each in self._measured if each.scored]
        return [self._name(each, each.metric_names[0]) for each in scored]

    def _chosen_by_loss(self, recipe: R) -> bool:
        chosen = recipe.training.metric_for_best_model or next(iter(self.metric_names), None)
        losses = [each for each in self._measured if not each.scored]
        return chosen in {self._name(each, each.metric_names[0]) for each in losses}

    def _name(self, component: Component[R], metric: str) -> str:
        return metric if self.mixture is None else f"{component.name}/{metric}"


def _lengths(recipe: RunRecipe) -> dict[str, int]:
    """Return how long a text may become that a model writes after learning tasks."""
    return {"max_new_tokens": recipe.text.max_targets} if isinstance(recipe, Recipe) else {}


def finetune(recipe: Recipe, folder: Path, *, resume: bool = False) -> Outcome:
    """Run a recipe of fine-tuning. Under `torchrun` all processes call it.

    Args:
        recipe: what to run.
        folder: the run folder, which is a model once it has ended. It gets `config.toml`,
            `log.jsonl`, `curves.png`, `state/` for resume and `model/`.
        resume: go on where a run in this folder was stopped.
    """
    return _run(recipe, folder, resume=resume)


def pretrain(recipe: PretrainRecipe, folder: Path, *, resume: bool = False) -> Outcome:
    """Run a recipe of pre-training. Under `torchrun` all processes call it.

    Args:
        recipe: what to run.
        folder: the run folder, which is a model once it has ended. It gets `config.toml`,
            `log.jsonl`, `curves.png`, `state/` for resume and `model/`.
        resume: go on where a run in this folder was stopped.
    """
    return _run(recipe, folder, resume=resume)


def _run(recipe: Recipe | PretrainRecipe, folder: Path, *, resume: bool) -> Outcome:
    training = recipe.training
    with joined(training.device, training.ddp_timeout) as processes:
        processes.first(lambda: check_run_folder(folder, resume=resume))
        run = agreed(processes, lambda: begin(recipe))
        return run.train(folder, resume=resume, processes=processes)


@overload
def begin(recipe: Recipe) -> Run[Recipe]: ...
@overload
def begin(recipe: PretrainRecipe) -> Run[PretrainRecipe]: ...
def begin(recipe: Recipe | PretrainRecipe) -> Run[Recipe] | Run[PretrainRecipe]:
    """Return a run with its resolved recipe, its data and its model."""
    if isinstance(recipe, Recipe):
        return _begin_finetuning(recipe)
    return _begin_pretraining(recipe)


def _begin_finetuning(recipe: Recipe) -> Run[Recipe]:
    family = recipe_family(recipe)
    features = recipe.method == "features"
    if family.kind == "word_vectors" and not features:
        raise UserError(
            f'models of family {family.name} are not fine-tuned: set method = "features", which '
            "trains a small model on their vectors; or take bert, gpt or t5"
        )
    recipe = decided(recipe, family)
    if features and recipe.mixture is not None:
        raise UserError("method 'features' learns one task, not a mixture")
    if features and recipe.training.shard:
        raise UserError("method 'features' trains a small model; leave training.shard out")
    recipe = resolved(recipe, family)
    check_machine_and_sizes(recipe)
    vocabulary = own_vocabulary(recipe)
    components = read_components(recipe, family)
    torch.manual_seed(recipe.training.seed)
    setup = _setup(recipe, family, components, vocabulary)
    for component in components:
        component.check(setup.model.config)
    first = components[0]
    examples = list(first.data.training) if isinstance(first, TaskComponent) else []
    set_loss(recipe.loss, setup.model, examples)
    fitting = with_one_length(fit_lengths(recipe, setup.model.config), setup.model)
    return Run(fitting, components, setup, recipe.mixture)


def _setup(
    recipe: Recipe,
    family: AnyFamily,
    components: list[Component[Recipe]],
    vocabulary: Vocabulary | None,
) -> Setup:
    """Build the model with the heads that the components need."""
    if recipe.method == "features":
        component = components[0]
        return build_features_setup(recipe, component.head(), vocabulary, pairs=component.has_pairs)
    if learns_text(recipe, family):
        return build_setup(recipe, None, vocabulary)  # it writes, and takes no head
    if recipe.mixture is not None:
        return build_multi_task_setup(
            recipe, {each.name: each.head() for each in components}, vocabulary
        )
    return build_setup(recipe, components[0].head(), vocabulary)


def _begin_pretraining(recipe: PretrainRecipe) -> Run[PretrainRecipe]:
    recipe = _resolved(recipe)
    check_machine_and_sizes(recipe)
    check_best_metric(recipe)
    vocabulary = own_vocabulary(recipe)
    component = ObjectiveComponent.open(recipe, in_mixture=False)
    torch.manual_seed(recipe.training.seed)
    head = component.head() if recipe_family(recipe).kind == "encoder" else None
    setup = build_setup(recipe, head, vocabulary or component.stores[0].load_vocabulary())
    component.check(setup.model.config)
    _note_window(recipe, setup.model)
    return Run(recipe, [component], setup)


def _resolved(recipe: PretrainRecipe) -> PretrainRecipe:
    family = recipe_family(recipe)
    if recipe.objective not in family.objectives:
        families = " or ".join(map(with_article, families_of(recipe.objective)))
        its = f"its objectives are {', '.join(family.objectives)}"
        raise UserError(
            f"objective {recipe.objective!r} trains {families}, "
            f"this is {with_article(family.name)}; {its if family.objectives else 'it has none'}"
        )
    return resolved(best_is_lowest(recipe), family)  # all that is measured is a loss


def _note_window(recipe: PretrainRecipe, model: Model) -> None:
    """Let a CBOW's config say which window it is trained on: looking into it needs to know."""
    if recipe.objective == "cbow":
        model.body.config = replace(model.config, window=recipe.cbow.window)
