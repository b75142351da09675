"""Texts that come token by token, as server-sent events in the shape of text-generation-inference.

data: {"index": 1, "token": {"id": 262, "text": " the", "logprob": -1.2, "special": false}, ...}
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, final

from headwater.pipelines.text_generation import Writing
from headwater.serving.refusals import Refusal, refusal_of
from headwater.serving.worker import log_fault


class Event(NamedTuple):
    """A token, or an error; `end` has why the text ended, and all of it."""

    token: dict[str, Any]
    end: dict[str, Any] | None = None
    error: Refusal | None = None


@final
class TokenEvents:
    """A text that a worker writes step by step, and a handler reads as events.

    Args:
        begin: starts the text, in the worker.
        end_id: of the token that stands for the end of a text.
    """

    def __init__(self, begin: Callable[[], Writing], end_id: int) -> None:
        self._begin, self._end_id = begin, end_id
        self._writing: Writing | None = None
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self.gone = False

    def step(self) -> bool:
        """Write a token, in the worker; false: it was the last."""
        try:
            self._writing = self._writing or self._begin()
            token = next(self._writing, None)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal.status == 500:
                log_fault(error)
            self._send(Event({}, error=refusal))
            return False
        if token is None:
            token = {"id": self._end_id, "text": "", "logprob": 0.0, "special": True}
        ended = self._writing.finish_reason is not None
        end = {"text": self._writing.text, **self._writing.details()} if ended else None
        self._send(Event(token, end))
        return not ended

    async def events(self) -> AsyncIterator[Event]:
        """Yield the events up to the last; a reader that leaves ends the text."""
        try:
            while True:
                event = await self._events.get()
                yield event
                if event.end is not None or event.error is not None:
                    return
        finally:
            self.gone = True

    def _send(self, event: Event) -> None:
        try:
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)
        except RuntimeError:  # the server has ended
            self.gone = True


async def as_lines(events: AsyncIterator[Event], prompt: str) -> AsyncIterator[bytes]:
    """Yield the events for a client; `prompt` stands before the whole text."""
    index = 0
    async for event in events:
        index += 1
        if event.error is not None:
            yield line(event.error.body)
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
