"""Text in, text out (Raffel et al. 2020, sections 2.1 and 2.4).

generator = TextGenerator(t5, vocabulary)
next(generator.generate(["translate English to German: That is good."]))[0].text
next(TaskGenerator(generator, RTE)(examples)).text      # "entailment"
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, final

import numpy as np
import torch

from headwater.data.batching import collate
from headwater.data.convert import Features
from headwater.data.example import Example
from headwater.data.token_arrays import Ints
from headwater.engines.ctranslate2_network import EngineNetwork
from headwater.inference.answer import Decision
from headwater.inference.batches import batch_tokens, batches, chunks
from headwater.inference.decoding import generate_ids
from headwater.inference.engine_writing import engine_texts
from headwater.inference.generated import DecoderTokens, Generated
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.running import device_of, running
from headwater.inference.running_batch import RunningBatch
from headwater.inference.token_stream import TokenStream
from headwater.inference.written_text import GenerationInput
from headwater.models.body import GeneratingBody
from headwater.models.families import sizes_of
from headwater.models.text_to_text import TextToText
from headwater.text.framing import framing_of
from headwater.text.vocabulary import Vocabulary
from headwater.text.wordpiece_spaces import joined

if TYPE_CHECKING:
    from headwater.data.task import Task

E = TypeVar("E", bound=Example)

CHUNK = 256  # inputs in memory at once: enough to sort by length


class GeneratedText(NamedTuple):
    """A generated text and its log probability."""

    text: str
    log_probability: float


@final
class TextGenerator:
    """Generates texts for each input text. Calls may come from many threads at once.

    Args:
        network: a T5 of any architecture, an encoder-decoder, or a GPT that learned targets.
        vocabulary: the one it was trained with.
        tokens: the most input tokens in a batch, padding included; None: by the device.
        precision: of the matrix products; None: see `running.running`.
    """

    def __init__(
        self,
        network: TextToText,
        vocabulary: Vocabulary,
        *,
        tokens: int | None = None,
        precision: torch.dtype | None = None,
    ) -> None:
        self.network, self.vocabulary = network, vocabulary
        self.framing = framing_of(vocabulary, *sizes_of(network.config).framed)
        self._special = DecoderTokens(network.start_id, (self.framing.end,))
        self._tokens, self._precision = tokens, precision
        # Tokens that hold no spaces, as BERT's, leave them to be guessed.
        self._spaced = joined if vocabulary.eos_id is None else str.strip

    def generate(
        self,
        texts: Iterable[str],
        config: GenerationConfig | None = None,
        max_inputs: int | None = None,
    ) -> Iterator[list[GeneratedText]]:
        """Yield for each input its `num_return_sequences` texts, the best first, in order.

        Of inputs with more than `max_inputs` tokens, special ones included, the end is cut.
        """
        config = self._within(config or GenerationConfig())
        begin = 0
        for chunk in chunks(texts, CHUNK):
            yield from self._chunk(self._encoded(chunk, max_inputs), config, begin)
            begin += len(chunk)

    def inputs(
        self,
        texts: Sequence[str],
        config: GenerationConfig,
        max_inputs: int | None = None,
        stop: Sequence[str] = (),
    ) -> list[GenerationInput]:
        """Return what a `RunningBatch` reads to write for each text."""
        config = self._within(config)
        return [
            GenerationInput(
                {"input_ids": self.framing.around(ids)},
                *(len(ids), self._special, config, self._decoded, index, stop),
            )
            for index, ids in enumerate(self._encoded(texts, max_inputs))
        ]

    def running_batch(self) -> RunningBatch:
        """Return what writes texts that join and leave between two steps."""
        return RunningBatch(self.network, self._precision)

    def stream(self, text: str, config: GenerationConfig) -> TokenStream:
        """Return the text for one input, one token after another."""
        [given] = self.inputs([text], config)
        return TokenStream(self.network, given, self._precision)

    def _encoded(self, texts: Sequence[str], max_inputs: int | None) -> list[Ints]:
        most = None if max_inputs is None else max_inputs - self.framing.special_tokens
        return [each.ids[:most] for each in self.vocabulary.encode_batch(texts)]

    def _decoded(self, ids: Sequence[int]) -> str:
        return self._spaced(self.vocabulary.decode(ids))

    def _within(self, config: GenerationConfig) -> GenerationConfig:
        """Let texts end where a decoder has no more positions."""
        longest = sizes_of(self.network.config).longest_target
        most = min(config.max_new_tokens, longest)
        return config.model_copy(update={"max_new_tokens": most})

    def _chunk(
        self, inputs: Sequence[Ints], config: GenerationConfig, begin: int
    ) -> list[list[GeneratedText]]:
        features: list[Features] = [{"input_ids": self.framing.around(ids)} for ids in inputs]
        generated = generate_batches(
            *(self.network, features, self._special, config, begin),
            tokens=self._tokens,
            precision=self._precision,
        )
        return [
            [GeneratedText(self._decoded(each.ids), each.log_probability) for each in several]
            for several in generated
        ]


def generate_batches(
    network: GeneratingBody,
    features: Sequence[Features],
    special: DecoderTokens,
    config: GenerationConfig,
    begin: int,
    *,
    tokens: int | None = None,
    precision: torch.dtype | None = None,
) -> list[list[Generated]]:
    """Generate for all features, in batches of about equal length; return the texts in order.

    Args:
        features: the `input_ids` of each, int32 [length], and what else `generate_ids` takes.
        begin: the index of the first among all inputs.
        tokens: the most input tokens in a batch, padding included; None: by the device.
        precision: of the matrix products; None: see `running.running`.
    """
    device = device_of(network)
    copies = max(config.num_beams, config.num_return_sequences)
    reading, one_stack = batch_tokens(device), sizes_of(network.config).one_stack
    tokens = tokens or reading * _written_per_read(device, one_stack) // copies
    together = None if one_stack else reading
    if isinstance(network, EngineNetwork):
        return engine_texts(network, features, special, config, tokens)
    lengths = np.array([len(each["input_ids"]) for each in features])
    results: list[list[Generated]] = [[]] * len(features)
    with running(network, precision) as fast:
        for indices in batches(lengths, tokens):
            batch = collate([features[index] for index in indices], special.start_id, device)
            inputs = [begin + int(index) for index in indices]
            found = generate_ids(fast, batch, special, config, inputs, together)
            for index, several in zip(indices, found, strict=True):
                results[index] = several
    return results


def _written_per_read(device: torch.device, one_stack: bool) -> int:
    """Return how many times as large batches are for writing as for reading.

    On a CPU a step costs little more for more texts. One stack reads inputs in the same batch.
    """
    if device.type != "cpu":
        return 1
    return 2 if one_stack else 8


@final
class TaskGenerator(Generic[E]):
    """Generates the predictions of one task. Calls may come from many threads at once.

    A generated text that is no answer to the task stays as it is; it counts as wrong.

    Args:
        generator: the network and its vocabulary.
        task: says examples as text, and turns generated text into predictions.
        max_inputs: the longest input in tokens, special ones included; longer ones are cut.
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
