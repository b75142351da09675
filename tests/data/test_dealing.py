"""A step dealt out to processes: nothing twice, nothing left out, and turns that are even."""

import numpy as np
import pytest

from headwater.data.dealing import dealt, source

STEP = [np.arange(0, 4), np.arange(4, 8), np.arange(8, 12)]


def parts_of(world: int, *, whole: bool = False) -> list[list[list[int]]]:
    return [
        [part.tolist() for part in dealt(STEP, rank, world, whole=whole)] for rank in range(world)
    ]


def test_one_process_has_the_step_itself() -> None:
    assert dealt(STEP, 0, 1) is STEP


def test_whole_micro_batches_are_cut_only_where_they_must_be() -> None:
    assert parts_of(2) == [[[0, 1, 2, 3], [8, 9]], [[4, 5, 6, 7], [10, 11]]]
    assert parts_of(3) == [[[0, 1, 2, 3]], [[4, 5, 6, 7]], [[8, 9, 10, 11]]]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("world", range(2, 15))
def test_every_sequence_is_dealt_once_in_as_many_turns(world: int, whole: bool) -> None:
    found = parts_of(world, whole=whole)
    assert len({len(turns) for turns in found}) == 1
    flat = sorted(sequence for turns in found for part in turns for sequence in part)
    assert flat == list(range(12))
    of_one = [{*part} <= {*micro.tolist()} for turns in found for part in turns for micro in STEP]
    assert sum(of_one) >= sum(len(turns) for turns in found)  # an empty part is in each of them


@pytest.mark.parametrize("world", [2, 4, 5])
def test_batches_whose_sequences_are_compared_stay_whole(world: int) -> None:
    parts = [part for turns in parts_of(world, whole=True) for part in turns if part]
    assert sorted(parts) == [micro.tolist() for micro in STEP]


def test_a_part_tells_which_micro_batch_it_was_cut_from() -> None:
    for rank in range(5):
        for part in dealt(STEP, rank, 5):
            assert {*part.tolist()} <= {*source(part, STEP).tolist()}
