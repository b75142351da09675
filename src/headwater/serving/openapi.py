"""What the routes take and give, as OpenAPI 3.1."""

from typing import Any

from headwater import __version__
from headwater.config import Config
from headwater.pipelines.fill_mask import FillOptions
from headwater.pipelines.names import NAMES
from headwater.pipelines.question_answering import QuestionOptions
from headwater.pipelines.text_classification import ClassificationOptions
from headwater.pipelines.text_generation import GenerationOptions
from headwater.pipelines.text_to_text import TextOptions
from headwater.pipelines.token_classification import TaggingOptions
from headwater.pipelines.vectors import VectorOptions
from headwater.pipelines.zero_shot import ZeroShotOptions
from headwater.serving.asking import AskOptions
from headwater.serving.attending import AnswerOptions
from headwater.serving.openai_routes import CompletionRequest, EmbeddingRequest
from headwater.serving.settings import Settings

Schema = dict[str, Any]

_OPTIONS: tuple[type[Config], ...] = (
    QuestionOptions,
    TaggingOptions,
    ClassificationOptions,
    ZeroShotOptions,
    FillOptions,
    TextOptions,
    GenerationOptions,
    VectorOptions,
)
_ERRORS = {
    "400": "What was sent is no JSON object.",
    "401": "A key is missing or wrong.",
    "404": "There is no such model or task.",
    "408": "The request did not arrive in time.",
    "413": "The request has too many bytes.",
    "422": "The request is wrong; the error names the field.",
    "429": "Too much waits; Retry-After says when to try again.",
    "503": "The server is stopping, or its memory is used up.",
}
_TEXT: Schema = {"type": "string", "minLength": 1}


def description(settings: Settings, models: list[str]) -> Schema:
    """Return the description of every route; `models` are the names of those that there are."""
    task_request, name = _task_request(), {"type": "string", "enum": models}
    paths = {
        "/": {"post": _operation("Do a task, by the shape of the request.", task_request)},
        "/models/{model}": {
            "parameters": [_path("model", models)],
            "post": _operation("Do a task of a model.", task_request),
        },
        "/models/{model}/pipeline/{task}": {
            "parameters": [_path("model", models), _path("task", list(NAMES))],
            "post": _operation("Do a task of a model, by its name.", task_request),
        },
        "/embed": {"post": _operation("Give vectors of length 1.", task_request)},
        "/ask": {"post": _operation("Answer a question, with evidence.", _question(AskOptions))},
        "/attention": {"post": _operation("Give the attention weights.", _question(AnswerOptions))},
        "/v1/embeddings": {"post": _operation("OpenAI: vectors.", _of(EmbeddingRequest, name))},
        "/v1/completions": {"post": _operation("OpenAI: texts.", _of(CompletionRequest, name))},
    }
    for path, summary in {
        "/v1/models": "OpenAI: the models.",
        "/info": "The models, their tasks, the limits.",
        "/livez": "Whether the process works.",
        "/readyz": "Whether requests should be sent.",
        "/health": "Whether the process works.",
        "/metrics": "For Prometheus.",
    }.items():
        paths[path] = {"get": _operation(summary, None)}
    found: Schema = {
        "openapi": "3.1.0",
        "info": {"title": "headwater", "version": __version__},
        "paths": paths,
    }
    if settings.api_keys:
        scheme = {"type": "http", "scheme": "bearer"}
        found |= {"components": {"securitySchemes": {"key": scheme}}, "security": [{"key": []}]}
    return found


def _task_request() -> Schema:
    """Return the schema of a request for any task."""
    pair = _object({"question": _TEXT, "context": _TEXT})
    texts = _object({"text": _TEXT, "text_pair": _TEXT}, ["text"])
    similar = {"source_sentence": _TEXT, "sentences": {"type": "array", "items": _TEXT}}
    one = [_TEXT, pair, texts, _object(similar)]
    several = {"type": "array", "items": {"anyOf": one}, "minItems": 1}
    properties: Schema = {
        "inputs": {"anyOf": [*one, several]},
        "parameters": {"anyOf": [*map(_schema, _OPTIONS), {"type": "null"}]},
        "stream": {"type": "boolean"},
    }
    return _object(properties, ["inputs"])


def _question(options: type[Config]) -> Schema:
    more = _schema(options)["properties"]
    properties = {"question": _TEXT, "context": _TEXT, **more}
    return _object(properties, ["question"])


def _operation(summary: str, request: Schema | None) -> Schema:
    found: Schema = {"summary": summary, "responses": {"200": {"description": "The answer."}}}
    if request is not None:
        content = {"application/json": {"schema": request}}
        found["requestBody"] = {"required": True, "content": content}
    error = _object({"error": {}, "error_type": {"type": "string"}}, ["error"])
    for status, text in _ERRORS.items():
        answer = {"description": text, "content": {"application/json": {"schema": error}}}
        found["responses"][status] = answer
    return found


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def _path(name: str, values: list[str]) -> Schema:
    schema = {"type": "string", "enum": values}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _of(kind: type[Config], model: Schema) -> Schema:
    """Return the schema of a request that names one of the models."""
    found = _schema(kind)
    return {**found, "properties": {**found["properties"], "model": model}}


def _schema(kind: type[Config]) -> Schema:
    return kind.model_json_schema()
