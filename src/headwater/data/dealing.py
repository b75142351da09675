"""Which part of a training step each process takes.

The sequences of a step are those that one process would have; they are only dealt out. Processes
take turns, so that each has equally many forward passes, and what is dealt fits the same limits:

    a step of 3 micro-batches of 4      0123    4567    89ab
    process 0 of 2                      0123    89
    process 1 of 2                      4567    ab
"""

import numpy as np

from headwater.data.batching import Indices, Step


def dealt(step: Step, rank: int, world: int, *, whole: bool = False) -> Step:
    """Return a process's micro-batches; some are empty where a step has too few sequences.

    Args:
        whole: cut no micro-batch, as a loss asks that compares the sequences of one.
    """
    if world == 1:
        return step
    turns = -(-len(step) // world)
    slots = turns * world
    if whole:
        parts = [*step, *[step[0][:0]] * (slots - len(step))]
    else:
        ends = [slots * (number + 1) // len(step) for number in range(len(step))]
        counts = np.diff([0, *ends]).tolist()
        cut = zip(step, counts, strict=True)
        parts = [part for each, count in cut for part in np.array_split(each, count)]
    return parts[rank::world]


def source(part: Indices, step: Step) -> Indices:
    """Return the micro-batch that a part was cut from, which must not be empty."""
    return next(each for each in step if part[0] in each)
