"""How much one request may ask for: inputs, their length, and the work on each of them."""

from collections.abc import Sequence
from typing import Any

from headwater.config import Config
from headwater.pipelines.fill_mask import FillOptions
from headwater.pipelines.question_answering import QuestionOptions
from headwater.pipelines.task import PipelineTask
from headwater.pipelines.zero_shot import ZeroShotOptions
from headwater.serving.refusals import invalid
from headwater.serving.settings import Settings

_LENGTHS = ("max_new_tokens", "min_new_tokens", "max_length", "min_length")
_TIMES = ("num_beams", "num_return_sequences")
MOST_TIMES = 32
"""Beams, and texts for one input."""

_LISTS = (
    *("stop", "ignore_labels", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens"),
    *("eos_token_id", "forced_eos_token_id"),
)
MOST_LISTED = 100
"""Items of an option that is gone through again for each token."""

MOST_ANSWERS = 100
"""To one question, and for one gap."""

MOST_PAIRS = 2048
"""Inputs times candidate labels of a request, and the sentences that it compares."""

QUESTION = 2000
"""Characters of a question: a model that writes reads it again with each part of the text."""


def check_sizes(items: Sequence[Any], task: PipelineTask, settings: Settings) -> None:
    """Refuse more, and longer inputs, than the server takes at once."""
    if len(items) > settings.max_inputs:
        raise invalid(f"inputs: {len(items)}, and at most {settings.max_inputs} are taken at once")
    sentences = sum(len(getattr(item, "sentences", ())) for item in items)
    if sentences > MOST_PAIRS:
        raise invalid(f"sentences: {sentences}, and at most {MOST_PAIRS} are compared at once")
    for number, item in enumerate(items):
        question = len(getattr(item, "question", ""))
        if question > QUESTION:
            raise invalid(f"question: {question} characters, and at most {QUESTION} are read")
        length = task.characters(item)
        if length > settings.max_characters:
            raise invalid(
                f"inputs[{number}]: {length} characters, and at most {settings.max_characters} "
                "are read"
            )


def check_work(items: Sequence[Any], options: Config, settings: Settings) -> None:
    """Refuse longer texts to write, and more work on each input, than the server takes on."""
    if isinstance(options, ZeroShotOptions):
        _check_labels(items, options, settings)
    if isinstance(options, QuestionOptions | FillOptions) and options.top_k > MOST_ANSWERS:
        raise invalid(f"top_k: {options.top_k}, and at most {MOST_ANSWERS} are given")
    given = options.model_dump()
    given |= given.get("generate_parameters", {})
    for name in _LENGTHS:
        length = given.get(name) or 0
        if isinstance(length, int) and length > settings.max_new_tokens:
            raise invalid(f"{name}: {length}, and at most {settings.max_new_tokens} are written")
    for name in _TIMES:
        if isinstance(times := given.get(name) or 0, int) and times > MOST_TIMES:
            raise invalid(f"{name}: {times}, and at most {MOST_TIMES} are taken")
    for name in _LISTS:
        if isinstance(several := given.get(name), list) and len(several) > MOST_LISTED:
            raise invalid(f"{name}: {len(several)}, and at most {MOST_LISTED} are taken")


def _check_labels(texts: Sequence[str], options: ZeroShotOptions, settings: Settings) -> None:
    """Refuse more labels than are read with the texts: each is read with a text of its own."""
    labels = len(options.labels)
    if len(texts) * labels > MOST_PAIRS:
        raise invalid(
            f"candidate_labels: {labels} for {len(texts)} inputs, and at most {MOST_PAIRS} pairs "
            "are read at once"
        )
    length = max(map(len, texts)) + len(options.hypothesis_template)
    if labels * length > settings.max_characters:
        raise invalid(
            f"candidate_labels: {labels} times {length} characters of an input and the template, "
            f"and at most {settings.max_characters} are read"
        )
