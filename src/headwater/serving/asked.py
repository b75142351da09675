"""What the body of a request means: its task by its shape, its inputs, its options.

The clients of the hub POST every task to one address, so that the shape must tell.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater.config import Config
from headwater.pipelines.names import NAMES
from headwater.pipelines.task import PipelineTask
from headwater.pipelines.text_generation import GenerationOptions
from headwater.pipelines.text_to_text import KEYS
from headwater.pipelines.vectors import VectorOptions
from headwater.serving.bounds import check_sizes, check_work
from headwater.serving.refusals import invalid
from headwater.serving.settings import Settings

_BY_FIELD: Mapping[str, tuple[str, ...]] = {
    "question": ("question-answering",),
    "source_sentence": ("sentence-similarity",),
    "text": ("text-classification",),
}
"""Of inputs that are objects."""

_WRITING = tuple(KEYS)
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
    if not isinstance(stream, bool | None):
        raise invalid("stream: true or false was expected")
    items, one = task.items(body["inputs"])
    if stream and (name != "text-generation" or not one):
        raise invalid("stream: is for text-generation of one text")
    check_sizes(items, task, settings)
    check_work(items, options, settings)
    return Asked(items, one, options, bool(stream))


def _parameters(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found = body.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise invalid("parameters: an object was expected")
    return found
