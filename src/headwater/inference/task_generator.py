"""Any task as text to text (Raffel et al. 2020, section 2.4).

    predictor = TaskGenerator(TextGenerator(t5, vocabulary), RTE)
    next(predictor(examples)).text        # rte sentence1: ... sentence2: ... -> "entailment"

A generated text that is no answer to the task stays as it is; it counts as wrong.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar, final

from headwater.data.example import Example
from headwater.inference.answer import Decision
from headwater.inference.batches import chunks
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.text_generator import CHUNK, TextGenerator

if TYPE_CHECKING:  # it brings all metrics
    from headwater.data.task import Task

E = TypeVar("E", bound=Example)


@final
class TaskGenerator(Generic[E]):
    """Generates the predictions of one task. Calls may come from many threads at once.

    Args:
        generator: the network and its vocabulary.
        task: says examples as text, and turns generated text into predictions.
        max_inputs: the longest input in tokens, the end token included; longer ones are cut.
        decoding: the options of generation.
    """

    def __init__(
        self,
        generator: TextGenerator,
        task: "Task[E]",
        *,
        max_inputs: int = 512,
        decoding: GenerationConfig | None = None,
    ) -> None:
        self.generator, self.task = generator, task
        self._max_inputs, self._decoding = max_inputs, decoding

    def __call__(self, examples: Iterable[E]) -> Iterator[Decision]:
        """Yield the prediction for each example, in order."""
        for chunk in chunks(examples, CHUNK):
            inputs = [self.task.to_text(example).inputs for example in chunk]
            texts = self.generator.generate(inputs, self._decoding, max_inputs=self._max_inputs)
            for example, [best, *_] in zip(chunk, texts, strict=True):
                yield Decision(example.id, self.task.from_text(example, best.text))
