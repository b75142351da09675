"""Texts of many requests in one running batch: each is that which its request gets alone."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from headwater.errors import UserError
from headwater.inference.running_batch import RunningBatch
from headwater.inference.written_text import GenerationInput, WrittenText
from headwater.pipelines.task import PipelineTask
from headwater.serving.metrics import Metrics
from headwater.serving.models import Models
from headwater.serving.settings import Limits
from headwater.serving.work_queue import Entry, WorkQueue
from headwater.serving.worker import Worker

T2T, GPT = "text2text-generation", "text-generation"
DRAWN = {"do_sample": True, "temperature": 1.5}

REQUESTS: tuple[tuple[str, str, list[str], dict[str, Any]], ...] = (
    ("t5", T2T, ["the mill is old"], {"max_new_tokens": 20}),
    ("gpt", GPT, ["the spring"], {"max_new_tokens": 30, "details": True}),
    ("t5", T2T, ["who", "the river", "ada built"], {"max_new_tokens": 7, **DRAWN, "seed": 3}),
    ("t5", T2T, ["the mill"], {"max_new_tokens": 5, "num_beams": 2}),
    ("gpt", GPT, ["the", "old"], {**DRAWN, "num_return_sequences": 3, "max_new_tokens": 9}),
    ("t5", "summarization", ["the old mill " * 20], {"truncation": True, "max_new_tokens": 3}),
    ("gpt", GPT, ["the spring"], {**DRAWN, "seed": 8, "stop": ["e", "a"], "max_new_tokens": 40}),
    ("t5", GPT, ["the river is old"], {"min_new_tokens": 6, "max_new_tokens": 8}),
    ("gpt", GPT, ["a mill", "the"], {"max_new_tokens": 1, "return_full_text": True}),
    ("t5", T2T, ["is"], {"max_new_tokens": 12, "repetition_penalty": 1.5}),
)


class Served:
    """A worker with its queue, whose models are tiny."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self.models, self.metrics = models, Metrics()
        self.queue = WorkQueue(10_000, 100, lambda *_: None, self.metrics.dropped.inc)
        self.worker = Worker(self.queue, self.metrics, limits)

    def task(self, model: str, name: str) -> PipelineTask:
        return self.models.named(model).tasks[name]

    def put(self, model: str, name: str, items: list[str], options: dict[str, Any]) -> Entry:
        task = self.task(model, name)
        entry = Entry(task, items, task.options.check(options, "test"))
        self.queue.put(entry)
        return entry

    def value(self, name: str) -> float:
        [line] = [
            line for line in self.metrics.page().decode().split("\n") if line.startswith(name + " ")
        ]
        return float(line.split()[-1])


@pytest.fixture
def serve(tiny_models: Callable[..., Models]) -> Iterator[Callable[..., Served]]:
    made = []

    def found(*, texts: int = 8, cache: int = 100_000, inputs: int = 600) -> Served:
        made.append(Served(tiny_models("t5", "gpt", "tagger"), Limits(texts, cache, inputs)))
        return made[-1]

    yield found
    for each in made:
        if each.worker.alive:
            each.worker.stop()


class Sizes(NamedTuple):
    """What was being written just after an input had joined: texts, their inputs, cache tokens."""

    texts: int
    inputs: int
    tokens: int


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[Sizes]:
    """Those of all running batches, which grow only where an input joins."""
    found: list[Sizes] = []
    owned: list[tuple[RunningBatch, list[WrittenText]]] = []
    join = RunningBatch.join

    def noted(self: RunningBatch, given: GenerationInput) -> list[WrittenText]:
        texts = join(self, given)
        owned.append((self, texts))
        growing = [each for _, each in owned if any(text.finish_reason is None for text in each)]
        batches = {id(batch): batch for batch, _ in owned}.values()
        rooms = sum(batch.room() for batch in batches)
        found.append(Sizes(sum(map(len, batches)), len(growing), rooms))
        return texts

    monkeypatch.setattr(RunningBatch, "join", noted)
    return found


def near(found: Any) -> Any:
    """The same with log probabilities to five places."""
    if isinstance(found, dict):
        return {key: near(value) for key, value in found.items()}
    if isinstance(found, list):
        return [near(each) for each in found]
    return pytest.approx(found, abs=1e-5) if isinstance(found, float) else found


@pytest.mark.parametrize(("texts", "cache"), [(8, 100_000), (3, 100_000), (8, 90)])
def test_each_request_gets_what_it_gets_alone(
    serve: Callable[..., Served], sizes: list[Sizes], texts: int, cache: int
) -> None:
    served = serve(texts=texts, cache=cache)
    alone = []
    for model, name, items, options in REQUESTS:
        task = served.task(model, name)
        alone.append(task.run(items, task.options.check(options, "test")))
    entries = [served.put(*each) for each in REQUESTS]
    sizes.clear()
    served.worker.start()
    for entry, expected in zip(entries, alone, strict=True):
        assert entry.future.result(60) == near(expected)
    served.worker.stop()
    steps, written = (
        served.value(f"headwater_{name}") for name in ("step_rows_count", "step_rows_sum")
    )
    assert written == served.value("headwater_written_tokens_total") > 1.5 * steps
    assert served.value("headwater_texts") == 0
    together = [each for each in sizes if each.inputs > 1]  # one alone may be of any size
    most = max(each.texts for each in sizes)
    assert most == texts if cache > 90 else most <= texts
    assert max(each.tokens for each in together) <= cache


def test_one_that_comes_later_joins_and_other_work_goes_on(serve: Callable[..., Served]) -> None:
    served = serve()
    long = served.put("t5", T2T, ["the mill"], {"min_new_tokens": 400, "max_new_tokens": 400})
    served.worker.start()
    while served.value("headwater_written_tokens_total") == 0:
        time.sleep(0.001)
    late = served.put("t5", T2T, ["the river"], {"max_new_tokens": 3})
    tagged = served.put("tagger", "token-classification", ["Ada built the mill."], {})
    assert late.future.result(30) and tagged.future.result(30) and not long.future.done()
    long.future.cancel()
    served.worker.stop()
    assert served.value("headwater_dropped_total") == 1
    assert served.value("headwater_written_tokens_total") < 400


def test_what_fails_fails_alone(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(inputs=20)
    given = {"max_new_tokens": 4}
    entries = [
        served.put("t5", T2T, ["ok", "mill " * 30], given),
        served.put("t5", T2T, ["mill " * 30], {**given, "num_beams": 2}),
        served.put("gpt", GPT, ["the"], {"max_new_tokens": 100}),
        served.put("gpt", GPT, ["the"], given),
    ]
    served.worker.start()
    for entry in entries[:2]:
        with pytest.raises(UserError, match=r"inputs\[\d\]: \d+ tokens, and at most 20 are read"):
            entry.future.result(30)
    with pytest.raises(UserError, match="more than the 64"):
        entries[2].future.result(30)
    assert entries[3].future.result(30)
    with monkeypatch.context() as patch:
        patch.setattr(RunningBatch, "step", lambda self: 1 // 0)
        several = [served.put("t5", T2T, ["mill", "ok"], given) for _ in range(2)]
        for entry in several:
            with pytest.raises(ZeroDivisionError):
                entry.future.result(30)
    assert served.put("t5", T2T, ["mill"], given).future.result(30)
