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
from headwater.inference.batches import padding_tokens
from headwater.inference.written_text import Token, WrittenText
from headwater.pipelines.task import PipelineTask
from headwater.pipelines.writing import WritingTask
from headwater.serving.refusals import Refusal
from headwater.serving.settings import estimated_tokens

Reason = Literal["empty", "budget", "padding", "other_work"]


class Stream(Protocol):
    """What gives a client each token of a text at once."""

    def take(self, text: WrittenText, token: Token) -> None:
        """Give the next token."""
        ...

    def fail(self, error: Exception) -> None:
        """Say why there are no more."""
        ...


@dataclass(slots=True, eq=False)
class Entry:
    """A request that waits, with its inputs.

    stream: what gets its tokens one by one.
    future: its results; cancelled once nobody waits for them.
    lengths: in tokens, estimated.
    stepwise: whether it is written step by step, and not run with others as a whole.
    """

    task: PipelineTask
    items: Sequence[Any]
    options: Config
    stream: Stream | None = None
    future: "Future[list[Any]]" = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)
    lengths: list[int] = field(init=False)
    group: tuple[int, str] = field(init=False)
    stepwise: bool = field(init=False)

    def __post_init__(self) -> None:
        task = self.task
        self.lengths = [estimated_tokens(task.characters(each)) for each in self.items]
        self.group = (id(task), self.options.model_dump_json())
        self.stepwise = isinstance(task, WritingTask) and task.stepwise(self.options)

    @property
    def tokens(self) -> int:
        """Those of all inputs."""
        return sum(self.lengths)

    def succeed(self, results: list[Any]) -> None:
        """Give the results to who waits for them."""
        if self.future.running() or self.future.set_running_or_notify_cancel():
            self.future.set_result(results)

    def fail(self, error: Exception) -> None:
        """Say what went wrong to who waits."""
        if self.stream is not None:
            self.stream.fail(error)
        if self.future.running() or self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


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
        dropped: is told how many entries went for which nobody waited any more.
    """

    def __init__(
        self,
        most: int,
        budget: int,
        changed: Callable[[int, int], None],
        dropped: Callable[[int], None],
    ) -> None:
        self._most, self._budget, self._padding = most, budget, padding_tokens(budget)
        self._changed, self._dropped = changed, dropped
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
            self._drop()
            if self._entries and self._tokens + entry.tokens > self._most:
                again = str(self._seconds())
                text = f"{self._tokens} tokens wait already; try again in {again} s"
                raise Refusal(429, "overloaded", text, {"Retry-After": again})
            self._entries.append(entry)
            self._count(entry.tokens)
            self._something.notify()

    def take(self, *, wait: bool, stepwise: bool = True) -> Batch | None:
        """Return the next batch; None where there is none, or at the end.

        Args:
            wait: until there is one.
            stepwise: whether what is written step by step may begin; then it is alone.
        """
        with self._something:
            self._drop()
            while wait and not self._entries and not self._closed:
                self._something.wait()
                self._drop()
            ready = [each for each in self._entries if stepwise or not each.stepwise]
            if not ready:
                return None
            batch = self._batch(ready)
            self._remove(batch.entries)
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
        if first.stepwise:
            return Batch([first], "other_work" if others else "empty")
        alike = [each for each in others if each.group == first.group]
        middle = max(first.lengths)
        alike.sort(key=lambda each: abs(max(each.lengths) - middle))
        entries, rows, longest, tokens = [first], len(first.items), middle, first.tokens
        for each in alike:
            width, more = max(longest, *each.lengths), rows + len(each.items)
            if more * width > self._budget:
                return Batch(entries, "budget")
            if more * width - tokens - each.tokens > self._padding:
                return Batch(entries, "padding")
            entries.append(each)
            rows, longest, tokens = more, width, tokens + each.tokens
        return Batch(entries, "other_work" if len(alike) < len(others) else "empty")

    def _drop(self) -> None:
        """Forget what nobody waits for any more, so that it keeps nobody out."""
        gone = [each for each in self._entries if each.future.cancelled()]
        if gone:
            self._remove(gone)
            self._dropped(len(gone))

    def _remove(self, entries: Sequence[Entry]) -> None:
        left = set(map(id, entries))
        self._entries = [each for each in self._entries if id(each) not in left]
        self._count(-sum(each.tokens for each in entries))

    def _count(self, tokens: int) -> None:
        self._tokens += tokens
        self._changed(self._tokens, len(self._entries))

    def _seconds(self) -> int:
        """Return after how many seconds a half of what waits is likely done, 1 to 60."""
        return min(60, max(1, math.ceil(self._tokens / 2 / self._speed))) if self._speed else 1
