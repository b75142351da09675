"""What converting one file may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one file.

    seconds: how long its conversion may take.
    memory: bytes of the process that converts it.
    size: bytes of its content, decompressed.
    """

    seconds: float = 120
    memory: int = 2**31
    size: int = 2**28
