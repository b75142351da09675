"""Texts that come token by token, as server-sent events in the shape of text-generation-inference.

data: {"index": 1, "token": {"id": 262, "text": " the", "logprob": -1.2, "special": false}, ...}
"""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import Any, NamedTuple, final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from headwater.inference.written_text import Token, WrittenText
from headwater.pipelines.text_generation import GenerationOptions, TextGeneration
from headwater.serving.faults import log_fault
from headwater.serving.refusals import Refusal, refusal_of


class Event(NamedTuple):
    """A token, or an error; `end` has why the text ended, and all of it."""

    token: dict[str, Any]
    end: dict[str, Any] | None = None
    error: Refusal | None = None


@final
class TokenEvents:
    """A text that a worker writes step by step, and a handler reads as events.

    Attributes:
        future: to be cancelled once the reader has left (see `EventStream`).
    """

    def __init__(self, task: TextGeneration, options: GenerationOptions) -> None:
        self._task, self._options = task, options
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self.future: Future[list[Any]] = Future()

    def take(self, text: WrittenText, token: Token) -> None:
        """Send a token, from the worker."""
        shaped = self._task.token(token)
        if text.finish_reason is None:
            self._send(Event(shaped))
            return
        shaped["special"] |= text.finish_reason == "eos_token"
        details = self._task.details(text, self._options)
        self._send(Event(shaped, {"text": text.text, **details}))

    def fail(self, error: Exception) -> None:
        """Send what went wrong, from the worker."""
        refusal = refusal_of(error)
        if refusal.status == 500:
            log_fault(error)
        self._send(Event({}, error=refusal))

    async def events(self) -> AsyncIterator[Event]:
        """Yield the events up to the last."""
        while True:
            event = await self._events.get()
            yield event
            if event.end is not None or event.error is not None:
                return

    def _send(self, event: Event) -> None:
        try:
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)
        except RuntimeError:  # the server has ended
            self.future.cancel()


@final
class EventStream(StreamingResponse):
    """A text's events, as lines for a client. One that leaves ends the text, whenever it does."""

    def __init__(self, events: TokenEvents, lines: AsyncIterator[bytes]) -> None:
        super().__init__(lines, media_type="text/event-stream")
        self._future = events.future

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._future.cancel()


async def as_lines(events: AsyncIterator[Event], prompt: str, path: str) -> AsyncIterator[bytes]:
    """Yield the events for a client; `prompt` stands before the whole text."""
    index = 0
    async for event in events:
        index += 1
        if event.error is not None:
            yield line(event.error.body(path))
            return
        content: dict[str, Any] = {"index": index, "token": event.token}
        content |= {"generated_text": None, "details": None}
        if event.end is not None:
            content["generated_text"] = prompt + event.end["text"]
            content["details"] = {key: event.end[key] for key in event.end if key != "text"}
        yield line(content)


def line(content: Any) -> bytes:
    """Return an event with JSON."""
    return f"data: {json.dumps(content)}\n\n".encode()
