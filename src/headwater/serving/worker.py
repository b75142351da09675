"""The thread that asks the models: one for a device, so that batches do not take turns on it."""

import threading
import time
from typing import final

from headwater.pipelines.writing import WritingTask
from headwater.serving.generation import Generation, read
from headwater.serving.metrics import Metrics
from headwater.serving.settings import Limits
from headwater.serving.work_queue import Batch, Entry, WorkQueue


@final
class Worker:
    """Runs what waits: a batch, then a step of all texts that are being written, and so on."""

    def __init__(self, queue: WorkQueue, metrics: Metrics, limits: Limits) -> None:
        self._queue, self._metrics, self._limits = queue, metrics, limits
        self._generation = Generation(queue, metrics, limits)
        self._thread = threading.Thread(target=self._loop, name="headwater-worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing in any more, and wait until what was is done."""
        self._queue.close()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def _loop(self) -> None:
        while self._generation.busy or not self._queue.closed:
            self._take()
            self._generation.step()

    def _take(self) -> None:
        """Begin texts for which there is room, up to a batch of other work, and run that."""
        while True:
            generation = self._generation
            batch = self._queue.take(wait=not generation.busy, stepwise=generation.free)
            if batch is None:
                return
            now = time.monotonic()
            for entry in batch.entries:
                self._metrics.seconds.labels("queue").observe(now - entry.since)
            if not batch.entries[0].stepwise:
                self._run(batch)
                return
            generation.begin(batch.entries[0])

    def _run(self, batch: Batch) -> None:
        """Run what has a client, each by itself where it fails together."""
        now = time.monotonic()
        entries = [each for each in batch.entries if each.future.set_running_or_notify_cancel()]
        self._metrics.dropped.inc(len(batch.entries) - len(entries))
        if not entries:
            return
        try:
            self._together(entries)
        except Exception as error:
            if len(entries) == 1:
                entries[0].fail(error)
                return
            for entry in entries:
                try:
                    self._together([entry])
                except Exception as own:
                    entry.fail(own)
        finally:
            self._note(batch, entries, time.monotonic() - now)

    def _together(self, entries: list[Entry]) -> None:
        first = entries[0]
        items = [item for entry in entries for item in entry.items]
        if isinstance(first.task, WritingTask):  # by beams
            read(first.task, items, first.options, self._limits.input_tokens)
        found = first.task.run(items, first.options)
        begin = 0
        for entry in entries:
            end = begin + len(entry.items)
            entry.succeed(found[begin:end])
            begin = end

    def _note(self, batch: Batch, entries: list[Entry], seconds: float) -> None:
        lengths = [length for entry in entries for length in entry.lengths]
        tokens = sum(lengths)
        self._queue.took(tokens, seconds)
        self._metrics.batches.labels(batch.reason).inc()
        self._metrics.batch_rows.observe(len(lengths))
        self._metrics.batch_tokens.inc(tokens)
        self._metrics.batch_padding.inc(len(lengths) * max(lengths) - tokens)
        self._metrics.seconds.labels("model").observe(seconds)
