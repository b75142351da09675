"""All works, in the order in which they are measured."""

from benchmarks.works import (
    ask_cold,
    reader_batch,
    reader_one,
)

WORKS = (
    reader_batch.WORK,
    reader_one.WORK,
    ask_cold.WORK,
)
