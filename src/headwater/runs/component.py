"""What a run learns: a task, or an objective over text without labels; several make a mixture."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from headwater.data.convert import FeatureSet
from headwater.models.config import ModelConfig
from headwater.models.head_names import TaskHead
from headwater.runs.recipe import RunRecipe
from headwater.runs.setup import Setup

R = TypeVar("R", bound=RunRecipe)
R_contra = TypeVar("R_contra", bound=RunRecipe, contravariant=True)


class Component(Protocol[R_contra]):
    """One task or objective of a run, with its data."""

    @property
    def name(self) -> str:
        """What its loss and its scores are called, and the head that a model has for it."""
        ...

    @property
    def kind(self) -> str:
        """The kind of the task, or the name of the objective."""
        ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what it learns from."""
        ...

    @property
    def scored(self) -> bool:
        """Whether more is better: it is measured by scores in percent, and not by a loss."""
        ...

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What an evaluation gives, the main metric first; empty where nothing is held out."""
        ...

    @property
    def validation_rows(self) -> int | None:
        """The most held-out sequences that are measured; None: all that there are."""
        ...

    @property
    def has_pairs(self) -> bool:
        """Whether some of its texts come in pairs."""
        ...

    def head(self) -> TaskHead:
        """Return the head that an encoder needs for it."""
        ...

    def check(self, config: ModelConfig) -> None:
        """Refuse a model that cannot learn it, before anything is converted."""
        ...

    def features(self, recipe: R_contra, setup: Setup) -> FeatureSet:
        """Convert what is learned for the model."""
        ...

    def validation_features(self, recipe: R_contra, setup: Setup) -> FeatureSet | None:
        """Convert what is measured; None where nothing is held out."""
        ...

    def validation_fingerprint(self, recipe: R_contra, setup: Setup) -> str | None:
        """SHA-256 of what is measured."""
        ...

    def size(self, features: FeatureSet, setup: Setup) -> int:
        """Count the examples that the rates of a mixture go by."""
        ...

    def evaluate(self, recipe: R_contra, setup: Setup) -> Mapping[str, float]:
        """Measure the model on what is held out."""
        ...

    def saved(self, recipe: R_contra, setup: Setup) -> dict[str, Any]:
        """Return what is saved with the weights: what answering needs."""
        ...
