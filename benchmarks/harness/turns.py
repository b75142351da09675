"""The turns of one side, as its process sees them.

    for _ in turns:                 # waits until it is this side's turn
        turns.count(answer(batch))  # items; or turns.give(value), where it measures by itself

The time between the start of a turn and the request for the next is what counts. A side whose
loop is not its own, such as a trainer, calls `next(turns)` from inside of it, and is left by
`StopIteration`.
"""

import time
from multiprocessing.connection import Connection
from typing import Self


class Turns:
    """An iterator of turns over the connection to the parent process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._begin: float | None = None
        self._items = 0
        self._value: float | None = None
        self.seconds = 0.0
        """Of all turns so far."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> None:
        """End the turn, if there is one, and wait for the next."""
        if self._begin is None:
            self._connection.send(("ready", None))
        else:
            seconds = time.perf_counter() - self._begin
            self.seconds += seconds
            value = self._items / seconds if self._value is None else self._value
            self._connection.send(("value", value))
        if self._connection.recv() != "go":
            raise StopIteration
        self._items, self._value = 0, None
        self._begin = time.perf_counter()

    def count(self, items: int) -> None:
        """Add items that were done in this turn; its value is items per second."""
        self._items += items

    def give(self, value: float) -> None:
        """Give the value of this turn instead."""
        self._value = value
