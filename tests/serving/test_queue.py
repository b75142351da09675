"""What is taken together, what is refused, and what is dropped; without a network."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from headwater.config import Config
from headwater.errors import UserError
from headwater.serving.metrics import Metrics
from headwater.serving.refusals import Refusal
from headwater.serving.settings import Limits
from headwater.serving.work_queue import Entry, WorkQueue
from headwater.serving.worker import Worker


class Setting(Config):
    """One option."""

    top_k: int = 1


class Counting:
    """A task that says how long texts are; of "wrong" nothing, and "slow" waits."""

    options = Setting

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.slow = threading.Event()

    def items(self, inputs: Any) -> tuple[list[str], bool]:
        return inputs, False

    def characters(self, item: str) -> int:
        return len(item)

    def run(self, items: Sequence[str], options: Setting) -> list[Any]:
        self.batches.append(list(items))
        if "slow" in items:
            self.slow.wait(10)
        if "wrong" in items:
            raise UserError("wrong")
        return [len(each) for each in items]

    def outer(self, results: list[Any], one: bool) -> Any:
        return results


def queue_of(most: int = 1000, budget: int = 100, metrics: Metrics | None = None) -> WorkQueue:
    dropped = (metrics or Metrics()).dropped.inc
    return WorkQueue(most, budget, lambda tokens, entries: None, dropped)


def entry(task: Counting, *texts: str, top_k: int = 1) -> Entry:
    return Entry(task, texts, Setting(top_k=top_k))


def test_a_batch_is_the_first_and_what_is_like_it() -> None:
    task, other = Counting(), Counting()
    queue = queue_of(budget=30)
    long, short = entry(task, "x" * 40), entry(task, "x" * 4)  # 13 and 4 tokens
    given = [long, short, entry(other, "a"), entry(task, "x" * 36), entry(task, "a", top_k=2)]
    for each in given:
        queue.put(each)
    batch = queue.take(wait=False)
    assert batch is not None
    assert batch.entries == [long, given[3]] and batch.reason == "budget"
    rest = [queue.take(wait=False) for _ in range(4)]
    found = [(each.entries, each.reason) for each in rest[:3] if each]
    assert found == [
        ([short], "other_work"),
        ([given[2]], "other_work"),
        ([given[4]], "empty"),
    ]
    assert rest[3] is None


def test_what_would_be_mostly_padding_waits_for_another_batch() -> None:
    task, queue = Counting(), queue_of(budget=320)  # 20 of them may be padding
    given = [entry(task, "x" * size) for size in (188, 176, 148, 20)]  # 50, 47, 40 and 8 tokens
    for each in given:
        queue.put(each)
    batches = [queue.take(wait=False) for _ in range(2)]
    assert [(each.entries, each.reason) for each in batches if each] == [
        (given[:3], "padding"),
        (given[3:], "empty"),
    ]


def test_a_full_queue_refuses_and_says_when_to_try_again() -> None:
    task, queue = Counting(), queue_of(most=20)
    queue.put(entry(task, "x" * 400))  # what is alone is taken, however long
    with pytest.raises(Refusal) as refusal:
        queue.put(entry(task, "x"))
    assert refusal.value.status == 429 and refusal.value.error_type == "overloaded"
    assert refusal.value.headers == {"Retry-After": "1"}
    queue.took(4, 1.0)
    with pytest.raises(Refusal) as refusal:
        queue.put(entry(task, "x"))
    assert int(refusal.value.headers["Retry-After"]) == 13  # half of 103 tokens, 4 a second
    queue.take(wait=False)
    gone = entry(task, "x" * 400)
    queue.put(gone)
    gone.future.cancel()
    queue.put(entry(task, "x"))  # who has gone keeps nobody out
    queue.close()
    with pytest.raises(Refusal) as refusal:
        queue.put(entry(task, "x"))
    assert refusal.value.status == 503


def test_a_worker_runs_together_drops_and_finds_what_fails() -> None:
    task, metrics = Counting(), Metrics()
    queue = queue_of(metrics=metrics)
    worker = Worker(queue, metrics, Limits(4, 100, 100))
    first, gone = entry(task, "slow"), entry(task, "gone")
    others = [entry(task, text) for text in ("good", "wrong", "fine")]
    queue.put(first)
    worker.start()
    while not task.batches:
        pass
    for each in (gone, *others):
        queue.put(each)
    gone.future.cancel()
    task.slow.set()
    worker.stop()
    assert not worker.alive
    assert first.future.result() == [4] and gone.future.cancelled()
    assert others[0].future.result() == others[2].future.result() == [4]
    with pytest.raises(UserError, match="wrong"):
        others[1].future.result()
    assert task.batches[:2] == [["slow"], ["good", "wrong", "fine"]]
    assert "gone" not in [text for batch in task.batches for text in batch]
    page = metrics.page().decode()
    assert "headwater_dropped_total 1.0" in page
    assert 'headwater_batches_total{reason="empty"} 2.0' in page
