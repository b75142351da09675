"""Made-up data of full length, by which a plan needs none of the real data.

What is made goes through the same objectives and tasks as real text, so that batches have the
tensors, the lengths and the shares of labels that a run's have.
"""

from functools import partial
from typing import Any, final

import numpy as np

from headwater.data.convert import FeatureSet, encode_text_pairs
from headwater.data.example import (
    AnswerSpan,
    Example,
    Examples,
    PairExample,
    RetrievalExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from headwater.data.preparation import PreparedData
from headwater.data.task import Task
from headwater.data.token_arrays import Longs
from headwater.models.families import sizes_of
from headwater.objectives.names import OBJECTIVES, ObjectiveConfig
from headwater.objectives.token_classes import ordinary_tokens
from headwater.runs.recipe import Recipe
from headwater.runs.setup import Setup
from headwater.runs.task_component import TaskComponent
from headwater.text.framing import framing_of
from headwater.text.vocabulary import Vocabulary

ROWS = 16
"""Sequences that differ; larger batches repeat them."""

_LABELS = ("O", "B-a")


@final
class LongDocuments:
    """A token store in memory: documents longer than any sequence, a sentence at every token."""

    fingerprint = "planned"

    def __init__(self, vocabulary: Vocabulary, length: int) -> None:
        documents, size = 4, (ROWS // 2) * length
        ordinary = ordinary_tokens(vocabulary).astype(np.uint32)
        self.tokens = np.resize(ordinary, documents * size)
        self.documents: Longs = np.arange(documents + 1) * size
        self.sentences: Longs = np.arange(documents * size + 1)


def objective_features(config: ObjectiveConfig, setup: Setup, seed: int) -> FeatureSet:
    """Make the sequences of an objective over long documents."""
    windows = config.cbow.length + 2 * config.cbow.window
    lengths = (config.mlm.max_length, config.lm.length, config.span_corruption.raw, windows)
    store = LongDocuments(setup.vocabulary, max(lengths))
    build = OBJECTIVES[config.objective].build
    return build(config, store, setup.vocabulary, seed, setup.writes_text)


def task_component(task: Task[Any], recipe: Recipe) -> TaskComponent:
    """Return a task with examples that are longer than any model input."""
    longest = max(recipe.spans.max_length, recipe.sequence.max_length, recipe.text.max_inputs)
    make = partial(_example, task, "a " * longest)
    examples = Examples([make(number) for number in range(ROWS)])
    return TaskComponent(task, PreparedData(examples, None))


def task_features(component: TaskComponent, recipe: Recipe, setup: Setup) -> FeatureSet:
    """Make the sequences of a task: of a model that writes, full inputs with full targets."""
    if not setup.writes_text:
        return component.features(recipe, setup)
    limits = recipe.text
    text = "a " * max(limits.max_inputs, limits.max_targets)
    examples = [TextExample(str(number), text, (text,)) for number in range(ROWS)]
    framing = framing_of(setup.vocabulary, *sizes_of(setup.model.config).framed)
    return encode_text_pairs(
        setup.vocabulary, examples, limits.max_inputs, limits.max_targets, framing=framing
    )


def _example(task: Task[Any], text: str, number: int) -> Example:
    name, label = str(number), (task.labels or _LABELS)[number % 2 if task.labels == () else 0]
    match task.kind:
        case "span":
            return SpanExample(name, "a " * 64, text, (AnswerSpan("a", 0),))
        case "token":
            words = text.split()
            return TaggingExample(name, tuple(words), (label,) * len(words))
        case "embedding":
            return RetrievalExample(name, text, f"{number} {text}")
        case "text":
            return TextExample(name, text, (text,))
        case _:
            return PairExample(name, text, label=label, score=1.0)
