"""The full budget: official data below `--data` and pre-trained weights given by `--model`.

    DIR/glue/CoLA, SST-2, MRPC, STS-B, RTE      train.tsv, dev.tsv
    DIR/qa/squad_v1.1                           train-v1.1*.json, dev-v1.1.json
    DIR/translation/multi30k                    train and test_2016_flickr, .en.gz and .de.gz
    DIR/summarization/scitldr_a                 train.jsonl, test.jsonl
    DIR/ner/wnut17                              wnut17train.conll, emerging.test.annotated
    DIR/text/STORE                              token stores of `headwater corpus build`

Settings and the best weights are chosen on data split off the training files; the test, which is
the benchmark's dev set where the real one is secret, is scored once.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.checkpoints.hub import resolve
from headwater.errors import UserError
from headwater.models.families import family_of
from headwater.studies.study import GridRun, Measure, StudyContext, Trial

FILES: Mapping[str, tuple[str, str, str]] = {
    "cola": ("glue/CoLA", "train.tsv", "dev.tsv"),
    "sst2": ("glue/SST-2", "train.tsv", "dev.tsv"),
    "mrpc": ("glue/MRPC", "train.tsv", "dev.tsv"),
    "stsb": ("glue/STS-B", "train.tsv", "dev.tsv"),
    "rte": ("glue/RTE", "train.tsv", "dev.tsv"),
    "squad": ("qa/squad_v1.1", "train-v1.1*.json", "dev-v1.1.json"),
    "translate_en_de": ("translation/multi30k", "train.en*", "test_2016_flickr.en*"),
    "scitldr": ("summarization/scitldr_a", "train.jsonl", "test.jsonl"),
    "wnut17": ("ner/wnut17", "wnut17train.conll", "emerging.test.annotated"),
}
"""Folder, training file and test file of each task."""
METRICS = {"stsb": "spearman", "scitldr": "rouge2"}
"""Where the papers' tables show another metric than the task's main one."""

GLUE = ("cola", "sst2", "mrpc", "stsb", "rte")
TESTS = ("sst2", "mrpc", "rte")
"""What a body is measured by that a study pre-trained itself."""
_COUNTED_IN_STEPS = ("steps", "eval_steps", "warmup")
_LENGTHS: Mapping[str, dict[str, Any]] = {
    "squad": {"text": {"max_inputs": 512, "max_targets": 32}},
    "scitldr": {"text": {"max_inputs": 384, "max_targets": 64}},
}


@dataclass(frozen=True, slots=True)
class OfficialData:
    """A task's official files."""

    task: str
    train: str
    measure: Measure

    def recipe(self, examples: int | None = None) -> dict[str, Any]:
        """Return the table `data` of a recipe: a tenth of the training data is held out."""
        data = {"train": [self.train], "validation_share": 0.1}
        return data if examples is None else data | {"most": examples}


def task_files(context: StudyContext, task: str) -> OfficialData:
    """Find a task's files below the folder of the official data."""
    folder, train, test = FILES[task]
    measure = Measure(task, (_one_file(context, folder, test),), METRICS.get(task))
    return OfficialData(task, _one_file(context, folder, train), measure)


def model(context: StudyContext, *families: str) -> str:
    """Return the first of the models given that is of one of the families."""
    for name in context.models:
        if family(name) in families:
            return name
    given = ", ".join(f"{name} is a {family(name)}" for name in context.models) or "none was given"
    raise UserError(
        f"--budget full: give a pre-trained {' or '.join(families)} (--model studies/bodies/"
        f"{families[0]}, or your own); {given}"
    )


def family(name: str) -> str:
    """Return the family of a model, as `studies/bodies` names them."""
    return family_of(_config(name)).name


def learning_rate(context: StudyContext, name: str) -> float:
    """Return the rate at which every parameter is adapted: `--learning-rate`, or the usual.

    The smaller a network, the larger the rate that suits it; `studies/bodies` learn best at 1e-3.
    """
    return context.learning_rate or (1e-3 if family(name) == "t5" else 1e-4)


def random_like(name: str) -> dict[str, Any]:
    """Return the part of a recipe that begins from random weights of a model's own sizes."""
    config = _config(name)
    preset = family_of(config).formats[config.model_type].preset
    sizes = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if type(getattr(config, field.name)) in (int, float, str, bool)
        and not field.name.endswith("token_id")
        and field.name not in ("model_type", "vocab_size")
    }
    return {"network": {"preset": preset, "vocabulary": str(resolve(name)), "sizes": sizes}}


def finetuned(
    context: StudyContext,
    name: str,
    files: OfficialData,
    seed: int,
    *,
    examples: int | None = None,
    start: GridRun | None = None,
    **changes: Any,
) -> GridRun:
    """Fine-tune on a task.

    Args:
        start: the run to begin from; None: `changes` name the model.
        changes: keys of the recipe; `training` is laid over the usual.
    """
    training = {"batch": {"examples": 32}, "seed": seed, "save_steps": 1000}
    training |= _scaled(context, changes.pop("training", {}))
    recipe = {"task": files.task, "data": files.recipe(examples), "training": training}
    recipe |= _LENGTHS.get(files.task, {}) | changes
    if start is not None:
        recipe["model"] = context.run(start.name)
    return GridRun(f"{name}-{seed}", recipe, (start,) if start else ())


def _scaled(context: StudyContext, training: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table `training` of a recipe, with its steps times the study's scale."""
    counted = {key: value for key, value in training.items() if key in _COUNTED_IN_STEPS}
    return {**training, **{key: max(1, round(n * context.scale)) for key, n in counted.items()}}


def trials(context: StudyContext, setting: str, name: str, body: GridRun, seed: int) -> list[Trial]:
    """Fine-tune a T5 that a study pre-trained on each of `TESTS`, and measure it there."""
    training: dict[str, Any] = {"steps": 1000, "eval_steps": 250}
    training["learning_rate"] = learning_rate(context, model(context, "t5"))
    found = []
    for task in TESTS:
        files = task_files(context, task)
        run = finetuned(context, f"{name}-{task}", files, seed, examples=20000, start=body,
                        training=training)  # fmt: skip
        found.append(Trial(setting, task, seed, run, files.measure))
    return found


def pretrained(
    context: StudyContext,
    name: str,
    family: str,
    seed: int,
    changes: dict[str, Any],
    sizes: dict[str, Any] | None = None,
) -> GridRun:
    """Pre-train a network of a given model's sizes, changed by `sizes`.

    Args:
        changes: keys of the recipe; `training` is laid over the usual, and `corpus` is
            `DIR/text/sentinels` where they have none.
    """
    network = random_like(model(context, family))["network"]
    del network["vocabulary"]  # the store's
    network["sizes"] |= sizes or {}
    training = {"steps": 5000, "batch": {"tokens": 4096}, "learning_rate": 1e-2, "warmup": 300,
                "schedule": "inverse_square_root", "seed": seed}  # fmt: skip
    scaled = _scaled(context, training | changes.get("training", {}))
    recipe = {"corpus": {"train": store(context, "sentinels")}} | changes
    return GridRun(f"{name}-{seed}", recipe | {"network": network, "training": scaled})


def depth(name: str) -> int:
    """Return how many layers each side of a T5 has."""
    return int(random_like(name)["network"]["sizes"]["num_layers"])


def mixed(
    context: StudyContext,
    name: str,
    tasks: Sequence[OfficialData],
    seed: int,
    training: dict[str, Any],
    changes: dict[str, Any],
) -> GridRun:
    """Fine-tune on several tasks at once, in equal shares unless `changes` has a `mixture`."""
    components = [{"task": files.task, "data": files.recipe()} for files in tasks]
    rates = changes.get("mixture", {"rates": "equal"})
    run = finetuned(context, name, tasks[0], seed, training=training, **changes)
    recipe = {key: value for key, value in run.recipe.items() if key not in ("task", "data")}
    return GridRun(run.name, recipe | {"mixture": rates | {"tasks": components}})


def store(context: StudyContext, name: str) -> str:
    """Return a token store below `DIR/text`."""
    return _one_file(context, "text", name)


def _config(name: str) -> Any:
    from headwater.checkpoints.description import Description  # its models import torch

    return Description.read(resolve(name)).config


def _one_file(context: StudyContext, folder: str, pattern: str) -> str:
    assert context.data is not None  # `run_study` has looked
    found = sorted((context.data / folder).glob(pattern))
    if not found:
        raise UserError(
            f"{context.data / folder / pattern}: no such file; docs/studies.md says what lies where"
        )
    return str(found[0])
