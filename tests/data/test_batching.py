"""Plans of steps, and batches as tensors."""

import numpy as np
import pytest
import torch

from headwater.data.batching import collate, count_tokens, plan_epoch


def lengths_of(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(5, 385, rows).astype(np.int64)


def padded(lengths: np.ndarray, rows: np.ndarray) -> int:
    return len(rows) * int(lengths[rows].max())


RULES = [{"tokens": 2048}, {"examples": 12}, {"tokens": 300}, {"examples": 1}]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("accumulate", [1, 3])
def test_every_feature_once_and_no_batch_too_large(rule: dict[str, int], accumulate: int) -> None:
    lengths = lengths_of(1501)
    plan = plan_epoch(lengths, **rule, accumulate=accumulate, seed=1, epoch=2)
    rows = np.concatenate([part for step in plan for part in step])
    assert sorted(rows.tolist()) == list(range(1501))
    for step in plan:
        for part in step:
            assert len(part) > 0
            if "examples" in rule:
                assert len(part) <= rule["examples"]
            else:
                assert padded(lengths, part) <= rule["tokens"] or len(part) == 1
        assert len(step) == 1 or accumulate > 1 or "tokens" in rule
        assert len(step) <= 2 * accumulate


@pytest.mark.parametrize(("name", "size"), [("tokens", 2048), ("examples", 6)])
def test_accumulating_is_the_same_step_as_one_large_batch(name: str, size: int) -> None:
    lengths = lengths_of(1000)
    small = plan_epoch(lengths, **{name: size}, accumulate=4, seed=3)
    large = plan_epoch(lengths, **{name: 4 * size}, accumulate=1, seed=3)
    assert len(small) == len(large)
    for parts, whole in zip(small, large, strict=True):
        assert np.array_equal(np.concatenate(parts), np.concatenate(whole))
    assert all(len(step) == 1 for step in large)
    assert 3.9 < np.mean([len(step) for step in small]) < 5


def test_padding_is_small_and_batches_are_filled() -> None:
    lengths = lengths_of(12_000)
    plan = plan_epoch(lengths, tokens=4096)
    cells = sum(padded(lengths, part) for step in plan for part in step)
    assert 1 - lengths.sum() / cells < 0.03
    assert cells / len(plan) > 0.9 * 4096


def pair_lengths(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths as of questions with contexts and short answers, a few of them long."""
    random = np.random.default_rng(0)
    inputs = np.minimum(random.gamma(8.0, 22.0, rows).astype(np.int64) + 20, 512)
    targets = np.minimum(random.gamma(1.2, 3.5, rows).astype(np.int64) + 2, 64)
    return inputs, targets


@pytest.mark.parametrize("accumulate", [1, 3])
def test_pairs_keep_to_the_budget_with_both_sides_padded(accumulate: int) -> None:
    inputs, targets = pair_lengths(30_000)
    plan = plan_epoch(inputs + targets, targets, tokens=4096, accumulate=accumulate)
    parts = [part for step in plan for part in step]
    assert sorted(np.concatenate(parts).tolist()) == list(range(30_000))
    cells = [padded(inputs, part) + padded(targets, part) for part in parts]
    assert max(cells) <= 4096
    assert 1 - (inputs + targets).sum() / sum(cells) < 0.03
    if accumulate == 1:
        assert np.mean(cells) > 0.9 * 4096


def test_the_plan_is_what_it_was() -> None:
    # Written down: another plan would make saved runs resume on other features.
    plan = plan_epoch(lengths_of(40), tokens=900, accumulate=2, seed=1)
    assert [[part.tolist() for part in step] for step in plan[:2]] == [
        [[39, 20, 32, 7], [23, 27, 36, 4]],
        [[31, 8, 24], [17, 18, 28]],
    ]


def test_epochs_and_seeds_differ_and_are_repeatable() -> None:
    lengths = lengths_of(300)

    def flat(seed: int, epoch: int) -> tuple[int, ...]:
        plan = plan_epoch(lengths, examples=4, seed=seed, epoch=epoch)
        return tuple(int(row) for step in plan for part in step for row in part)

    assert flat(0, 0) == flat(0, 0)
    assert len({flat(0, 0), flat(0, 1), flat(1, 0)}) == 3


def test_lengths_are_mixed_over_the_epoch() -> None:
    lengths = lengths_of(5000)
    means = [lengths[step[0]].mean() for step in plan_epoch(lengths, examples=16)]
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.2


def test_a_feature_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    plan = plan_epoch(np.array([10, 900, 12, 11]), tokens=50)
    assert [1] in [part.tolist() for step in plan for part in step]


def test_no_features_no_steps() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert plan_epoch(empty, tokens=10) == []
    assert plan_epoch(empty, examples=10) == []


def test_collate_pads_each_kind_of_feature() -> None:
    rows = [
        {
            "input_ids": np.array([5, 6], np.int32),
            "token_type_ids": np.array([0, 1], np.int32),
            "labels": np.array([7], np.int32),
            "start_positions": np.int32(1),
            "score": np.float64(0.5),
        },
        {
            "input_ids": np.array([8, 9, 10], np.int32),
            "token_type_ids": np.array([1, 1, 1], np.int32),
            "labels": np.array([1, 2], np.int32),
            "start_positions": np.int32(2),
            "score": np.float64(1.5),
        },
    ]
    batch = collate(rows, pad_id=99)
    assert batch["input_ids"].tolist() == [[5, 6, 99], [8, 9, 10]]
    assert batch["attention_mask"].tolist() == [[True, True, False], [True, True, True]]
    assert batch["token_type_ids"].tolist() == [[0, 1, 0], [1, 1, 1]]
    assert batch["labels"].tolist() == [[7, -100], [1, 2]]
    assert batch["start_positions"].tolist() == [1, 2]
    assert batch["score"].dtype == torch.float32
    assert batch["input_ids"].dtype == batch["start_positions"].dtype == torch.int64
    assert batch["attention_mask"].dtype == torch.bool


def test_padded_tokens_count_targets_only_where_lengths_do() -> None:
    rows = [
        {"input_ids": np.arange(1, n + 1, dtype=np.int32), "labels": np.arange(m, dtype=np.int32)}
        for n, m in [(3, 4), (5, 2)]
    ]
    batch = collate(rows, 0)
    assert count_tokens(batch, pairs=False) == (8, 10)
    assert count_tokens(batch, pairs=True) == (8 + 6, 10 + 8)


def test_labels_of_unlike_length_meet_in_a_batch() -> None:
    """As "entailment" and "not_entailment" of a T5: batches of one label teach nothing."""
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 2000)
    targets = np.where(label == 1, 6, 2)
    inputs = random.integers(20, 90, 2000)
    plan = plan_epoch(inputs + targets, targets, examples=16)
    shares = [label[part].mean() for step in plan for part in step]
    assert abs(np.std(shares) - 0.5 / 4) < 0.04


def test_a_small_set_is_batched_anew_in_every_epoch() -> None:
    lengths = lengths_of(640)

    def neighbors(epoch: int) -> set[tuple[int, int]]:
        plan = plan_epoch(lengths, examples=32, epoch=epoch)
        parts = [sorted(part.tolist()) for step in plan for part in step]
        return {(a, b) for part in parts for a in part for b in part if a < b}

    first, second = neighbors(0), neighbors(1)
    assert len(first & second) / len(first) < 0.06  # 0.05 by chance


@pytest.mark.parametrize("rows", [70, 2241, 5001, 40_000])
def test_only_the_last_step_of_a_group_is_short(rows: int) -> None:
    groups = np.arange(rows) % 2
    sizes = [sum(map(len, step)) for step in plan_epoch(lengths_of(rows), None, groups, examples=8)]
    assert len(sizes) == sum(-(-int((groups == group).sum()) // 8) for group in (0, 1))
    assert sum(size < 8 for size in sizes) <= 2
