"""What a server counts, for Prometheus."""

from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@final
class Metrics:
    """The metrics of one server, whose names begin with `headwater_`. Safe in many threads."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "headwater_requests", "Requests answered.", ("task", "status"), registry=registry
        )
        self.seconds = Histogram(
            "headwater_stage_seconds",
            "Seconds of a request: waiting in the queue, in the model, and altogether.",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.queue_tokens = Gauge(
            "headwater_queue_tokens", "Tokens that wait, estimated.", registry=registry
        )
        self.queue_requests = Gauge(
            "headwater_queue_requests", "Requests that wait.", registry=registry
        )
        self.batch_rows = Histogram(
            "headwater_batch_rows", "Inputs of a batch.", buckets=_SIZES, registry=registry
        )
        self.batches = Counter(
            "headwater_batches",
            "Batches, by why no more was taken: the queue was empty, the budget used up, or what "
            "waited was for another model or task.",
            ("reason",),
            registry=registry,
        )
        self.batch_tokens = Counter(
            "headwater_batch_tokens", "Tokens that were read, estimated.", registry=registry
        )
        self.batch_padding = Counter(
            "headwater_batch_padding_tokens", "Padding beside them, estimated.", registry=registry
        )
        self.dropped = Counter(
            "headwater_dropped", "Requests whose client had gone.", registry=registry
        )
        self.texts = Gauge("headwater_texts", "Texts that are being written.", registry=registry)
        self.step_rows = Histogram(
            "headwater_step_rows", "Texts of a step.", buckets=_SIZES, registry=registry
        )
        self.written_tokens = Counter(
            "headwater_written_tokens", "Tokens that were written.", registry=registry
        )
        self.models = Gauge(
            "headwater_model_info", "The models.", ("model", "task", "kind"), registry=registry
        )

    def page(self) -> bytes:
        """Return what Prometheus reads."""
        return generate_latest(self.registry)
