"""What two processes that train in parts are at, in memory that they share with their parent.

It stays when a process is killed, and so tells what the process was doing at that moment.
"""

import os
from multiprocessing.sharedctypes import RawArray
from typing import Any

from headwater.training.part_writer import PartWriter
from headwater.training.state_folder import StateFolder
from headwater.training.step import Stepper

NOTHING = -1


class Watched:
    """Two processes, by rank.

    Attributes:
        resumed: the step that each continues after, 0 from the beginning.
        stepping: the step that is under way, or was the last.
        writing: 1 while its thread writes a state or best weights, 0 else.
    """

    def __init__(self) -> None:
        self.resumed, self.stepping, self.writing = (RawArray("q", 2) for _ in range(3))

    def forget(self) -> None:
        """Know nothing, before both start again."""
        for rank in range(2):
            self.resumed[rank] = self.stepping[rank] = NOTHING
            self.writing[rank] = 0


def watch() -> Watched:
    """See what is forked from here on."""
    seen = Watched()
    run, write, restore = Stepper.run, PartWriter._write, StateFolder.restore

    def stepping(stepper: Stepper, batches: Any, seed: int, step: int, *others: Any) -> Any:
        seen.stepping[_rank()] = step
        return run(stepper, batches, seed, step, *others)

    def writing(writer: PartWriter, *arguments: Any) -> None:
        seen.writing[_rank()] = 1
        write(writer, *arguments)
        seen.writing[_rank()] = 0

    def restoring(states: StateFolder, *arguments: Any) -> Any:
        found = restore(states, *arguments)
        seen.resumed[_rank()] = 0 if found is None else found[0].step
        return found

    watched = ((Stepper, "run", stepping), (PartWriter, "_write", writing))
    for owner, name, method in (*watched, (StateFolder, "restore", restoring)):
        setattr(owner, name, method)
    return seen


def _rank() -> int:
    return int(os.environ["RANK"])
