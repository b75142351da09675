"""Streams whose clients leave, seen from the application; no worker takes what waits."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from headwater.serving.application import application
from headwater.serving.models import Models
from headwater.serving.settings import Settings


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/models/gpt", {"inputs": "the spring", "stream": True}),
        ("/v1/completions", {"model": "gpt", "prompt": "the spring", "stream": True}),
    ],
)
def test_who_leaves_before_the_first_event_keeps_nothing_waiting(
    tiny_models: Callable[..., Models], path: str, body: dict[str, Any]
) -> None:
    app = application(tiny_models("gpt"), Settings())
    request = {"type": "http.request", "body": json.dumps(body).encode()}
    messages = iter([request, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        await asyncio.sleep(0)  # as where a connection takes no more at once

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}, "method": "POST", "headers": []}
    scope |= {"path": path, "raw_path": path.encode(), "root_path": "", "query_string": b""}
    asyncio.run(app(scope, receive, send))
    assert app.state.engine.queue.take(wait=False) is None
    assert "headwater_dropped_total 1.0" in app.state.engine.metrics.page().decode()
