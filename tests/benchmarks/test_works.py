"""What works are made of: paced training, peers' batches, tensors that are alive."""

from typing import Any

import numpy as np
import torch
from benchmarks.works.collators import corrupted, rows, span_corruption
from benchmarks.works.memory import Alive, Once
from benchmarks.works.training import loop, train

import tiny
from headwater.models.build import build_model
from headwater.training.config import BatchSize, TrainingConfig


class Features:
    """Ten sequences of five tokens for a masked LM."""

    lengths = np.full(10, 5)
    fingerprint = "made up"

    def __len__(self) -> int:
        return len(self.lengths)

    def features(self, indices: np.ndarray, epoch: int) -> list[dict[str, np.ndarray]]:
        ids = np.arange(5, 10, dtype=np.int32)
        return [{"input_ids": ids, "labels": ids} for _ in indices]


class Counted:
    """Two turns without a clock."""

    seconds = 1.0

    def __init__(self) -> None:
        self.turns: list[int] = []

    def __iter__(self) -> "Counted":
        return self

    def __next__(self) -> None:
        if len(self.turns) == 2:
            raise StopIteration
        self.turns.append(0)

    def count(self, items: int) -> None:
        self.turns[-1] += items


def test_the_trainer_takes_some_steps_in_each_turn() -> None:
    turns: Any = Counted()
    model = build_model(tiny.bert_config(), "masked_lm")
    before = [each.clone() for each in model.parameters()]
    config = TrainingConfig(steps=1000, batch=BatchSize(examples=4), warmup=0, device="cpu")
    features: Any = Features()
    found = train(turns, model, features, config, pad_id=0, steps=3, size=lambda _: 5)
    assert turns.turns == [5 * 10, 5 * (4 + 4 + 2)]  # an epoch is steps of 4, 4 and 2 sequences
    assert found["padding share"] == 0 and found["data share"] > 0
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


class Network(torch.nn.Module):
    """The loss that a network of `transformers` would give."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.loss = torch.tensor(0.0)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> "Network":
        self.loss = (self.weight * input_ids.float().mean()).sum()
        return self


def test_the_plain_loop_counts_its_padding() -> None:
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
    batches = iter([{"input_ids": mask, "attention_mask": mask}] * 4)
    turns: Any = Counted()
    network = Network()
    found = loop(turns, network, batches, steps=2, size=lambda batch: len(batch["input_ids"]))
    assert turns.turns == [4, 4]
    assert found["padding share"] == 0.125
    assert float(network.weight.detach().sum()) < 3


class Store:
    """Documents [5 6 7], [8 9] and [5 5 5 5]."""

    tokens = np.array([5, 6, 7, 8, 9, 5, 5, 5, 5], np.uint16)
    documents = np.array([0, 3, 5, 9])


def test_rows_join_documents_and_lose_nothing() -> None:
    store: Any = Store()
    found = rows(store, 4, before=[1], after=[2])
    assert [next(found) for _ in range(4)] == [
        *([1, 5, 6, 7], [2, 1, 8, 9]),
        *([2, 1, 5, 5], [5, 5, 2, 1]),
    ]


def test_published_noise_has_the_published_lengths() -> None:
    class Sentinels:
        def sentinel(self, number: int) -> int:
            return 999 - number

    vocabulary: Any = Sentinels()
    texts = iter([list(range(2, 570))] * 2)
    batch = next(corrupted(texts, 2, span_corruption(vocabulary)))
    assert batch["input_ids"].shape == (2, 512) and batch["labels"].shape == (2, 114)
    both = torch.cat((batch["input_ids"][0], batch["labels"][0])).tolist()
    kept = [id for id in both if 1 < id < 570]
    assert sorted(kept) == list(range(2, 570))


def test_bytes_of_tensors_that_live_at_once_are_counted() -> None:
    size = 4 * 1000
    with Alive() as alive:
        first = torch.zeros(1000)
        for _ in range(5):
            second = first + 1
            del second
        assert first.sum() == 0
    assert 2 * size <= alive.peak <= 2 * size + 64


def test_one_turn_is_one() -> None:
    once: Any = Once()
    assert len([None for _ in once]) == 1
