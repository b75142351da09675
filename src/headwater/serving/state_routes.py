"""What a server says of itself: to orchestrators, to Prometheus, to clients."""

from typing import final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater import __version__
from headwater.serving.engine import Engine
from headwater.serving.metrics import CONTENT_TYPE
from headwater.serving.openapi import description

OPEN = ("/", "/livez", "/readyz", "/health")
"""Paths that are read without a key; at the root it is the page alone."""


@final
class StateRoutes:
    """Answers what is asked of the server itself."""

    def __init__(self, engine: Engine, **offers: bool) -> None:
        """offers: whether there is "ask", "index" and "attention" besides the tasks."""
        self._engine, self._offers = engine, offers

    async def live(self, request: Request) -> Response:
        """Say whether the process works; if not, it should be started again."""
        return _state(self._engine.worker.alive, "the worker has ended")

    async def ready(self, request: Request) -> Response:
        """Say whether requests should be sent here. A full queue is no reason against it."""
        return _state(self._engine.ready, "the server is stopping")

    async def metrics(self, request: Request) -> Response:
        """Return the metrics for Prometheus."""
        return Response(self._engine.metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    async def info(self, request: Request) -> Response:
        """Return the models, what they do, and the limits."""
        engine, settings = self._engine, self._engine.settings
        models = [
            {"name": each.name, "type": each.loaded.config.model_type, "tasks": list(each.tasks)}
            for each in engine.models
        ]
        return JSONResponse(
            {
                "model_id": engine.models.first.name,
                "version": __version__,
                "models": models,
                **self._offers,
                "max_waiting_tokens": settings.max_waiting_tokens,
                "max_batch_tokens": engine.budget,
                "max_input_tokens": settings.max_input_tokens,
                "max_new_tokens": settings.max_new_tokens,
                "max_texts": engine.limits.texts,
                "max_cache_tokens": engine.limits.cache_tokens,
                "max_client_batch_size": settings.max_inputs,
                "max_input_characters": settings.max_characters,
                "payload_limit": settings.max_body_bytes,
            }
        )

    async def openapi(self, request: Request) -> Response:
        """Return the description of the routes."""
        names = [each.name for each in self._engine.models]
        return JSONResponse(description(self._engine.settings, names))


def _state(good: bool, otherwise: str) -> Response:
    if good:
        return JSONResponse({"status": "ok"})
    return JSONResponse({"error": otherwise, "error_type": "unhealthy"}, 503)
