"""What is to be said of a recipe before it runs: its data, its model, its steps, its memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headwater.data.convert import PairSet
from headwater.data.example import Examples, PairExample, TaggingExample
from headwater.doctor.finding import PADDING, Finding, Level, above, judged
from headwater.doctor.leakage import store_leakage, task_leakage
from headwater.doctor.lengths import check_lengths
from headwater.doctor.machine import free_memory
from headwater.errors import listed
from headwater.metrics.several import labels_of
from headwater.models.families import family_of, sizes_of
from headwater.runs.objective_component import ObjectiveComponent
from headwater.runs.recipe import PretrainRecipe, load_any_recipe, resolved
from headwater.runs.run import Run, begin
from headwater.runs.task_component import TaskComponent
from headwater.sizes import byte_size
from headwater.text.vocabulary import Vocabulary
from headwater.training.config import TrainingConfig
from headwater.training.memory import training_bytes
from headwater.training.plan import Plan

FAR = 5.0
"""A learning rate so many times above or below the family's is warned of."""

MOST_EPOCHS, FEWEST_EPOCHS = 20, 1
BASE_WIDTH = 768
"""Of the models whose learning rates the papers publish."""

MASKING = ("mlm", "replaced_tokens")


def check_recipe(path: Path) -> Iterator[Finding]:
    """Yield what there is to say of a recipe, of fine-tuning or pre-training; nothing is trained.

    Its data are read and its model is built, as at the begin of the run.
    """
    run: Run[Any] = begin(load_any_recipe(path, {}, []))
    if isinstance(run.recipe, PretrainRecipe):
        yield from _special_tokens(run.setup.vocabulary, run.recipe.objective)
    for component in run.components:
        if isinstance(component, TaskComponent):
            yield from check_lengths(run.recipe, run.setup, component)
            yield from _labels(component)
            yield from task_leakage(component)
        elif isinstance(component, ObjectiveComponent):
            yield from store_leakage(component)
    yield from _of_any(run)


def _of_any(run: Run[Any]) -> Iterator[Finding]:
    training = run.recipe.training
    yield _rate(run)
    yield _memory(run, training)
    features = run.features()
    plan = Plan(features, training)
    steps = plan.epoch(0)
    epochs = plan.total / max(1, len(steps))
    said = f"{plan.total} steps are {epochs:.1f} epochs of {len(steps)} steps."
    fits = FEWEST_EPOCHS <= epochs <= MOST_EPOCHS
    raw = isinstance(run.recipe, PretrainRecipe)  # much raw text is seldom read whole
    level: Level = "note" if raw and epochs < FEWEST_EPOCHS else "warning"
    key = "training.steps or training.epochs"
    yield judged(fits, "epochs", round(epochs, 2), said, key, level)
    of_epoch = plan.features(0)
    padding = _padding(of_epoch, steps)
    said = f"{padding:.1%} of what the model will read is padding."
    yield above("padding", round(padding, 4), PADDING, said, "training.batch.tokens")
    if not run.metric_names:
        said = "Nothing is held out: overfitting would not be seen, and the last weights are kept."
        yield Finding("warning", "validation", 0, said, "data.validation")


def _padding(features: Any, steps: Any) -> float:
    """Return the share of an epoch's tokens that fill sequences up."""
    targets = features.target_lengths if isinstance(features, PairSet) else 0 * features.lengths
    real = filled = 0
    for micro in (each for step in steps for each in step):
        for side in ((features.lengths - targets)[micro], targets[micro]):
            real += int(side.sum())
            filled += len(side) * int(side.max())
    return 1 - real / max(1, filled)


def _rate(run: Run[Any]) -> Finding:
    family = family_of(run.setup.model.config)
    bare = run.recipe.model_copy(
        update={"training": TrainingConfig(optimizer=run.recipe.training.optimizer)}
    )
    usual = resolved(bare, family).training.peak_learning_rate
    given = run.recipe.training.peak_learning_rate
    ratio = given / usual
    said = (
        f"The learning rate is {given:.2g}; usual for {family.name} with this method: {usual:.2g}"
    )
    wider = _times_wider(run)
    if wider > 1:
        said += f", up to {usual * wider:.2g} for so narrow a model"
    fits = 1 / FAR <= ratio <= FAR * wider
    return judged(fits, "learning rate", given, f"{said}.", "training.learning_rate")


def _times_wider(run: Run[Any]) -> float:
    """Return how much wider the papers' base models are, 1 at least; of pre-training by Adam.

    Its best rate is inverse to the width (Yang et al. 2022, table 3).
    """
    recipe = run.recipe
    if not isinstance(recipe, PretrainRecipe) or recipe.training.optimizer != "adamw":
        return 1.0
    return max(1.0, BASE_WIDTH / sizes_of(run.setup.model.config).hidden_size)


def _memory(run: Run[Any], training: TrainingConfig) -> Finding:
    needed, free = training_bytes(run.setup.model, training), free_memory()
    said = f"Weights, gradients and moments take {byte_size(needed)}, without activations"
    if free is None:
        return Finding("note", "memory", needed, f"{said}; this system does not tell what is free.")
    said = f"{said}; {byte_size(free)} are free."
    fits = needed < 0.8 * free
    return judged(fits, "memory", needed, said, 'method = "lora", or a smaller model')


def _special_tokens(vocabulary: Vocabulary, objective: str) -> Iterator[Finding]:
    if objective == "span_corruption":
        found = sum(map(vocabulary.has_sentinel, range(100)))
        said = f"The vocabulary has {found} of T5's 100 sentinels."
        yield judged(found > 0, "sentinels", found, said, "vocabulary train --kind unigram")
    if objective in MASKING:
        masked = vocabulary.mask_id is not None
        said = f"The vocabulary has {'a' if masked else 'no'} mask token."
        yield judged(masked, "mask token", masked, said, "vocabulary train --kind wordpiece")


def _labels(component: TaskComponent) -> Iterator[Finding]:
    several = component.task.kind == "multi_label"
    known, training = set(component.task.labels), _labels_of(component.data.training, several)
    if not training:
        return
    validation = _labels_of(component.data.validation or Examples([]), several)
    unseen = sorted((known | validation) - training)
    said = f"{len(training)} labels are in the training examples"
    said += f"; never seen there: {listed(unseen)}." if unseen else ", all that there are."
    yield judged(not unseen, "labels never seen", len(unseen), said, "data.train")


def _labels_of(examples: Examples[Any], several: bool) -> set[str]:
    found: set[str] = set()
    for each in examples:
        if isinstance(each, PairExample) and each.label is not None:
            found |= labels_of(each.label) if several else {each.label}
        elif isinstance(each, TaggingExample):
            found.update(each.tags or ())
    return found
