"""The thread that asks the models: one for a device, so that batches do not take turns on it."""

import logging
import threading
import time
import traceback
from typing import final

from headwater.serving.metrics import Metrics
from headwater.serving.work_queue import Batch, Entry, Stream, WorkQueue

logger = logging.getLogger(__name__)

STREAMS = 16
"""Texts that are sent token by token at the same time; the others wait."""


@final
class Worker:
    """Runs what waits: a batch, then a step of each text that is being written, and so on."""

    def __init__(self, queue: WorkQueue, metrics: Metrics) -> None:
        self._queue, self._metrics = queue, metrics
        self._streams: list[Stream] = []
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
        while self._streams or not self._queue.closed:
            free = len(self._streams) < STREAMS
            batch = self._queue.take(wait=not self._streams, streams=free)
            if batch is not None:
                self._run(batch)
            self._streams = [each for each in self._streams if self._stepped(each)]

    def _stepped(self, stream: Stream) -> bool:
        if stream.gone:
            self._metrics.dropped.inc()
            return False
        return stream.step()

    def _run(self, batch: Batch) -> None:
        """Run what has a client, each by itself where it fails together."""
        now = time.monotonic()
        entries = []
        for entry in batch.entries:
            self._metrics.seconds.labels("queue").observe(now - entry.since)
            if not entry.future.set_running_or_notify_cancel():
                self._metrics.dropped.inc()
            elif entry.stream is not None:
                self._streams.append(entry.stream)
            else:
                entries.append(entry)
        if not entries:
            return
        try:
            self._together(entries)
        except Exception as error:
            if len(entries) == 1:
                _failed(entries[0], error)
                return
            for entry in entries:
                try:
                    self._together([entry])
                except Exception as own:
                    _failed(entry, own)
        finally:
            self._note(batch, entries, time.monotonic() - now)

    def _together(self, entries: list[Entry]) -> None:
        first = entries[0]
        items = [item for entry in entries for item in entry.items]
        found = first.task.run(items, first.options)
        begin = 0
        for entry in entries:
            end = begin + len(entry.items)
            entry.future.set_result(found[begin:end])
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


def log_fault(error: BaseException) -> None:
    """Log where a fault of ours happened, without its text, which may quote a caller's."""
    frames = "".join(traceback.format_tb(error.__traceback__)[-6:])
    logger.error(f"a fault: {type(error).__name__}\n{frames}")


def _failed(entry: Entry, error: Exception) -> None:
    entry.future.set_exception(error)
