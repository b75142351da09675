"""What a run learns: one task, or the tasks and objectives of a mixture.

    recipe -> parts (a task with its examples, or an objective with its stores)
           -> each part's rows of features -> the rows of the run, mixed by the rates

A mixture in a mixture is drawn as its parts are, each by the product of the rates on the way to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.corpus.store import TokenStore
from headwater.data.convert import EncodedPairs, EncoderDecoderConverter, FeatureSet, digest
from headwater.data.mixture import Mixture
from headwater.data.preparation import Prepared, Say, prepare
from headwater.data.rates import Rates, equal, proportional, temperature
from headwater.data.source import Examples
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.models.families import AnyFamily
from headwater.models.feature_model import FeatureModel
from headwater.models.head_names import TaskHead
from headwater.runs.objective_features import open_store, store_rows, training_rows
from headwater.runs.recipe import MixtureConfig, ObjectiveConfig, Recipe
from headwater.runs.setup import Setup
from headwater.tasks.labels import head_labels
from headwater.tasks.names import task as find_task
from headwater.tasks.pair_features import PairFeatures, encode_pairs
from headwater.tasks.tag_features import TagFeatures, encode_tags
from headwater.tasks.windows import SpanWindows, build_windows
from headwater.text.sequence_layout import layout_for
from headwater.text.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class TaskPart:
    """A task and its examples."""

    task: Task[Any]
    data: Prepared

    @property
    def name(self) -> str:
        """What its loss and its scores are called, and the head that a model has for it."""
        return self.task.name

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what it learns from."""
        return self.data.training.fingerprint

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of its head."""
        return head_labels(self.task, self.data.training)

    def head(self) -> TaskHead:
        """Return the head that an encoder needs for it; there is none for writing."""
        assert self.task.kind != "text"
        return TaskHead(self.task.kind, self.labels)


@dataclass(frozen=True, slots=True)
class TextPart:
    """An objective and its stores; what is measured is the loss on the one held out."""

    config: ObjectiveConfig
    stores: tuple[TokenStore, ...]
    held_out: TokenStore | None

    @property
    def name(self) -> str:
        """As of a task."""
        return self.config.objective

    @property
    def fingerprint(self) -> str:
        """As of a task."""
        return digest([store.fingerprint for store in self.stores])

    def head(self) -> TaskHead:
        """Return the head that an encoder needs for it."""
        return TaskHead("pretraining" if self.config.mlm.next_sentence else "masked_lm")

    def held_out_rows(self, setup: Setup, seed: int) -> FeatureSet | None:
        """Return the rows of the held-out store."""
        if self.held_out is None:
            return None
        return store_rows(self.config, self.held_out, setup.vocabulary, setup.family, seed)


Part = TaskPart | TextPart


def read_parts(recipe: Recipe, family: AnyFamily, say: Say) -> list[Part]:
    """Read everything that a recipe learns from.

    Raises:
        UserError: a file is wrong, two parts have one name, or the family does not learn one.
    """
    seed = recipe.training.seed
    if recipe.mixture is None:
        assert recipe.task is not None and recipe.data is not None
        task = _learned(recipe.task, family)
        return [TaskPart(task, prepare(task, recipe.data, seed, say))]
    names = list(_names(recipe.mixture, family))
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"mixture: {name} stands in it twice; give all of its files (or stores) to one part"
            )
    return list(_parts(recipe.mixture, family, seed, say))


def _names(mixture: MixtureConfig, family: AnyFamily) -> Iterator[str]:
    """Name every part, and refuse what the family cannot learn before any file is read."""
    for each in mixture.tasks:
        if each.mixture is not None:
            yield from _names(each.mixture, family)
        elif each.unlabelled is not None:
            _check_objective(each.unlabelled, family)
            yield each.unlabelled.objective
        else:
            assert each.task is not None
            yield _learned(each.task, family).name


def _learned(name: str, family: AnyFamily) -> Task[Any]:
    """Find a task, and refuse one that the family cannot learn."""
    task = find_task(name)
    if task.kind == "text" and family.kind != "text_to_text":
        raise UserError(
            f"task {task.name} asks for text to be written, which an encoder cannot; take a t5"
        )
    return task


def _parts(mixture: MixtureConfig, family: AnyFamily, seed: int, say: Say) -> Iterator[Part]:
    for each in mixture.tasks:
        if each.mixture is not None:
            yield from _parts(each.mixture, family, seed, say)
        elif each.unlabelled is not None:
            yield _text_part(each.unlabelled)
        else:
            assert each.task is not None and each.data is not None
            task = find_task(each.task)
            yield TaskPart(task, prepare(task, each.data, seed, say))


def _check_objective(config: ObjectiveConfig, family: AnyFamily) -> None:
    if config.objective not in family.objectives:
        known = " and ".join(family.objectives)
        raise UserError(
            f"objective {config.objective!r}: a {family.name} learns {known} in a mixture"
        )
    if config.mlm.packing or config.lm.packing or config.span_corruption.packing:
        raise UserError(f"objective {config.objective!r}: rows of a mixture cannot be packed")


def _text_part(config: ObjectiveConfig) -> TextPart:
    stores = tuple(open_store(store) for store in config.corpus.train)
    held_out = config.corpus.validation
    return TextPart(config, stores, None if held_out is None else open_store(held_out))


def rows_of(part: Part, recipe: Recipe, setup: Setup, say: Say) -> FeatureSet:
    """Convert a part for the model: rows for a head, pairs of text for a T5 that writes.

    Raises:
        UserError: an example has no label, or the store is of another vocabulary.
    """
    vocabulary = setup.vocabulary
    if isinstance(part, TextPart):
        seed = recipe.training.seed
        return training_rows(part.config, part.stores, vocabulary, setup.family, seed)
    if setup.writes:
        return _texts(part, recipe, vocabulary, say)
    rows = _head_rows(part, part.data.training, recipe, setup, labelled=True)
    if isinstance(rows, TagFeatures) and rows.continued:
        say(f"{part.name}: {rows.continued} sentences go on in a second row")
    if isinstance(rows, PairFeatures) and rows.cut:
        say(f"{part.name}: cut to sequence.max_length: {rows.cut} inputs")
    return rows


def validation_rows(part: TaskPart, recipe: Recipe, setup: Setup) -> FeatureSet | None:
    """Return the rows that an evaluation of a model with a head reads."""
    examples = part.data.validation
    return None if examples is None else _head_rows(part, examples, recipe, setup, labelled=False)


def _head_rows(
    part: TaskPart, examples: Examples[Any], recipe: Recipe, setup: Setup, *, labelled: bool
) -> SpanWindows | TagFeatures | PairFeatures:
    """Convert examples for a model with a head of the task's kind."""
    vocabulary, labels = setup.vocabulary, part.labels
    encoder, features = setup.family.kind == "encoder", isinstance(setup.model, FeatureModel)
    layout = layout_for(vocabulary, encoder=encoder, features=features)
    if part.task.kind == "span":
        return build_windows(vocabulary, examples, recipe.spans, labelled=labelled, layout=layout)
    build = encode_tags if part.task.kind == "token" else encode_pairs
    return build(vocabulary, examples, recipe.sequence, labels, labelled=labelled, layout=layout)


def _texts(part: TaskPart, recipe: Recipe, vocabulary: Vocabulary, say: Say) -> EncodedPairs:
    said = [part.task.to_text(example) for example in part.data.training]
    told = [each for each in said if each.targets]
    if len(told) < len(said):  # as Winograd schemas with the wrong noun, of which T5 learns none
        say(f"{part.name}: {len(said) - len(told)} examples without a target are left out")
    if not told:
        raise UserError(f"task {part.name}: no example has a target to learn")
    limits = recipe.text
    convert = EncoderDecoderConverter(vocabulary, limits.max_inputs, limits.max_targets)
    pairs = convert(told)
    if any(convert.cut):
        cut = "{} inputs, {} targets".format(*convert.cut)
        say(f"{part.name}: cut to text.max_inputs and max_targets: {cut}")
    return pairs


def mixed(parts: Sequence[Part], recipe: Recipe, setup: Setup, say: Say) -> FeatureSet | Mixture:
    """Return the rows of a run: those of its one task, or of its mixture."""
    sets = [rows_of(part, recipe, setup, say) for part in parts]
    if recipe.mixture is None:
        return sets[0]
    rates, size = rates_of(recipe.mixture, iter(list(map(_examples, parts, sets))))
    for part, rate in zip(parts, rates.tolist(), strict=True):
        say(f"mixture: {part.name} {rate:.2%} of the examples")
    return Mixture(sets, rates, size, recipe.training.seed, apart=not setup.writes)


def _examples(part: Part, rows: FeatureSet) -> int:
    """Count what the rates go by: examples that train. For a head, long ones take several rows."""
    if isinstance(part, TextPart) or isinstance(rows, EncodedPairs):
        return len(rows)
    return len(part.data.training)


def rates_of(mixture: MixtureConfig, sizes: Iterator[int]) -> tuple[Rates, int]:
    """Return the rate of each part, float64 [parts], and how many draws make an epoch.

    Args:
        sizes: the examples of each part in turn; those of the mixture are taken from it.
    """
    inner = [
        (equal([1]), next(sizes)) if each.mixture is None else rates_of(each.mixture, sizes)
        for each in mixture.tasks
    ]
    counts = [count for _, count in inner]
    given = [each.rate for each in mixture.tasks if each.rate is not None]
    cap = mixture.cap
    if given:
        outer = np.array(given) / sum(given)
    elif mixture.rates == "equal":
        outer = equal(counts)
    elif mixture.rates == "temperature":
        outer = temperature(counts, mixture.temperature or 2.0, cap)
    else:
        outer = proportional(counts, cap)
    rates = [rate * share for share, (own, _) in zip(outer, inner, strict=True) for rate in own]
    draws = sum(count if cap is None else min(count, cap) for count in counts)
    return np.array(rates), draws
