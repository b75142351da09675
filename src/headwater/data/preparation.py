"""From the files a recipe names to the examples a run trains on and is measured on.

The steps, each a pure function of the examples and the seed: read, drop what overlaps with held-out
text, split validation off by article, make questions without an answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater.data.config import DataConfig
from headwater.data.example import SpanExample
from headwater.data.overlap import without_overlap
from headwater.data.source import Examples
from headwater.data.split import split_articles
from headwater.data.task import Task
from headwater.data.unanswerable import add_unanswerable
from headwater.errors import UserError

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to train on, and what to measure on during the run; None: nothing."""

    training: Examples[SpanExample]
    validation: Examples[SpanExample] | None


def prepare(task: Task[SpanExample], config: DataConfig, seed: int, say: Say) -> Prepared:
    """Read and prepare the data of a run; `say` is told what was repaired, dropped and made.

    Raises:
        UserError: a file is broken, or nothing is left to train or to measure on.
    """
    examples = list(_read(task, config.train, say))
    if config.held_out:
        examples = _clear(task, examples, config.held_out, say)
    validation: list[SpanExample] = []
    if config.validation:
        validation = list(_read(task, config.validation, say))
    elif config.validation_share:
        examples, validation = split_articles(examples, config.validation_share, seed)
        if not validation or not examples:
            raise UserError(
                f"data.validation_share = {config.validation_share}: too few articles to split; "
                "name validation files instead"
            )
        if config.unanswerable:
            validation = add_unanswerable(validation, config.unanswerable, seed)
    if config.longest_context is not None:
        examples = [each for each in examples if len(each.context) <= config.longest_context]
    if config.longest_answer is not None:
        examples = [each for each in examples if _answer_length(each) <= config.longest_answer]
    if config.unanswerable:
        examples = add_unanswerable(examples, config.unanswerable, seed)
    if not examples:
        raise UserError("no question is left to train on")
    say(_summary(examples, "train on") + (_summary(validation, "; measure on") or ""))
    return Prepared(Examples(examples), Examples(validation) if validation else None)


def _read(task: Task[SpanExample], names: Sequence[str], say: Say) -> Examples[SpanExample]:
    examples = task.read([Path(name).expanduser() for name in names])
    if summary := examples.report.summary():
        say(f"{', '.join(names)}: {summary}")
    return examples


def _clear(
    task: Task[SpanExample], examples: list[SpanExample], names: Sequence[str], say: Say
) -> list[SpanExample]:
    held_out = {  # file by file, since two versions of a set share their ids
        example.context
        for name in names
        for example in task.read([Path(name).expanduser()], answered=False)
    }
    kept, dropped = without_overlap(examples, held_out)
    say(
        f"held out: {len(examples) - len(kept)} questions dropped with {len(dropped)} paragraphs "
        f"that overlap with {', '.join(names)}"
    )
    return kept


def _answer_length(example: SpanExample) -> int:
    return len(example.agreed_answer.text) if example.answers else 0


def _summary(examples: Sequence[SpanExample], what: str) -> str:
    if not examples:
        return ""
    impossible = sum(example.impossible for example in examples)
    without = f" ({impossible} without an answer)" if impossible else ""
    return f"{what} {len(examples)} questions{without}"
