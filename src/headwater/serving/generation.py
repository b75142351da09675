"""Requests whose texts are written step by step: those of each model in one running batch.

A text joins as soon as there is room, and leaves when it ends or its client does. All take a step
together; between two steps the worker does other work.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

from headwater.config import Config
from headwater.errors import UserError
from headwater.inference.running_batch import RunningBatch
from headwater.inference.written_text import GenerationInput, WrittenText
from headwater.pipelines.writing import WritingTask
from headwater.serving.metrics import Metrics
from headwater.serving.settings import Limits
from headwater.serving.work_queue import Entry, WorkQueue


@dataclass(slots=True, eq=False)
class _Request:
    """An entry that is being written.

    waiting: the inputs for whose texts there was no room yet. texts: of the others, in order.
    """

    entry: Entry
    task: WritingTask
    waiting: deque[GenerationInput]
    texts: list[list[WrittenText]] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    @property
    def growing(self) -> list[WrittenText]:
        """The texts that go on."""
        return [text for each in self.texts for text in each if text.finish_reason is None]

    @property
    def done(self) -> bool:
        """Whether all is written."""
        return not self.waiting and not self.growing


@final
class Generation:
    """What is being written. Its calls come from one thread.

    Args:
        limits: how many texts there are at a time, and how large they are.
    """

    def __init__(self, queue: WorkQueue, metrics: Metrics, limits: Limits) -> None:
        self._queue, self._metrics, self._limits = queue, metrics, limits
        self._batches: dict[int, RunningBatch] = {}  # by the network
        self._requests: list[_Request] = []
        self._owners: dict[WrittenText, _Request] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is being written."""
        return bool(self._requests)

    @property
    def free(self) -> bool:
        """Whether another request may begin."""
        return not any(each.waiting for each in self._requests) and self._size < self._limits.texts

    def begin(self, entry: Entry) -> None:
        """Take an entry in."""
        assert isinstance(entry.task, WritingTask)
        try:
            inputs = read(entry.task, entry.items, entry.options, self._limits.input_tokens)
        except Exception as error:
            entry.fail(error)
            return
        self._requests.append(_Request(entry, entry.task, deque(inputs)))
        self._join()

    def step(self) -> None:
        """Give each text its next token, and the requests that are written their answers."""
        self._drop()
        self._join()
        for key in list(self._batches):
            self._advance(key)
        together = len(self._requests)
        for each in [each for each in self._requests if each.done]:
            self._finish(each, together)
        self._metrics.texts.set(self._size)

    @property
    def _size(self) -> int:
        return sum(map(len, self._batches.values()))

    def _drop(self) -> None:
        """Give up what nobody waits for any more."""
        for each in [each for each in self._requests if each.entry.future.cancelled()]:
            self._metrics.dropped.inc()
            self._remove(each)

    def _join(self) -> None:
        """Begin texts while there is room, in the order in which they came."""
        for request in list(self._requests):
            while request.waiting and self._fits(request):
                batch, given = self._batch(request.task), request.waiting.popleft()
                try:
                    texts = batch.join(given)
                except Exception as error:
                    self._remove(request)
                    request.entry.fail(error)
                    break
                request.texts.append(texts)
                self._owners |= dict.fromkeys(texts, request)
            if request.waiting and request in self._requests:
                return

    def _fits(self, request: _Request) -> bool:
        """Tell whether there is room for the next input; what is alone is taken, however large."""
        given, own = request.waiting[0], self._batch(request.task)
        texts = self._size + given.config.num_return_sequences
        tokens = sum(each.room() for each in self._batches.values() if each is not own)
        room = tokens + own.room(given) <= self._limits.cache_tokens
        return not self._size or (texts <= self._limits.texts and room)

    def _batch(self, task: WritingTask) -> RunningBatch:
        key = id(task.writer.network)
        if key not in self._batches:
            self._batches[key] = task.writer.running_batch()
        return self._batches[key]

    def _advance(self, key: int) -> None:
        batch = self._batches[key]
        if not len(batch):
            return
        self._metrics.step_rows.observe(len(batch))
        self._metrics.written_tokens.inc(len(batch))
        try:
            found = batch.step()
        except Exception as error:  # which text it is of, if of one, is not known
            del self._batches[key]
            for each in [each for each in self._requests if id(each.task.writer.network) == key]:
                self._remove(each)
                each.entry.fail(error)
            return
        for text, token in found:
            stream = self._owners[text].entry.stream
            if stream is not None:
                stream.take(text, token)
            if text.finish_reason is not None:
                del self._owners[text]

    def _finish(self, request: _Request, together: int) -> None:
        self._remove(request)
        entry = request.entry
        try:
            pairs = zip(entry.items, request.texts, strict=True)
            entry.succeed([request.task.result(*each, entry.options) for each in pairs])
        except Exception as error:
            entry.fail(error)
        seconds = time.monotonic() - request.since
        self._queue.took(entry.tokens, seconds / together)
        self._metrics.seconds.labels("model").observe(seconds)

    def _remove(self, request: _Request) -> None:
        self._requests.remove(request)
        growing = request.growing
        for text in growing:
            self._owners.pop(text, None)
        batch = self._batches.get(id(request.task.writer.network))
        if batch is not None and growing:
            batch.drop(growing)


def read(
    task: WritingTask, items: Sequence[Any], options: Config, most: int
) -> list[GenerationInput]:
    """Return what is read of items, none of which may have more tokens: memory grows with their
    square."""
    inputs = task.inputs(items, options)
    for number, each in enumerate(inputs):
        if each.length > most:
            raise UserError(
                f"inputs[{number}]: {each.length} tokens, and at most {most} are read; give a "
                "shorter text"
            )
    return inputs
