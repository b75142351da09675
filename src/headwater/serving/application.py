"""The application: which path is answered by what."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headwater.documents.index import Index
from headwater.models.families import kind_of
from headwater.serving.asking import Asking
from headwater.serving.attending import Attending
from headwater.serving.engine import ClientGone, Engine
from headwater.serving.envelope import Envelope
from headwater.serving.faults import log_fault
from headwater.serving.metrics import Metrics
from headwater.serving.models import Models
from headwater.serving.openai_routes import OpenAIRoutes
from headwater.serving.page_routes import PageRoutes
from headwater.serving.refusals import GONE, Refusal, refusal_of
from headwater.serving.settings import Settings
from headwater.serving.state_routes import StateRoutes
from headwater.serving.tasks_routes import TaskRoutes

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]


def application(models: Models, settings: Settings, index: Index | None = None) -> Starlette:
    """Return the application, whose `state.engine` has the models.

    Args:
        index: what questions without a text are answered from.
    """
    metrics = Metrics()
    engine = Engine(models, settings, metrics)
    asking, attending = _asking(models, index)
    tasks, openai = TaskRoutes(engine, asking, attending), OpenAIRoutes(engine)
    state = StateRoutes(
        engine,
        ask=asking is not None,
        index=asking is not None and index is not None,
        attention=attending is not None,
    )
    envelope = Middleware(
        Envelope,
        keys=settings.api_keys,
        metrics=metrics,
    )
    found = Starlette(
        routes=[Route("/", PageRoutes().page), *_state(state), *_tasks(tasks), *_openai(openai)],
        middleware=[envelope],
        exception_handlers={HTTPException: _unrouted},
        lifespan=_lifespan,
    )
    found.router.redirect_slashes = False  # to what a client says is our name
    found.state.engine = engine
    return found


def _asking(models: Models, index: Index | None) -> tuple[Asking | None, Attending | None]:
    """Return what answers questions by the first model that does, and says where it looked."""
    reader = next((each for each in models if "question-answering" in each.tasks), None)
    if reader is None:
        return None, None
    loaded = reader.loaded
    looks = "span" in loaded.predictors.kinds and kind_of(loaded.config) == "encoder"
    seen = looks and next(loaded.network.parameters(), None) is not None  # an export shows nothing
    return Asking(loaded, index), Attending(loaded) if seen else None


def _state(state: StateRoutes) -> list[Route]:
    return [
        Route("/livez", state.live),
        Route("/readyz", state.ready),
        Route("/health", state.live),
        Route("/metrics", state.metrics),
        Route("/info", state.info),
        Route("/openapi.json", state.openapi),
    ]


def _tasks(tasks: TaskRoutes) -> list[Route]:
    return [
        _post("/", tasks.root),
        _post("/models/{model}", tasks.model),
        _post("/models/{model}/pipeline/{task}", tasks.task),
        _post("/embed", tasks.embed),
        _post("/ask", tasks.ask),
        _post("/attention", tasks.attention),
    ]


def _openai(openai: OpenAIRoutes) -> list[Route]:
    return [
        Route("/v1/models", openai.models),
        _post("/v1/embeddings", openai.embeddings),
        _post("/v1/completions", openai.completions),
    ]


def _post(path: str, handler: Handler) -> Route:
    return Route(path, _answering(handler), methods=["POST"])


def _answering(handler: Handler) -> Handler:
    """Turn what goes wrong into an answer."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientGone:
            return Response(status_code=GONE)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal.status == 500:
                log_fault(error)
            return refusal.response(request.url.path)

    return endpoint


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = "not_found" if error.status_code == 404 else "validation"
    text = f"{request.method} {request.url.path[:80]}: {error.detail}; see /openapi.json"
    return Refusal(error.status_code, kind, text, error.headers).response(request.url.path)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    engine: Engine = app.state.engine
    engine.worker.start()
    try:
        yield
    finally:
        await run_in_threadpool(engine.worker.stop)
