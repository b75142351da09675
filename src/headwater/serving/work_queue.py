"""What waits for the models: taken in batches of one model, task and options.

There is no waiting time: a batch is what is there. The request that came first is always in it;
beside it come those of about its length, so that little is padding, up to a budget of tokens.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, final

from headwater.config import Config
from headwater.pipelines.task import PipelineTask
from headwater.serving.refusals import Refusal
from headwater.serving.settings import estimated_tokens

Reason = Literal["empty", "budget", "other_work"]


class Stream(Protocol):
    """A text that is written step by step, for one client."""

    @property
    def gone(self) -> bool:
        """Whether the client has gone."""
        ...

    def step(self) -> bool:
        """Give the client the next token; false: it was the last."""
        ...


@dataclass(slots=True, eq=False)
class Entry:
    """A request that waits, with its inputs.

    lengths: in tokens, estimated.
    stream: what is written step by step, in place of a task that is run.
    """

    task: PipelineTask
    items: Sequence[Any]
    options: Config
    stream: Stream | None = None
    future: "Future[list[Any]]" = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)
    lengths: list[int] = field(init=False)
    group: tuple[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.lengths = [estimated_tokens(self.task.characters(each)) for each in self.items]
        self.group = (id(self.task), self.options.model_dump_json())

    @property
    def tokens(self) -> int:
        """Those of all inputs."""
        return sum(self.lengths)


class Batch(NamedTuple):
    """Requests that are run together, and why there are no more."""

    entries: list[Entry]
    reason: Reason


@final
class WorkQueue:
    """Entries in the order in which they came, for one thread that takes them.

    Args:
        most: tokens that may wait. budget: tokens of a batch, padding included.
        changed: is told of the tokens and entries that wait.
    """

    def __init__(self, most: int, budget: int, changed: Callable[[int, int], None]) -> None:
        self._most, self._budget, self._changed = most, budget, changed
        self._entries: list[Entry] = []
        self._tokens = 0
        self._speed = 0.0  # tokens in a second, lately
        self._closed = False
        self._something = threading.Condition()

    def put(self, entry: Entry) -> None:
        """Take an entry in; refuse it where too much waits, unless nothing does."""
        with self._something:
            if self._closed:
                raise Refusal(503, "unhealthy", "this server is stopping", {"Retry-After": "1"})
            if self._entries and self._tokens + entry.tokens > self._most:
                again = str(self._seconds())
                text = f"{self._tokens} tokens wait already; try again in {again} s"
                raise Refusal(429, "overloaded", text, {"Retry-After": again})
            self._entries.append(entry)
            self._count(entry.tokens)
            self._something.notify()

    def take(self, *, wait: bool, streams: bool = True) -> Batch | None:
        """Return the next batch; None where there is none, or at the end.

        Args:
            wait: until there is one.
            streams: whether a text that is sent token by token may begin.
        """
        with self._something:
            while wait and not self._entries and not self._closed:
                self._something.wait()
            ready = [each for each in self._entries if streams or each.stream is None]
            if not ready:
                return None
            batch = self._batch(ready)
            taken = set(map(id, batch.entries))
            self._entries = [each for each in self._entries if id(each) not in taken]
            self._count(-sum(each.tokens for each in batch.entries))
            return batch

    def close(self) -> None:
        """Take nothing in from now on; what waits is still to be taken."""
        with self._something:
            self._closed = True
            self._something.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the end has come."""
        with self._something:
            return self._closed and not self._entries

    def took(self, tokens: int, seconds: float) -> None:
        """Learn how fast it goes, for what is told those who are refused."""
        speed = tokens / max(seconds, 1e-6)
        self._speed = speed if not self._speed else 0.8 * self._speed + 0.2 * speed

    def _batch(self, ready: list[Entry]) -> Batch:
        first, *others = ready
        if first.stream is not None:
            return Batch([first], "other_work" if others else "empty")
        alike = [each for each in others if each.group == first.group and each.stream is None]
        middle = max(first.lengths)
        alike.sort(key=lambda each: abs(max(each.lengths) - middle))
        entries, rows, longest = [first], len(first.items), middle
        for each in alike:
            width = max(longest, *each.lengths)
            if (rows + len(each.items)) * width > self._budget:
                return Batch(entries, "budget")
            entries.append(each)
            rows, longest = rows + len(each.items), width
        return Batch(entries, "other_work" if len(alike) < len(others) else "empty")

    def _count(self, tokens: int) -> None:
        self._tokens += tokens
        self._changed(self._tokens, len(self._entries))

    def _seconds(self) -> int:
        """Return after how many seconds a half of what waits is likely done, 1 to 60."""
        return min(60, max(1, math.ceil(self._tokens / 2 / self._speed))) if self._speed else 1
