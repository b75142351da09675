"""Between the requests and the models: what is asked waits, is run, and comes back."""

import asyncio
from collections.abc import Sequence
from typing import Any, final

from starlette.requests import Request

from headwater.config import Config
from headwater.inference.batches import batch_tokens
from headwater.inference.running import device_of
from headwater.pipelines.task import PipelineTask
from headwater.serving.metrics import Metrics
from headwater.serving.models import Models
from headwater.serving.settings import Limits, Settings
from headwater.serving.work_queue import Entry, WorkQueue
from headwater.serving.worker import Worker

_CACHE = 16_384
"""Tokens that texts read and write together on a CPU, and a quarter of those on a GPU. A T5 of the
size "base" keeps 74 kB for each, in float32: 1.2 GB."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


@final
class Engine:
    """The models of a server, and the thread that asks them.

    Attributes:
        draining: whether the server is about to stop, so that no more should be sent to it.
    """

    def __init__(self, models: Models, settings: Settings, metrics: Metrics) -> None:
        self.models, self.settings, self.metrics = models, settings, metrics
        device = device_of(models.first.loaded.network)
        self.budget = settings.max_batch_tokens or batch_tokens(device)
        self.queue = WorkQueue(
            settings.max_waiting_tokens, self.budget, self._waiting, metrics.dropped.inc
        )
        self.limits = Limits(
            settings.max_texts,
            settings.max_cache_tokens or (_CACHE if device.type == "cpu" else 4 * _CACHE),
            settings.max_input_tokens,
        )
        self.worker = Worker(self.queue, metrics, self.limits)
        self.draining = False
        for each in models:
            kind = each.loaded.config.model_type
            metrics.models.labels(each.name, each.first_task, kind).set(1)

    @property
    def ready(self) -> bool:
        """Whether requests may be sent; a full queue is no reason against it."""
        return self.worker.alive and not self.draining

    async def ask(
        self, request: Request, task: PipelineTask, items: Sequence[Any], options: Config
    ) -> list[Any]:
        """Return what is said of each item; what nobody waits for any more is not asked."""
        entry = Entry(task, items, options)
        self.queue.put(entry)
        result = asyncio.wrap_future(entry.future)
        gone = asyncio.ensure_future(_disconnected(request))
        either: set[asyncio.Future[Any]] = {result, gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                raise ClientGone
            return result.result()
        finally:
            gone.cancel()
            result.cancel()

    def _waiting(self, tokens: int, entries: int) -> None:
        self.metrics.queue_tokens.set(tokens)
        self.metrics.queue_requests.set(entries)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
