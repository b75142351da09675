"""Answering a question by generating the answer (Raffel et al. 2020, section 2.4).

    reader = GenerativeReader(TextGenerator(network, vocabulary), SQUAD_V2)
    reader.ask("Who wrote it?", text)      # `question: Who wrote it? context: ...`
    reader.ask("Who wrote Faust?")         # closed book: `question: Who wrote Faust?`

A context too long for one input is read in windows that overlap by half; the likeliest answer over
the windows counts, and "no answer" (the empty text) only when every window says so.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, final

import numpy as np

from headwater.arguments import check_count, check_text
from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference.answer import Answer, Prediction
from headwater.inference.batches import chunks
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.text_generator import CHUNK, GeneratedText, TextGenerator
from headwater.text.long_text import encode_long
from headwater.text.vocabulary import Encoding

if TYPE_CHECKING:  # it brings all metrics
    from headwater.data.task import Task

MOST = 100  # answers, since each is a beam
KEPT = 1000  # different texts that are held of a long context
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
        """Yield one prediction with up to `top_k` different answers per example, in order.

        Where every question has an answer, one is written: in place of "unanswerable" the likeliest
        text without that word's first token.
        """
        config = self._config(top_k)
        for chunk in chunks(examples, CHUNK):
            written = self._written(chunk, config)
            if not self._task.null_answers:
                written = self._insisted(chunk, written, config)
            for example, found in zip(chunk, written, strict=True):
                answers = tuple(self._answer(text, example) for text in found[:top_k])
                best = next((text.text for text in found if text.text), "")
                yield Prediction(example.id, answers, self._task.from_text(example, best))

    __call__ = predict

    def _written(
        self, examples: Sequence[SpanExample], config: GenerationConfig
    ) -> list[list[GeneratedText]]:
        """Write on each example, in windows; return its texts, the likeliest first."""
        windows = [list(self._windows(example)) for example in examples]
        generated = self.generator.generate([text for each in windows for text in each], config)
        return [
            _ranked([self._read(next(generated), example) for _ in texts])
            for example, texts in zip(examples, windows, strict=True)
        ]

    def _insisted(
        self,
        examples: Sequence[SpanExample],
        written: Sequence[list[GeneratedText]],
        config: GenerationConfig,
    ) -> list[list[GeneratedText]]:
        """Leave out what says "no answer"; write again where nothing else was written."""
        from headwater.tasks.squad import NO_ANSWER  # it brings all metrics

        found = [[text for text in texts if text.text] for texts in written]
        silent = [number for number, texts in enumerate(found) if not texts]
        [first, *_] = self.generator.vocabulary.encode(NO_ANSWER).ids
        never = [*(config.bad_words_ids or ()), [int(first)]]
        update = {"bad_words_ids": never, "min_new_tokens": max(1, config.min_new_tokens)}
        again = self._written([examples[each] for each in silent], config.model_copy(update=update))
        for number, texts in zip(silent, again, strict=True):
            found[number] = texts
        return found

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
            [texts] = self.generator.generate(inputs, config)
            ranked = _ranked([self._read(texts, alone)])
            return [self._answer(text, alone) for text in ranked[:top_k]]
        named = {"": contexts} if isinstance(contexts, str) else contexts
        asked: deque[SpanExample] = deque()  # of the windows that are being read
        found: list[GeneratedText] = []
        answers: dict[GeneratedText, Answer] = {}
        windows = 0
        for written in self.generator.generate(self._inputs(question, named, asked), config):
            example = asked.popleft()
            texts = self._read(written, example)
            for text in texts:
                if text not in answers:
                    answers[text] = self._answer(text, example, example.id or None)
            found += texts
            windows += 1
            if len(found) > 2 * KEPT:
                found = _ranked([found, []])[: max(KEPT, top_k)]
                answers = {text: answers[text] for text in found}
        if not windows:
            raise UserError("the text to answer from is empty")
        return [answers[text] for text in _ranked([found] if windows == 1 else [found, []])[:top_k]]

    def _inputs(
        self, question: str, texts: Mapping[str, str], asked: deque[SpanExample]
    ) -> Iterator[str]:
        """Yield the windows of the texts that are not empty; `asked` gets the example of each."""
        for name in texts:
            context = check_text(texts[name], f"context {name!r}")
            if context.strip():
                example = SpanExample(name, question, context, ())
                for window in self._windows(example):
                    asked.append(example)
                    yield window

    def unread(self, question: str) -> int:
        """Return 0: questions of any length are read."""
        return 0

    def _config(self, top_k: int) -> GenerationConfig:
        check_count(top_k, "top_k")
        if top_k > MOST:
            raise UserError(f"top_k = {top_k}: a model that writes gives at most {MOST} answers")
        if self._decoding.do_sample:
            return self._decoding
        beams = max(top_k, self._decoding.num_beams)
        return self._decoding.model_copy(update={"num_beams": beams, "num_return_sequences": beams})

    def _windows(self, example: SpanExample) -> Iterator[str]:
        """Say the example as one input, or as several whose contexts overlap by half."""
        vocabulary, context = self.generator.vocabulary, example.context
        encoded = encode_long(vocabulary, context)
        first, second = next(encoded), next(encoded, None)
        head = context if second is None or not len(first) else context[: first.ends[-1]]
        whole = self._task.to_text(replace(example, context=head, answers=())).inputs
        special = self.generator.framing.special_tokens
        surplus = len(vocabulary.encode(whole)) + special - self._max_inputs
        if head == context and (surplus <= 0 or not len(first)):
            yield whole
            return
        room = max(LEAST_ROOM, len(first) - surplus)  # what question and template leave
        following = () if second is None else (second,)
        for start, end in _spans(chain((first,), following, encoded), room):
            part = replace(example, context=context[start:end], answers=())
            yield self._task.to_text(part).inputs

    def _read(self, texts: Sequence[GeneratedText], example: SpanExample) -> list[GeneratedText]:
        """Return the empty text for each that says that there is no answer."""
        return [
            text if self._task.from_text(example, text.text) else text._replace(text="")
            for text in texts
        ]

    def _answer(
        self, text: GeneratedText, example: SpanExample, source: str | None = None
    ) -> Answer:
        score = math.exp(min(0.0, text.log_probability))
        if not text.text:
            return Answer.none(score)
        return Answer(self._task.from_text(example, text.text), score, source=source)


def _spans(chunks: Iterable[Encoding], room: int) -> Iterator[tuple[int, int]]:
    """Cut a text's tokens into parts of `room`, each half of that after the one before."""
    step = max(1, room // 2)
    starts = ends = np.empty(0, np.int32)  # from the next part's beginning on
    for chunk in chunks:
        starts, ends = np.append(starts, chunk.starts), np.append(ends, chunk.ends)
        while len(starts) >= room + step:
            yield int(starts[0]), int(ends[room - 1])
            starts, ends = starts[step:], ends[step:]
    while True:
        yield int(starts[0]), int(ends[min(room, len(ends)) - 1])
        if len(starts) <= room:
            return
        starts, ends = starts[step:], ends[step:]


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
