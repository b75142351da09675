"""A run put together: what it learns, the model it begins with, and the loop between them.

    recipe -> components (tasks or objectives, with their data)
           -> setup (model, vocabulary, method)
           -> features, mixed by their rates -> Trainer -> run folder

A run folder is a model: what this writes can be given to every `--model`.
"""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Generic, final

from torch import nn

from headwater.data.convert import FeatureSet
from headwater.data.mixture import Mixture
from headwater.device import choose_device
from headwater.files import replace_file
from headwater.runs.component import Component, R
from headwater.runs.mixture import rates_of
from headwater.runs.recipe import MixtureConfig, best_is_lowest
from headwater.runs.setup import Setup
from headwater.training.hooks import Hooks, Outcome
from headwater.training.identity import Identity
from headwater.training.log import read_log
from headwater.training.memory import training_line
from headwater.training.trainer import Trainer

logger = logging.getLogger(__name__)

AVERAGE = "average"
"""The mean of the main metrics of a mixture's tasks."""

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
        self.recipe = best_is_lowest(recipe) if self._chosen_by_loss(recipe) else recipe
        if setup.new_parameters:
            logger.info("new, drawn at random: %s", ", ".join(setup.new_parameters))

    def train(self, folder: Path, *, resume: bool) -> Outcome:
        """Convert the data and train in a run folder.

        The folder gets `config.toml` (the resolved recipe), `log.jsonl`, `curves.png`, `state/`
        for resume and `model/`; of a mixture with `best_each` also `best/TASK/METRIC/`.
        """
        recipe, setup = self.recipe, self.setup
        logger.info(training_line(setup.model, recipe.method, recipe.training))
        features = self.features()
        self.keep_features(features)
        model = self.trained_model()
        trainer = Trainer(model, features, recipe.training, folder, pad_id=setup.pad_id, hooks=self)
        return trainer.run(resume=resume)

    def trained_model(self) -> nn.Module:
        """Return the model, in a mixture one that gives a loss for each task."""
        if self.mixture is None:
            return self.setup.model
        return self.setup.with_loss_per_task([each.name for each in self.components])

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
            self.setup.keep_features(sets, choose_device(self.recipe.training.device))

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

    def excluded_parameters(self, model: nn.Module) -> Collection[str]:
        """Name what is saved with the body."""
        return self.setup.excluded_parameters(model)

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
            for name, value in each.evaluate(self.recipe, self.setup).items()
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
        self.setup.save(folder, extra)

    def on_end(self, folder: Path) -> None:
        """Draw the curves."""
        from headwater.pictures.figure import draw_curves  # matplotlib takes a second to import

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
