"""A server in a thread of this process, for the tests."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from headwater.serving.server import Server
from headwater.serving.settings import Settings


@contextmanager
def serving(app: Any, settings: Settings) -> Iterator[str]:
    """Serve an application in a thread; gives its address."""
    ready, addresses = threading.Event(), list[str]()

    def started(address: str) -> None:
        addresses.append(address)
        ready.set()

    config = uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None)
    config.access_log, config.ws = False, "none"
    server = Server(config, app.state.engine, settings, started)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield addresses[0]
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()
