"""The routes of OpenAI's clients: models, embeddings, completions."""

import base64
import struct
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, final
from uuid import uuid4

from pydantic import Field, PositiveInt
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater.config import Config
from headwater.pipelines.text_generation import GenerationOptions
from headwater.pipelines.vectors import VectorOptions
from headwater.serving.bodies import read_object
from headwater.serving.bounds import check_sizes, check_work
from headwater.serving.engine import Engine
from headwater.serving.models import ServedModel
from headwater.serving.refusals import invalid
from headwater.serving.tasks_routes import start_stream
from headwater.serving.token_events import Event, EventStream, line

_REASONS = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}


class EmbeddingRequest(Config):
    """What is read of a request for embeddings."""

    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: PositiveInt | None = None
    user: str | None = None


class CompletionRequest(Config):
    """What is read of a request for completions; a temperature of 0 is greedy search."""

    model: str
    prompt: str | list[str]
    max_tokens: PositiveInt = 16
    temperature: float = Field(default=1.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    n: Literal[1] = 1
    stop: str | list[str] = Field(default=[])
    seed: int = Field(default=0, ge=0)
    echo: bool = False
    stream: bool = False
    user: str | None = None

    @property
    def stops(self) -> list[str]:
        """The texts that end a text."""
        return [self.stop] if isinstance(self.stop, str) else self.stop

    def options(self) -> GenerationOptions:
        """Return the same by our names."""
        given: dict[str, Any] = {"max_new_tokens": self.max_tokens, "details": True}
        given |= {"seed": self.seed, "stop": self.stops}
        if self.temperature > 0:
            given |= {"do_sample": True, "temperature": float(self.temperature)}
            given |= {"top_p": float(self.top_p)}
        return GenerationOptions.check(given, "request")


@final
class OpenAIRoutes:
    """Answers in OpenAI's shapes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def models(self, request: Request) -> Response:
        """List the models."""
        found = [
            {"id": each.name, "object": "model", "created": 0, "owned_by": "headwater"}
            for each in self._engine.models
        ]
        return JSONResponse({"object": "list", "data": found})

    async def embeddings(self, request: Request) -> Response:
        """Give vectors of texts."""
        asked = EmbeddingRequest.check(await self._body(request), "request")
        model = self._doing(request, asked.model, "feature-extraction")
        task = model.tasks["feature-extraction"]
        texts, _ = task.items(asked.input)
        check_sizes(texts, task, self._engine.settings)
        options = VectorOptions(normalize=True, dimensions=asked.dimensions)
        found = await self._engine.ask(request, task, texts, options)
        coded = [_packed(each) if asked.encoding_format == "base64" else each for each in found]
        data = [
            {"object": "embedding", "index": index, "embedding": each}
            for index, each in enumerate(coded)
        ]
        tokens = await run_in_threadpool(_count, model, texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": model.name, "usage": usage})

    async def completions(self, request: Request) -> Response:
        """Continue prompts."""
        asked = CompletionRequest.check(await self._body(request), "request")
        model = self._doing(request, asked.model, "text-generation")
        task = model.tasks["text-generation"]
        prompts, one = task.items(asked.prompt)
        check_sizes(prompts, task, self._engine.settings)
        check_work(prompts, asked.options(), self._engine.settings)
        base = {
            "id": f"cmpl-{uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model.name,
        }
        if asked.stream:
            if not one:
                raise invalid("prompt: one text was expected where stream is true")
            events = start_stream(self._engine, model, prompts[0], asked.options())
            lines = _lines(events.events(), base, asked, prompts[0], request.url.path)
            return EventStream(events, lines)
        results = await self._engine.ask(request, task, prompts, asked.options())
        return JSONResponse({**base, **_completions(prompts, results, asked)})

    async def _body(self, request: Request) -> dict[str, Any]:
        body = await read_object(request, self._engine.settings)
        return {key: value for key, value in body.items() if value is not None}

    def _doing(self, request: Request, name: str, task: str) -> ServedModel:
        """Return the model of a name, which must do a task."""
        request.state.task = task
        model = self._engine.models.named(name)
        self._engine.models.task(model, task)
        return model


def _completions(
    prompts: Sequence[str], results: Sequence[Any], asked: CompletionRequest
) -> dict[str, Any]:
    choices, read, written = [], 0, 0
    for index, (prompt, [result]) in enumerate(zip(prompts, results, strict=True)):
        details = result["details"]
        text = _before_stop(result["generated_text"], asked.stops)
        choices.append(_choice(prompt + text if asked.echo else text, details, index))
        read += details["input_length"]
        written += details["generated_tokens"]
    usage = {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }
    return {"choices": choices, "usage": usage}


def _choice(text: str, details: dict[str, Any] | None, index: int = 0) -> dict[str, Any]:
    reason = None if details is None else _REASONS[details["finish_reason"]]
    return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}


def _before_stop(text: str, stops: Sequence[str]) -> str:
    places = [text.find(each) for each in stops if each and each in text]
    return text[: min(places)] if places else text


async def _lines(
    events: AsyncIterator[Event],
    base: dict[str, Any],
    asked: CompletionRequest,
    prompt: str,
    path: str,
) -> AsyncIterator[bytes]:
    """Yield OpenAI's events; what may be the beginning of a stop waits until that is known."""
    held = max([len(each) for each in asked.stops], default=1) - 1
    text, sent = prompt if asked.echo else "", 0
    begin = len(text)
    async for event in events:
        if event.error is not None:
            yield line(event.error.body(path))
            return
        text += event.token["text"]
        written = _before_stop(text[begin:], asked.stops)
        ready = begin + (len(written) if event.end else max(0, len(written) - held))
        if ready > sent or event.end:
            yield line({**base, "choices": [_choice(text[sent:ready], event.end)]})
            sent = max(sent, ready)
    yield b"data: [DONE]\n\n"


def _packed(vector: Sequence[float]) -> str:
    """Return float32 in base64, lowest byte first, which OpenAI's client asks for."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _count(model: ServedModel, texts: Sequence[str]) -> int:
    return sum(len(each) for each in model.loaded.vocabulary.encode_batch(texts))
