"""What a server counts, for Prometheus."""

from functools import partial
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@final
class Metrics:
    """The metrics of one server, whose names begin with `headwater_`. Safe in many threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        sizes = partial(Histogram, buckets=_SIZES, registry=self.registry)
        self.requests = counter("headwater_requests", "Requests answered.", ("task", "status"))
        self.seconds = Histogram(
            "headwater_stage_seconds",
            "Seconds of a request: waiting in the queue, in the model, and altogether.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.queue_tokens = gauge("headwater_queue_tokens", "Tokens that wait, estimated.")
        self.queue_requests = gauge("headwater_queue_requests", "Requests that wait.")
        self.batch_rows = sizes("headwater_batch_rows", "Inputs of a batch.")
        self.batches = counter(
            "headwater_batches",
            "Batches, by why no more was taken: the queue was empty, the budget used up, what "
            "waited too short or long, or for another model or task.",
            ("reason",),
        )
        self.batch_tokens = counter("headwater_batch_tokens", "Tokens that were read, estimated.")
        self.batch_padding = counter(
            "headwater_batch_padding_tokens", "Padding beside them, estimated."
        )
        self.texts = gauge("headwater_texts", "Texts that are being written.")
        self.step_rows = sizes("headwater_step_rows", "Texts of a step.")
        self.written_tokens = counter("headwater_written_tokens", "Tokens that were written.")
        self.dropped = counter("headwater_dropped", "Requests whose client had gone.")
        self.models = gauge("headwater_model_info", "The models.", ("model", "task", "kind"))

    def page(self) -> bytes:
        """Return what Prometheus reads."""
        return generate_latest(self.registry)
