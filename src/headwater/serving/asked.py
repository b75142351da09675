"""What the body of a request means: its task by its shape, its inputs, its options.

The clients of the hub POST every task to one address, so that the shape must tell.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater.config import Config
from headwater.pipelines.names import NAMES
from headwater.pipelines.task import PipelineTask
from headwater.pipelines.text_generation import GenerationOptions
from headwater.pipelines.vectors import VectorOptions
from headwater.serving.refusals import invalid
from headwater.serving.settings import Settings

_BY_FIELD: Mapping[str, tuple[str, ...]] = {
    "question": ("question-answering",),
    "source_sentence": ("sentence-similarity",),
    "text": ("text-classification",),
}
"""Of inputs that are objects."""

_WRITING = ("text2text-generation", "summarization", "translation")
_BY_PARAMETER: Mapping[str, tuple[str, ...]] = {
    "candidate_labels": ("zero-shot-classification",),
    "aggregation_strategy": ("token-classification",),
    "ignore_labels": ("token-classification",),
    "function_to_apply": ("text-classification",),
    "targets": ("fill-mask",),
    "src_lang": ("translation",),
    "tgt_lang": ("translation",),
    "generate_parameters": _WRITING,
    "clean_up_tokenization_spaces": _WRITING,
    "truncation": _WRITING,
}
_OWN_KEYS = ("inputs", "parameters", "stream", "options")
"""Of a request; `options` of old clients says how a queue of theirs is used, and means nothing."""

_VECTORS = tuple(VectorOptions.model_fields)
_CONTINUING = {"details", "return_full_text", "stop", "seed"}
_GENERATION = set(GenerationOptions.model_fields) - {"top_k"} - _CONTINUING

_LENGTHS = ("max_new_tokens", "min_new_tokens", "max_length", "min_length")
_TIMES = ("num_beams", "num_return_sequences")
MOST_TIMES = 32
"""Beams, and texts for one input."""

MOST_PAIRS = 2048
"""Inputs times candidate labels of a request."""

QUESTION = 2000
"""Characters of a question: a model that writes reads it again with each part of the text."""


class Asked(NamedTuple):
    """A request that was understood.

    one: whether its input was given without a list. stream: whether the text is to come in parts.
    """

    items: list[Any]
    one: bool
    options: Config
    stream: bool


def hints(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tasks that a body may mean; none: any task of a text."""
    inputs = body.get("inputs")
    first = inputs[0] if isinstance(inputs, list) and inputs else inputs
    if isinstance(first, dict):
        return next((found for name, found in _BY_FIELD.items() if name in first), NAMES[:1])
    parameters = _parameters(body)
    for name, found in _BY_PARAMETER.items():
        if name in parameters:
            return found
    if "stream" in body or _CONTINUING & set(parameters):
        return ("text-generation",)
    if _GENERATION & set(parameters):
        return ("text-generation", *_WRITING)
    if any(name in body for name in _VECTORS):
        return ("feature-extraction",)
    return ()


def asked(body: Mapping[str, Any], name: str, task: PipelineTask, settings: Settings) -> Asked:
    """Check a body as one of a task.

    Args:
        name: of the task.
    """
    own = _VECTORS if name == "feature-extraction" else ()
    for key in body:
        if key not in (*_OWN_KEYS, *own):
            raise invalid(f"{key}: unknown; a request has inputs and parameters")
    if "inputs" not in body:
        raise invalid("inputs: missing")
    values = {**{key: body[key] for key in own if key in body}, **_parameters(body)}
    options = task.options.check(
        {key: value for key, value in values.items() if value is not None}, "parameters"
    )
    stream = body.get("stream")
    if stream not in (None, False, True):
        raise invalid("stream: true or false was expected")
    items, one = task.items(body["inputs"])
    if stream and (name != "text-generation" or not one):
        raise invalid("stream: is for text-generation of one text")
    check_sizes(items, task, settings)
    check_work(len(items), options, settings)
    return Asked(items, one, options, bool(stream))


def check_work(inputs: int, options: Config, settings: Settings) -> None:
    """Refuse longer texts to write, and more work on each input, than the server takes on."""
    given = options.model_dump()
    given |= given.get("generate_parameters", {})
    for name in _LENGTHS:
        length = given.get(name) or 0
        if isinstance(length, int) and length > settings.max_new_tokens:
            raise invalid(f"{name}: {length}, and at most {settings.max_new_tokens} are written")
    for name in _TIMES:
        if isinstance(times := given.get(name) or 0, int) and times > MOST_TIMES:
            raise invalid(f"{name}: {times}, and at most {MOST_TIMES} are taken")
    labels = given.get("candidate_labels") or []
    if not isinstance(labels, str) and inputs * len(labels) > MOST_PAIRS:
        raise invalid(
            f"candidate_labels: {len(labels)} for {inputs} inputs, and at most {MOST_PAIRS} pairs "
            "are read at once"
        )


def check_sizes(items: list[Any], task: PipelineTask, settings: Settings) -> None:
    """Refuse more, and longer inputs, than the server takes at once."""
    if len(items) > settings.max_inputs:
        raise invalid(f"inputs: {len(items)}, and at most {settings.max_inputs} are taken at once")
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


def _parameters(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found = body.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise invalid("parameters: an object was expected")
    return found
