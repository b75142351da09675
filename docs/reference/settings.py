"""The page of the keys of recipes, tasks and options, from the classes that check them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from docs.reference.keys import (
    Key,
    keys_of,
    meanings_of,
    sizes_of_model,
    summary_of,
    tables_in,
    toml_text,
)
from docs.reference.markdown import code, page, plain, sentence, table

from headwater.config import Config
from headwater.corpus.build_shards import ShardConfig
from headwater.corpus.cleaning.rules import CleaningConfig
from headwater.inference.generation_config import GenerationConfig
from headwater.models.families import FAMILIES, AnyFamily, presets
from headwater.pipelines.names import WHERE
from headwater.questions.config import QuestionConfig
from headwater.runs.recipe import PretrainRecipe, Recipe, resolved
from headwater.tasks.declared import KINDS, Declaration
from headwater.training.config import FEATURES_DEFAULTS, METHOD_DEFAULTS, TrainingConfig

_INTRODUCTION = """
# Settings: every key

Each key with its type, its default and its meaning, as the code says that checks it. Types and
values are written as in TOML. [Recipes](../recipes.md) explains how a recipe is written, and how
`--set a.b=VALUE` changes a key.
"""

_DEFAULTS = """
## Defaults of training

What a recipe trains with where its `[training]` is silent, by the family of the model:
"""

_METHODS = """
These methods have defaults of their own, unless the recipe names another optimizer. The family
gives the others.
"""

_FAMILIES = """
## Sizes of networks

The keys of `network.sizes`, by family. Each preset of `headwater models` has its own sizes; the
defaults here are those of the one that is named. RoBERTa, XLM-RoBERTa, CamemBERT and DistilBERT
have BERT's keys; mT5, umT5 and ByT5 have T5's.
"""

_TASKS = """
## A task of your own

The keys of a task file ([a task of your own](../own_tasks.md)). Those of every kind:
"""

_PIPELINES = """
## Options of pipelines

What a call of `headwater.pipeline` takes, and `parameters` of a request to the server
([pipelines](../pipelines.md), [serving](../serving.md)).
"""

_TRAINED = ("optimizer", "learning_rate", "schedule", "warmup", "weight_decay")

_OTHERS: Mapping[str, type[Config]] = {
    "Options of text generation": GenerationConfig,
    "Options of `generate-questions`": QuestionConfig,
    "Options of `corpus clean`": CleaningConfig,
    "Options of `corpus build`": ShardConfig,
}
"""What `--set` changes that is no recipe; its docstring tells where else it is given."""


def settings_page() -> str:
    """Return the page."""
    return page(
        _INTRODUCTION, *_recipes(), *_defaults(), *_families(), *_others(), *_tasks(), *_pipelines()
    )


def _recipes() -> Iterator[str]:
    """Yield the keys of both kinds of recipes, then the tables that they have."""
    known: dict[type[Config], str] = {PretrainRecipe: "", Recipe: ""}
    for kind in (PretrainRecipe, Recipe):
        _find_tables(kind, known)
    for verb, kind in (("finetune", Recipe), ("pretrain", PretrainRecipe)):
        yield f"## A recipe of `{verb}`"
        yield _keys(keys_of(kind, _linked(known)))
    yield "## Tables of recipes"
    yield from _sections(known)


def _find_tables(kind: type[Config], known: dict[type[Config], str]) -> None:
    """Add the tables inside of a Config, each under its first path."""
    for key, inner, many in tables_in(kind):
        if inner not in known:
            path = f"{known[kind].strip('[]')}.{key}".strip(".")
            known[inner] = f"[{path}]" if many else path
            _find_tables(inner, known)


def _sections(known: Mapping[type[Config], str]) -> Iterator[str]:
    """Yield a section for each table that is inside of another."""
    for kind, path in known.items():
        if path:
            yield f"### `[{path}]`"
            yield plain(summary_of(kind))
            yield _keys(_by_family(key, kind) for key in keys_of(kind, _linked(known)))


def _by_family(key: Key, kind: type[Config]) -> Key:
    """Return a key of training whose default the family or the method has with that said."""
    if kind is TrainingConfig and key.name in _TRAINED:
        return key._replace(default="[by family](#defaults-of-training)")
    return key


def _linked(known: Mapping[type[Config], str]) -> Any:
    """Return what names a table by its class, with a link to its section."""
    anchors = {kind.__name__: re.sub(r"\W", "", path) for kind, path in known.items()}
    return lambda name: f"[table](#{anchors[name]})"


def _keys(keys: Iterable[Key]) -> str:
    rows = [(code(name), kind, usual, plain(sentence(said))) for name, kind, usual, said in keys]
    return table(("key", "type", "default", "meaning"), rows)


def _defaults() -> Iterator[str]:
    """Yield what is trained with by default: fine-tuning, pre-training, the methods."""
    yield _DEFAULTS
    tuned = {"model": "m", "task": "rte", "data": {"train": ["f"]}}
    families = [family for family in FAMILIES.values() if family.kind != "word_vectors"]
    yield _training(
        "fine-tuning", {each.title: _of(Recipe.check(tuned, ""), each) for each in families}
    )
    rows = {}
    for family in FAMILIES.values():
        if family.objectives:
            given = {"model": "m", "objective": family.objectives[0], "corpus": {"train": ["s"]}}
            rows[family.title] = _of(PretrainRecipe.check(given, ""), family)
    yield _training("pre-training", rows)
    yield _METHODS
    methods = {str(name): own for name, own in METHOD_DEFAULTS.items()}
    yield _training("method", {**methods, "features": FEATURES_DEFAULTS})


def _of(recipe: Recipe | PretrainRecipe, family: AnyFamily) -> dict[str, Any]:
    return resolved(recipe, family).training.model_dump()


def _training(name: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (family, *(code(toml_text(own[key])) if key in own else "" for key in _TRAINED))
        for family, own in values.items()
    ]
    return table((name, *map(code, _TRAINED)), rows)


def _families() -> Iterator[str]:
    yield _FAMILIES
    named = {
        family.title: next(iter(family.formats.values())).preset
        for family in FAMILIES.values()
        if family.presets
    }
    shared: dict[str, str] = {}
    for preset in reversed(named.values()):
        shared |= meanings_of(type(presets()[preset]))
    for title, preset in named.items():
        yield f"### {title}: `{preset}`"
        yield _keys(sizes_of_model(presets()[preset], shared))


def _others() -> Iterator[str]:
    for title, kind in _OTHERS.items():
        known: dict[type[Config], str] = {kind: ""}
        _find_tables(kind, known)
        yield f"## {title}"
        yield plain(summary_of(kind))
        yield _keys(keys_of(kind, _linked(known)))
        yield from _sections(known)


def _tasks() -> Iterator[str]:
    """Yield the keys of every kind of task, then those of each."""
    known: dict[type[Config], str] = {Declaration: ""}
    _find_tables(Declaration, known)
    yield _TASKS
    yield _keys(keys_of(Declaration, _linked(known)))
    yield from _sections(known)
    for name, kind in KINDS.items():
        own = [
            key for key in keys_of(kind, _linked(known)) if key.name not in Declaration.model_fields
        ]
        yield f"### Kind `{name}`"
        yield plain(summary_of(kind))
        yield _keys(own)
        yield f"Metrics: {', '.join(map(code, kind.known_metrics))}."


def _pipelines() -> Iterator[str]:
    """Yield the options of each task, those that several share once."""
    yield _PIPELINES
    by_options: dict[type[Config], list[str]] = {}
    for name, where in WHERE.items():
        module, _, kind = where.partition(".")
        options = getattr(import_module(f"headwater.pipelines.{module}"), kind).options
        by_options.setdefault(options, []).append(name)
    for options, names in by_options.items():
        yield f"### {', '.join(map(code, names))}"
        yield _keys(keys_of(options, str, meanings_of(GenerationConfig)))
