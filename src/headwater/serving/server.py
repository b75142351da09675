"""The process: it listens, and ends in order.

At SIGTERM or Ctrl-C the server is no longer ready, but goes on for `drain_seconds`, so that those
who send requests can learn it. Then it takes no more, finishes what it took, and ends with 0. A
second signal ends it at once.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from headwater.errors import UserError
from headwater.serving.engine import Engine
from headwater.serving.faults import log_fault
from headwater.serving.settings import Settings

logger = logging.getLogger(__name__)

_HEAD_SECONDS = 8.0  # for the lines before the body of a request
_IDLE_SECONDS = 15  # until the next request of a connection


@final
class BoundedProtocol(H11Protocol):
    """Closes connections on which no request begins, or whose head does not arrive."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._between_requests():
            self._no_timer()
        elif self._timer is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_timer()
        super().connection_lost(exc)

    def _no_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(_HEAD_SECONDS, self._check)

    def _check(self) -> None:
        self._timer = None
        if self._between_requests() and not self.transport.is_closing():
            self.transport.close()

    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete


@final
class _Forwarding(logging.Handler):
    """Says in our log what uvicorn found wrong, without texts that may be a caller's."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            log_fault(error)
        else:
            logger.error(record.getMessage())


@final
class Server(uvicorn.Server):
    """A server that drains before it ends.

    Args:
        started: is called with the address once it listens.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        engine: Engine,
        settings: Settings,
        started: Callable[[str], None],
    ) -> None:
        super().__init__(config)
        self._engine, self._settings, self._started = engine, settings, started
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; the second time, end at once."""
        if self._engine.draining:
            os._exit(128 + sig)
        self._engine.draining = True
        seconds = self._settings.drain_seconds if sig == signal.SIGTERM else 0.0
        if self._loop is None:  # it does not listen yet
            self._end()
        else:
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._end)

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if self.started:
            name, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{name}]" if ":" in name else name
            self._started(f"http://{shown}:{port}")

    def _end(self) -> None:
        self.should_exit = True


def config_of(app: Any) -> uvicorn.Config:
    """Return how uvicorn serves an application."""
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=None,
    )


def serve(app: Any, settings: Settings, started: Callable[[str], None]) -> None:
    """Serve an application until a signal comes."""
    errors = logging.getLogger("uvicorn.error")
    errors.handlers, errors.propagate = [_Forwarding(logging.ERROR)], False
    server = Server(config_of(app), app.state.engine, settings, started)
    with listening(settings.host, settings.port) as listener:
        asyncio.run(server.serve([listener]))


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    Its connections send at once: asyncio asks for that only where a socket names its protocol, and
    the body of an answer waited 40 ms for the client to acknowledge the headers.
    """
    try:
        [(family, *_, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UserError(
            f"--host {host}: {error.strerror or error}; is it of this machine?"
        ) from None
    try:
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"--port {port} of {host}: {reason}; give another --port, or 0 for a free one"
        ) from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
