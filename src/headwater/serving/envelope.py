"""Around each request: its id, whether its key is right, its line in the log, its count."""

import hmac
import logging
import re
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, final
from urllib.parse import quote
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headwater.serving.metrics import Metrics
from headwater.serving.refusals import GONE, Refusal
from headwater.serving.state_routes import OPEN

logger = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@final
class Envelope:
    """The outermost layer of the application. Texts and keys are never logged."""

    def __init__(self, app: ASGIApp, *, keys: Sequence[str], metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._keys = [_digest(key.strip()) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, headers = time.monotonic(), Headers(scope=scope)
        given = headers.get("x-request-id", "")
        id = given if _ID.fullmatch(given) else uuid4().hex
        status = GONE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = id
            await send(message)

        scope.setdefault("state", {})
        try:
            if self._allowed(scope, headers):
                await self._app(scope, receive, sending)
            else:
                wanted = {"WWW-Authenticate": "Bearer"}
                refusal = Refusal(401, "unauthorized", "a key is missing or wrong", wanted)
                await refusal.response(scope["path"])(scope, receive, sending)
        finally:
            self._note(scope, id, status, time.monotonic() - begin)

    def _allowed(self, scope: Scope, headers: Headers) -> bool:
        if not self._keys or (scope["path"] in OPEN and scope["method"] in ("GET", "HEAD")):
            return True
        scheme, _, key = headers.get("authorization", "").partition(" ")
        found = _digest(key.strip()) if scheme.lower() == "bearer" else b""
        # Each is compared, in a time that says nothing of how much of a key is right.
        return sum(hmac.compare_digest(found, each) for each in self._keys) > 0

    def _note(self, scope: Scope, id: str, status: int, seconds: float) -> None:
        task = str(scope["state"].get("task", ""))
        self._metrics.requests.labels(task or "other", str(status)).inc()
        if task:
            self._metrics.seconds.labels("request").observe(seconds)
        line: dict[str, Any] = {
            "request_id": id,
            "method": scope["method"],
            "path": quote(scope["path"][:200]),  # a line end in it would begin another entry
            "status": status,
            "seconds": round(seconds, 4),
            "task": task,
        }
        log_event("request", line)


def log_event(event: str, content: dict[str, Any]) -> None:
    """Log an event with its fields."""
    shown = (f"{name}={value}" for name, value in content.items() if value != "")
    logger.info(f"{event} {' '.join(shown)}", extra={"fields": {"event": event, **content}})


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()
