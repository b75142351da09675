"""Answering a question by generating the answer (Raffel et al. 2020, section 2.4).

    reader = GenerativeReader(TextGenerator(network, vocabulary), SQUAD_V2)
    reader.ask("Who wrote it?", text)      # `question: Who wrote it? context: ...`
    reader.ask("Who wrote Faust?")         # closed book: `question: Who wrote Faust?`

A context too long for one input is read in windows that overlap by half; the likeliest answer over
the windows counts, and "no answer" (the empty text) only when every window says so.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, final

from headwater.arguments import check_count
from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference.answer import Answer, Prediction
from headwater.inference.batches import chunks
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.text_generator import CHUNK, GeneratedText, TextGenerator

if TYPE_CHECKING:  # it brings all metrics
    from headwater.data.task import Task

LEAST_ROOM = 16  # tokens of context in a window, however long the question is


@final
class GenerativeReader:
    """Answers questions by generating, with a context or without.

    Args:
        generator: the network and its vocabulary.
        task: says an example as text, as in training, and gives back what was written.
        max_inputs: the longest input in tokens; longer contexts are read in windows.
        decoding: the options of generation; more than one answer is found by beam search.
    """

    def __init__(
        self,
        generator: TextGenerator,
        task: "Task[SpanExample]",
        *,
        max_inputs: int = 512,
        decoding: GenerationConfig | None = None,
    ) -> None:
        self.generator = generator
        self._task = task
        self._max_inputs = max_inputs
        self._decoding = decoding or GenerationConfig()

    def predict(self, examples: Iterable[SpanExample], top_k: int = 1) -> Iterator[Prediction]:
        """Yield one prediction with up to `top_k` different answers per example, in order."""
        config = self._config(top_k)
        for chunk in chunks(examples, CHUNK):
            windows = [self._windows(example) for example in chunk]
            generated = self.generator.generate([text for each in windows for text in each], config)
            for example, texts in zip(chunk, windows, strict=True):
                found = _ranked([next(generated) for _ in texts])
                answers = tuple(self._answer(text, example) for text in found[:top_k])
                best = next((text.text for text in found if text.text), "")
                yield Prediction(example.id, answers, self._task.from_text(example, best))

    __call__ = predict

    def ask(
        self, question: str, contexts: Mapping[str, str] | str | None = None, top_k: int = 1
    ) -> list[Answer]:
        """Answer one question from a text, from several by name, or from what the network knows."""
        if not question.strip():
            raise UserError("the question is empty")
        config = self._config(top_k)
        if contexts is None:
            alone = SpanExample("", question, "", ())
            inputs = [self._task.to_text(alone).inputs]
            found = _ranked(list(self.generator.generate(inputs, config)))
            return [self._answer(text, alone) for text in found[:top_k]]
        named = {"": contexts} if isinstance(contexts, str) else contexts
        examples = [SpanExample(name, question, text, ()) for name, text in named.items()]
        pairs = [(each, text) for each in examples if each.context.strip()
                 for text in self._windows(each)]  # fmt: skip
        if not pairs:
            raise UserError("the text to answer from is empty")
        generated = list(self.generator.generate([text for _, text in pairs], config))
        sources: dict[GeneratedText, SpanExample] = {}
        for (example, _), texts in zip(pairs, generated, strict=True):
            for text in texts:
                sources.setdefault(text, example)
        return [
            self._answer(text, sources[text], sources[text].id or None)
            for text in _ranked(generated)[:top_k]
        ]

    def unread(self, question: str) -> int:
        """Return 0: questions of any length are read."""
        return 0

    def _config(self, top_k: int) -> GenerationConfig:
        check_count(top_k, "top_k")
        if self._decoding.do_sample:
            return self._decoding
        beams = max(top_k, self._decoding.num_beams)
        return self._decoding.model_copy(update={"num_beams": beams, "num_return_sequences": beams})

    def _windows(self, example: SpanExample) -> list[str]:
        """Say the example as one input, or as several whose contexts overlap by half."""
        vocabulary = self.generator.vocabulary
        whole = self._task.to_text(example).inputs
        surplus = len(vocabulary.encode(whole)) + 1 - self._max_inputs
        tokens = vocabulary.encode(example.context)
        if surplus <= 0 or not len(tokens):
            return [whole]
        room = max(LEAST_ROOM, len(tokens) - surplus)  # what question and template leave
        texts = []
        for begin in range(0, max(1, len(tokens) - room + room // 2), max(1, room // 2)):
            last = min(begin + room, len(tokens)) - 1
            part = example.context[tokens.starts[begin] : tokens.ends[last]]
            texts.append(self._task.to_text(replace(example, context=part, answers=())).inputs)
        return texts

    def _answer(
        self, text: GeneratedText, example: SpanExample, source: str | None = None
    ) -> Answer:
        score = math.exp(min(0.0, text.log_probability))
        if not text.text:
            return Answer.none(score)
        return Answer(self._task.from_text(example, text.text), score, source=source)


def _ranked(windows: Sequence[Sequence[GeneratedText]]) -> list[GeneratedText]:
    """Order the texts of all windows, the likeliest first, each once.

    That one window holds no answer says nothing about the others: empty texts come last when there
    are several windows.
    """
    best: dict[str, GeneratedText] = {}
    for text in (text for texts in windows for text in texts):
        if text.text not in best or text.log_probability > best[text.text].log_probability:
            best[text.text] = text
    several = len(windows) > 1
    return sorted(best.values(), key=lambda t: (several and not t.text, -t.log_probability))
