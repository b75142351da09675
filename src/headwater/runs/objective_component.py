"""An objective that a run learns: text without labels as features, and the held-out loss.

    token stores -> objective (fresh noise every epoch) -> features

Pre-training learns one of them; a mixture may hold some beside its tasks.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, final

from headwater.corpus import shards
from headwater.corpus.remote_store import local_folder
from headwater.corpus.shards import AnyStore, ShardedStore
from headwater.data.convert import FeatureSet, digest
from headwater.distributed.processes import Processes
from headwater.errors import UserError, counted
from headwater.evaluation.held_out import held_out_loss
from headwater.models.config import ModelConfig, TaskHead, check_head
from headwater.models.families import FAMILIES, family_of, sizes_of
from headwater.objectives.names import OBJECTIVES, ObjectiveConfig
from headwater.objectives.sequences import ConcatenatedStores, Store, store_seed
from headwater.objectives.shards import sharded
from headwater.runs.early_checks import LOSS, PERPLEXITY
from headwater.runs.recipe import RunRecipe
from headwater.runs.setup import Setup

logger = logging.getLogger(__name__)


def families_of(objective: str) -> list[str]:
    """Return the names of the families that learn an objective."""
    return [name for name, family in FAMILIES.items() if objective in family.objectives]


@final
@dataclass(slots=True)
class ObjectiveComponent:
    """An objective and its token stores.

    in_mixture: learned with others; then the loss alone is measured.
    """

    config: ObjectiveConfig
    stores: tuple[AnyStore, ...]
    validation: AnyStore | None
    in_mixture: bool
    scored: bool = False
    has_pairs: bool = False
    _validation_features: FeatureSet | None = field(default=None, init=False)

    @classmethod
    def open(cls, config: ObjectiveConfig, *, in_mixture: bool) -> "ObjectiveComponent":
        """Open the stores and compare their checksums: a flipped bit would train without a word."""
        stores = tuple(open_store(name) for name in config.corpus.train)
        held_out = config.corpus.validation
        validation = None if held_out is None else open_store(held_out)
        return cls(config, stores, validation, in_mixture)

    @property
    def name(self) -> str:
        return self.config.objective

    @property
    def kind(self) -> str:
        return self.config.objective

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the stores' fingerprints."""
        return digest([store.fingerprint for store in self.stores])

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The loss and, outside of a mixture, the perplexity; its terms may come with them."""
        if self.validation is None:
            return ()
        return (LOSS,) if self.in_mixture else (LOSS, PERPLEXITY)

    @property
    def validation_rows(self) -> int:
        return self.config.corpus.validation_rows

    def head(self) -> TaskHead:
        head = OBJECTIVES[self.name].head(self.config)
        assert head is not None, f"no encoder learns {self.name}"
        return TaskHead(check_head(head))

    def check(self, config: ModelConfig) -> None:
        """Refuse a model whose architecture has no use for it, or that reads less at once."""
        family, longest = family_of(config), sizes_of(config).longest_input
        family.refuse_objective(config, self.name, self.config.span_corruption.packing)
        key = OBJECTIVES[self.name].length
        if key and (length := attrgetter(key)(self.config)) > longest:
            raise UserError(
                f"{key} = {length}: this model reads {longest} tokens; set {key}={longest}"
            )

    def features(self, recipe: RunRecipe, setup: Setup) -> FeatureSet:
        """Build the sequences of the stores, each under noise of its own."""
        seed = recipe.training.seed
        sets = [
            store_features(self.config, store, setup, store_seed(seed, number))
            for number, store in enumerate(self.stores)
        ]
        repeats = self.config.corpus.repeats or [1] * len(sets)
        features = sets[0] if repeats == [1] else ConcatenatedStores(sets, repeats)
        tokens = sum(store.info.tokens for store in self.stores)
        logger.info(
            "%s: train on %s of %s tokens",
            self.name,
            counted(len(features), "sequence"),
            f"{tokens:,}",
        )
        return features

    def validation_features(self, recipe: RunRecipe, setup: Setup) -> FeatureSet | None:
        """Build the sequences of the held-out store, once."""
        if self._validation_features is None and self.validation is not None:
            seed = recipe.training.seed
            self._validation_features = store_features(self.config, self.validation, setup, seed)
        return self._validation_features

    def validation_fingerprint(self, recipe: RunRecipe, setup: Setup) -> str | None:
        """SHA-256 of the held-out store in a mixture, of its features otherwise."""
        if self.validation is None or self.in_mixture:
            return None if self.validation is None else self.validation.fingerprint
        features = self.validation_features(recipe, setup)
        return None if features is None else features.fingerprint

    def size(self, features: FeatureSet, setup: Setup) -> int:
        return len(features)

    def evaluate(
        self, recipe: RunRecipe, setup: Setup, processes: Processes
    ) -> Mapping[str, float]:
        features = self.validation_features(recipe, setup)
        assert features is not None
        model = setup.model.for_task(self.name)
        most, pad_id = self.validation_rows, setup.pad_id
        found = held_out_loss(model, features, most, pad_id, processes)
        return {"loss": found["loss"]} if self.in_mixture else found

    def saved(self, recipe: RunRecipe, setup: Setup) -> dict[str, Any]:
        """Return the objective, where it is all that was learned."""
        return {} if self.in_mixture else {"objective": self.name}


def open_store(name: str) -> AnyStore:
    """Open a store and compare its checksums; those of a shard are compared when it is read."""
    store = shards.open_store(local_folder(name))
    if isinstance(store, ShardedStore):
        store.verify_index()
    else:
        store.verify()
    return store


def store_features(config: ObjectiveConfig, store: AnyStore, setup: Setup, seed: int) -> FeatureSet:
    """Build the sequences of one store."""
    vocabulary = setup.vocabulary
    if store.vocabulary_fingerprint != vocabulary.fingerprint:
        raise UserError(
            f"{store.folder}: built with another vocabulary than the model's; build it again with "
            "`headwater corpus build --vocabulary MODEL`"
        )
    objective = OBJECTIVES[config.objective]
    if objective.whole_words and not vocabulary.whole_words:
        raise UserError(
            f"{store.folder}: a store of tokens of words, and objective {config.objective!r} asks "
            "for whole ones; build it with a vocabulary of `headwater vocabulary train --kind word`"
        )

    def build(part: Store, seed: int) -> FeatureSet:
        return objective.build(config, part, vocabulary, seed, setup.writes_text)

    try:
        if isinstance(store, ShardedStore):
            return sharded(store, build, objective.text(config, setup.writes_text), seed)
        return build(store, seed)
    except UserError as error:
        raise UserError(f"{store.folder}: {error}") from None
