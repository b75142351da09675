"""What converting one file may take."""

from dataclasses import dataclass

_BUSY = 5  # times slower than alone


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one file.

    seconds: of the processor that its conversion may take.
    memory: bytes of the process that converts it.
    size: bytes of its content, decompressed.
    """

    seconds: float = 120
    memory: int = 2**31
    size: int = 2**28

    @property
    def patience(self) -> float:
        """Seconds that its conversion may take on a machine with other work, or asleep."""
        return _BUSY * self.seconds
