"""What a task of the pipelines has that generates texts: they may be written step by step.

    if task.stepwise(options):
        texts = [batch.join(each) for each in task.inputs(items, options)]
        ...                                              # until they are written
        results = [task.result(*each, options) for each in zip(items, texts)]

That is what `run` returns. A server does it for the items of all its callers in one batch.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from headwater.engines.ctranslate2_network import EngineNetwork
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.predictors import Writer
from headwater.inference.written_text import GenerationInput, WrittenText
from headwater.pipelines.task import PipelineTask

OLD_NAMES = {"min_length": "min_new_tokens", "max_length": "max_new_tokens"}
"""Options of old pipelines, and what they are called here."""


@runtime_checkable
class WritingTask(PipelineTask, Protocol):
    """A task that generates texts."""

    @property
    def writer(self) -> Writer:
        """What generates."""
        ...

    def stepwise(self, options: Any, /) -> bool:
        """Tell whether texts can grow token by token: not by beams. No torch."""
        ...

    def inputs(self, items: Sequence[Any], options: Any, /) -> list[GenerationInput]:
        """Return what is read for each item."""
        ...

    def result(self, item: Any, texts: Sequence[WrittenText], options: Any, /) -> Any:
        """Return what is said of an item whose texts are written, for JSON."""
        ...


def grows(writer: Writer, config: GenerationConfig) -> bool:
    """Tell whether what is generated can grow token by token."""
    return config.num_beams == 1 and not isinstance(writer.network, EngineNetwork)
