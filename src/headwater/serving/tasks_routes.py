"""The routes of the tasks: at the root, by a model's name, and by a model's and a task's."""

from typing import Any, final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater.pipelines.task import PipelineTask
from headwater.pipelines.text_generation import GenerationOptions, TextGeneration
from headwater.serving.asked import Asked, asked, hints
from headwater.serving.asking import Asking
from headwater.serving.attending import Attending
from headwater.serving.bodies import read_object
from headwater.serving.bounds import check_sizes
from headwater.serving.engine import Engine
from headwater.serving.models import ServedModel
from headwater.serving.refusals import invalid
from headwater.serving.token_events import EventStream, TokenEvents, as_lines
from headwater.serving.work_queue import Entry


@final
class TaskRoutes:
    """Answers requests for tasks."""

    def __init__(self, engine: Engine, asking: Asking | None, attending: Attending | None) -> None:
        self._engine, self._asking, self._attending = engine, asking, attending

    async def root(self, request: Request) -> Response:
        """Answer by the shape of the body, with the first model that fits it."""
        return await self._answered(request, None, None)

    async def model(self, request: Request) -> Response:
        """Answer with a model, by the shape of the body and by what the model does."""
        model = self._engine.models.named(request.path_params["model"])
        return await self._answered(request, model, None)

    async def task(self, request: Request) -> Response:
        """Answer with a model and a task."""
        model = self._engine.models.named(request.path_params["model"])
        self._engine.models.task(model, request.path_params["task"])
        return await self._answered(request, model, request.path_params["task"])

    async def embed(self, request: Request) -> Response:
        """Answer with vectors of length 1, as text-embeddings-inference does."""
        model = self._engine.models.doing("feature-extraction")
        return await self._answered(request, model, "feature-extraction", normalize=True)

    async def ask(self, request: Request) -> Response:
        """Answer a question with its evidence, or that the text does not."""
        if self._asking is None:
            raise invalid("no model here answers questions; see /info for what they do")
        return await self._own(request, "ask", self._asking, ("top_k",))

    async def attention(self, request: Request) -> Response:
        """Answer with where the model looked that found an answer."""
        if self._attending is None:
            raise invalid("no encoder here finds answers in texts; see /info for what models do")
        return await self._own(request, "attention", self._attending, ("start", "end"))

    async def _own(
        self, request: Request, name: str, task: PipelineTask, names: tuple[str, ...]
    ) -> Response:
        request.state.task = name
        body = await read_object(request, self._engine.settings)
        for key in body:
            if key not in (*names, "question", "context"):
                raise invalid(f"{key}: unknown; a request has a question and a context")
        given = {key: body[key] for key in names if body.get(key) is not None}
        options = task.options.check(given, "request")
        items, one = task.items(body)
        check_sizes(items, task, self._engine.settings)
        results = await self._engine.ask(request, task, items, options)
        return JSONResponse(task.outer(results, one))

    async def _answered(
        self, request: Request, model: ServedModel | None, name: str | None, **usual: Any
    ) -> Response:
        body = await read_object(request, self._engine.settings)
        for key, value in usual.items():
            body[key] = value if body.get(key) is None else body[key]
        if name is None:
            model, name = self._engine.models.choose(hints(body), model)
        assert model is not None
        request.state.task = name
        task = model.tasks[name]
        given = asked(body, name, task, self._engine.settings)
        if given.stream:
            return await self._streamed(request, model, given)
        results = await self._engine.ask(request, task, given.items, given.options)
        return JSONResponse(task.outer(results, given.one))

    async def _streamed(self, request: Request, model: ServedModel, given: Asked) -> Response:
        task, options = model.tasks["text-generation"], given.options
        assert isinstance(task, TextGeneration)
        assert isinstance(options, GenerationOptions)
        [text] = given.items
        events = start_stream(self._engine, model, text, options)
        prompt = text if options.return_full_text else ""
        return EventStream(events, as_lines(events.events(), prompt, request.url.path))


def start_stream(
    engine: Engine, model: ServedModel, text: str, options: GenerationOptions
) -> TokenEvents:
    """Let the worker write a text step by step; what cannot be written is an event as well."""
    task = model.tasks["text-generation"]
    assert isinstance(task, TextGeneration)
    task.check_stream(options)
    events = TokenEvents(task, options)
    engine.queue.put(Entry(task, [text], options, stream=events, future=events.future))
    return events
