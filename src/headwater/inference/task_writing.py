"""Any task by writing (Raffel et al. 2020, section 2.4): said as text, written, understood.

    writer = TaskWriter(TextWriter(t5, vocabulary), RTE)
    next(writer(examples)).text        # rte sentence1: ... sentence2: ... -> "entailment"

What was written stands as it is when it is no answer to the task; it counts as wrong.
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from headwater.data.source import Example
from headwater.data.task import Task
from headwater.inference.answer import Decision
from headwater.inference.batches import chunks
from headwater.inference.decoding_config import DecodingConfig
from headwater.inference.generative import CHUNK, TextWriter

E = TypeVar("E", bound=Example)


class TaskWriter(Generic[E]):
    """Writes the predictions of one task. Calls may come from many threads at once.

    Args:
        writer: the network and its vocabulary.
        task: says examples as text, and turns what was written into predictions.
        max_inputs: the longest input in tokens, the end token included; longer ones are cut.
        decoding: how a text is written.
    """

    def __init__(
        self,
        writer: TextWriter,
        task: Task[E],
        *,
        max_inputs: int = 512,
        decoding: DecodingConfig | None = None,
    ) -> None:
        self.writer, self.task = writer, task
        self._max_inputs, self._decoding = max_inputs, decoding

    def __call__(self, examples: Iterable[E]) -> Iterator[Decision]:
        """Yield the prediction for each example, in order."""
        for chunk in chunks(examples, CHUNK):
            inputs = [self.task.to_text(example).inputs for example in chunk]
            written = self.writer.generate(inputs, self._decoding, max_inputs=self._max_inputs)
            for example, [best, *_] in zip(chunk, written, strict=True):
                yield Decision(example.id, self.task.from_text(example, best.text))
