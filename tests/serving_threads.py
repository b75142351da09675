"""A server in a thread of this process, for the tests."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from headwater.serving.server import Server, config_of, listening
from headwater.serving.settings import Settings


@contextmanager
def serving(app: Any, settings: Settings) -> Iterator[str]:
    """Serve an application in a thread; gives its address."""
    ready, addresses = threading.Event(), list[str]()

    def started(address: str) -> None:
        addresses.append(address)
        ready.set()

    server = Server(config_of(app), app.state.engine, settings, started)
    listener = listening(settings.host, settings.port)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield addresses[0]
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()
