"""Objectives over stores in shards."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headwater.data.convert import PairSet
from headwater.data.shard_order import shard_counts
from headwater.errors import UserError
from headwater.objectives import shards as room
from headwater.objectives.names import OBJECTIVES, ObjectiveConfig
from headwater.objectives.sequences import RunningText
from headwater.objectives.shards import sharded
from headwater.text.vocabulary import Vocabulary

MakeStore = Callable[..., Any]


class MemoryShards:
    """Stores in memory as shards; `opened` lists which were asked for."""

    def __init__(self, stores: list[Any]) -> None:
        self.stores = stores
        self.sizes = np.array([(len(s.tokens), len(s.documents) - 1) for s in stores])
        self.fingerprint = "shards"
        self.opened: list[int] = []

    def shard(self, number: int) -> Any:
        self.opened.append(number)
        return self.stores[number]


@pytest.fixture
def parts(make_store: MakeStore) -> MemoryShards:
    """Shards of 30, 3 and 45 tokens in one or two documents each."""
    return MemoryShards(
        [
            make_store([[range(50, 70)], [range(60, 70)]]),
            make_store([[range(50, 53)]]),
            make_store([[range(51, 76)], [range(50, 70)]]),
        ]
    )


def settings(objective: str, **tables: Any) -> ObjectiveConfig:
    values = {"objective": objective, "corpus": {"train": "x"}, **tables}
    return ObjectiveConfig.check(values, "test")


CASES = [
    ("lm", {"lm": {"length": 8}}, False),
    ("lm", {"lm": {"length": 8}}, True),
    ("prefix_lm", {"lm": {"length": 8}}, False),
    ("bilm", {"lm": {"length": 8}}, False),
    ("mlm", {"mlm": {"max_length": 10, "next_sentence": False}}, False),
    ("replaced_tokens", {"mlm": {"max_length": 10}}, False),
    *(
        ("span_corruption", {"span_corruption": {"inputs": 10, "variant": variant}}, True)
        for variant in ("span_corruption", "replace_spans", "drop_tokens", "bert_style")
    ),
]


@pytest.mark.parametrize(("objective", "tables", "writes"), CASES)
def test_sequences_are_those_of_each_shard(
    objective: str,
    tables: dict[str, Any],
    writes: bool,
    parts: MemoryShards,
    t5: Vocabulary,
    bert: Vocabulary,
) -> None:
    config, kind = settings(objective, **tables), OBJECTIVES[objective]
    vocabulary = t5 if writes else bert

    def build(store: Any, seed: int) -> Any:
        return kind.build(config, store, vocabulary, seed, writes)

    found = sharded(parts, build, kind.text(config, writes), 5)
    assert not parts.opened and shard_counts(found.lengths) is not None
    expected = []
    for number, store in enumerate(parts.stores):
        try:
            features = build(store, room._seed(5, number))
        except UserError:  # too short for a sequence
            continue
        assert (features.lengths == found.lengths[0]).all()
        if isinstance(features, PairSet):
            assert isinstance(found, PairSet)
            assert (features.target_lengths == found.target_lengths[0]).all()
        expected += features.features(np.arange(len(features)), 2)
    made = found.features(np.arange(len(found)), 2)
    assert len(made) == len(expected)
    for one, other in zip(made, expected, strict=True):
        assert {name: each.tolist() for name, each in one.items()} == {
            name: each.tolist() for name, each in other.items()
        }


@pytest.mark.parametrize(
    ("objective", "tables", "writes"),
    [
        ("mlm", {"mlm": {"max_length": 10}}, False),
        ("lm", {"lm": {"length": 8, "packing": True}}, False),
        ("prefix_lm", {"lm": {"length": 8}}, True),
        ("span_corruption", {"span_corruption": {"inputs": 10, "packing": True}}, True),
        ("cbow", {}, False),
    ],
)
def test_lengths_that_vary_are_not_counted_beforehand(
    objective: str, tables: dict[str, Any], writes: bool
) -> None:
    assert OBJECTIVES[objective].text(settings(objective, **tables), writes) is None


def running(store: Any, seed: int) -> Any:
    class Plain:
        def __init__(self) -> None:
            self.source = RunningText(store, 4, 1)
            self.lengths = np.full(len(self.source), 4)
            self.fingerprint = str(seed)

        def __len__(self) -> int:
            return len(self.source)

        def features(self, indices: np.ndarray, epoch: int) -> list[dict[str, np.ndarray]]:
            return [{"input_ids": each} for each in self.source.texts(indices)]

    return Plain()


def test_shards_that_vary_are_joined(parts: MemoryShards) -> None:
    found = sharded(parts, running, None, 0)
    assert len(found) == 8 + 1 + 11 and parts.opened == [0, 1, 2]
    assert shard_counts(found.lengths) is None


def test_few_shards_stay_open(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "TOGETHER", 2)
    parts = MemoryShards([make_store([[range(50, 58)]]) for _ in range(4)])
    found = sharded(parts, running, 4, 0)
    for index in (0, 2, 1, 0, 4, 3, 0):  # shards 0 1 0 0 2 1 0
        found.features(np.array([index]), 0)
    assert parts.opened == [0, 1, 2, 1, 0]


def test_too_little_text_is_told(make_store: MakeStore) -> None:
    parts = MemoryShards([make_store([[range(50, 52)]])])
    with pytest.raises(UserError, match="no shard holds a sequence of 4 tokens"):
        sharded(parts, running, 4, 0)


def test_another_shard_is_another_fingerprint(parts: MemoryShards) -> None:
    before = sharded(parts, running, 4, 0).fingerprint
    assert sharded(parts, running, 4, 0).fingerprint == before
    parts.fingerprint = "others"
    assert sharded(parts, running, 4, 0).fingerprint != before
