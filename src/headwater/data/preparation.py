"""From the files a recipe names to the examples a run trains on and is measured on.

The steps, each a pure function of the examples and the seed: read, drop what overlaps with held-out
text, split validation off, choose; of questions on a text: make some without an answer.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from headwater.data import order
from headwater.data.config import DataConfig
from headwater.data.example import Example, Examples, SpanExample
from headwater.data.hub_files import with_hub
from headwater.data.official_files import Split, with_folders
from headwater.data.overlap import without_overlap
from headwater.data.split import filled_folds, hold_out_fold, split_off
from headwater.data.task import Task
from headwater.data.unanswerable import add_unanswerable
from headwater.errors import UserError, counted

logger = logging.getLogger(__name__)

_OF_SPANS = ("longest_context", "longest_answer", "unanswerable")


@dataclass(frozen=True, slots=True)
class PreparedData:
    """What to train on, and what to measure on during the run; None: nothing."""

    training: Examples[Any]
    validation: Examples[Any] | None


def prepare(
    task: Task[Any], config: DataConfig, seed: int, *, writes: bool = False
) -> PreparedData:
    """Read and prepare the data of a run; messages tell what was repaired, dropped and made.

    Args:
        writes: whether the model writes its predictions.
    """
    _check(task, config)
    examples = _trained(task, _read(task, config.train, "train"), config.train, writes)
    if config.held_out:
        examples = _without_held_out(task, examples, config.held_out)
    validation: list[Any] = []
    if config.validation:
        validation = list(_read(task, config.validation, "validation"))
    elif config.measures:
        examples, validation = _split(examples, config, seed)
    if _are_spans(examples):
        examples, validation = _choose_questions(examples, validation, config, seed)
    if config.most is not None and config.most < len(examples):
        chosen = sorted(order.permutation(seed, 0, len(examples), order.CHOICE)[: config.most])
        examples = [examples[index] for index in chosen]
    if not examples:
        raise UserError(f"task {task.name}: no example is left to train on")
    measured = f"; measure on {_counted(validation)}" if validation else ""
    logger.info(f"{task.name}: train on {_counted(examples)}{measured}")
    return PreparedData(Examples(examples), Examples(validation) if validation else None)


def _split(examples: list[Any], config: DataConfig, seed: int) -> tuple[list[Any], list[Any]]:
    """Hold out a share, or a fold, of the examples."""
    if config.folds is not None and config.fold is not None:
        said = f"data.fold = {config.fold} of {config.folds}"
        filled = filled_folds(examples, config.folds, seed)
        if filled < config.folds:  # found in the first fold, not after hours in an empty one
            raise UserError(
                f"data.folds = {config.folds}: only {filled} of the parts would hold a text; take "
                "fewer folds"
            )
        found = hold_out_fold(examples, config.folds, config.fold, seed)
    else:
        said = f"data.validation_share = {config.validation_share}"
        found = split_off(examples, config.validation_share, seed)
    if not all(found):
        raise UserError(f"{said}: too few texts to split; name validation files instead")
    return found


def _check(task: Task[Any], config: DataConfig) -> None:
    for name in _OF_SPANS:
        if task.kind != "span" and getattr(config, name):
            raise UserError(f"data.{name} is for questions on a text; task {task.name} has none")


def _are_spans(examples: Sequence[Example]) -> TypeGuard[list[SpanExample]]:
    return all(isinstance(each, SpanExample) for each in examples)


def _choose_questions(
    examples: list[SpanExample], validation: list[SpanExample], config: DataConfig, seed: int
) -> tuple[list[SpanExample], list[SpanExample]]:
    """Leave out what is too long, and make questions without an answer."""
    if config.unanswerable and validation and not config.validation:
        validation = add_unanswerable(validation, config.unanswerable, seed)
    if config.longest_context is not None:
        examples = [each for each in examples if len(each.context) <= config.longest_context]
    if config.longest_answer is not None:
        examples = [each for each in examples if _answer_length(each) <= config.longest_answer]
    if config.unanswerable and examples:
        examples = add_unanswerable(examples, config.unanswerable, seed)
    return examples, validation


def _read(task: Task[Any], names: Sequence[str], split: Split) -> Examples[Any]:
    paths = with_hub(task.name, task.files, names, split)
    examples = task.read(with_folders(task.name, task.files, paths, split))
    if summary := examples.report.summary():
        logger.info(f"{', '.join(names)}: {summary}")
    return examples


def _trained(
    task: Task[Any], examples: Examples[Any], names: Sequence[str], writes: bool
) -> list[Any]:
    """Return the examples that can be trained on."""
    report = examples.report
    if report.refused:
        raise UserError(report.refused[0])
    found = (task.trained(example, writes=writes) for example in examples)
    kept = [example for example in found if example is not None]
    first = f"; the first: {report.untrained[0]}" if report.untrained else ""
    if not kept:
        raise UserError(f"{', '.join(names)}: no example of task {task.name} to train on{first}")
    if dropped := len(examples) - len(kept):
        logger.info(
            f"{', '.join(names)}: {counted(dropped, 'example')} cannot be trained on{first}"
        )
    return kept


def _without_held_out(task: Task[Any], examples: list[Any], names: Sequence[str]) -> list[Any]:
    files = with_hub(task.name, task.files, names, "validation")
    held_out = {  # file by file, since two versions of a set share their ids
        example.passage for file in files for example in task.read([file], answered=False)
    }
    kept, dropped = without_overlap(examples, held_out)
    logger.info(
        f"held out: {counted(len(examples) - len(kept), 'example')} dropped with "
        f"{counted(len(dropped), 'text')} that overlapped with {', '.join(names)}"
    )
    return kept


def _answer_length(example: SpanExample) -> int:
    if example.answers:
        return len(example.agreed_answer.text)
    return min(map(len, example.unplaced), default=0)


def _counted(examples: Sequence[Any]) -> str:
    impossible = sum(isinstance(each, SpanExample) and each.impossible for each in examples)
    without = f" ({impossible} without an answer)" if impossible else ""
    return f"{counted(len(examples), 'example')}{without}"
