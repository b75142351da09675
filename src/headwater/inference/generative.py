"""Answering by writing text (Raffel et al. 2020, section 2.4): text in, text out.

    writer = TextWriter(network, vocabulary)
    next(writer.generate(["translate English to German: That is good."]))[0].text
    reader = TextReader(writer)
    reader.ask("Who wrote it?", text)      # `question: Who wrote it? context: ...`
    reader.ask("Who wrote Faust?")         # closed book: `question: Who wrote Faust?`

A context too long for one input is read in windows that overlap by half; the likeliest answer over
the windows counts, and "no answer" (the empty text) only when every window says so.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from headwater.data.batching import collate
from headwater.data.convert import Features
from headwater.data.example import SpanExample, TextExample
from headwater.data.token_arrays import Ints
from headwater.errors import UserError
from headwater.inference.answer import Answer, Prediction
from headwater.inference.batches import autocast, batch_tokens, batches, chunks, evaluating
from headwater.inference.decoding import write
from headwater.inference.decoding_config import DecodingConfig
from headwater.inference.writer import Marks, Writer, Written
from headwater.models.gpt.network import GPT
from headwater.models.t5.decoder_only import DecoderOnlyT5
from headwater.models.t5.network import T5
from headwater.tasks.squad import SQUAD_V2
from headwater.text.special_tokens import end_token
from headwater.text.vocabulary import Vocabulary

CHUNK = 256  # inputs held at once: enough to sort by length
LEAST_ROOM = 16  # tokens of context in a window, however long the question is


class Text(NamedTuple):
    """A written text and the log of its probability."""

    text: str
    log_probability: float


class TextWriter:
    """Writes a text for each input text. Calls may come from many threads at once.

    Args:
        network: a T5 of any architecture.
        vocabulary: the one it was trained with; has an end-of-sequence token.
        tokens: the most input tokens in a batch, padding included; None: by the device.

    Products run in float32: a step has too little work to repay casting the weights.
    """

    def __init__(
        self, network: T5 | DecoderOnlyT5, vocabulary: Vocabulary, *, tokens: int | None = None
    ) -> None:
        self.network, self.vocabulary = network, vocabulary
        self._marks = Marks(network.config.decoder_start_token_id, end_token(vocabulary))
        self._tokens = tokens

    def generate(
        self,
        texts: Iterable[str],
        config: DecodingConfig | None = None,
        max_inputs: int | None = None,
    ) -> Iterator[list[Text]]:
        """Yield for each input the texts written, the best first, in order; see DecodingConfig.

        Of inputs with more than `max_inputs` tokens, the end token included, the end is cut.
        """
        config = config or DecodingConfig()
        most = None if max_inputs is None else max_inputs - 1
        begin = 0
        for chunk in chunks(texts, CHUNK):
            given = [each.ids[:most] for each in self.vocabulary.encode_batch(chunk)]
            yield from self._chunk(given, config, begin)
            begin += len(chunk)

    def _chunk(self, given: Sequence[Ints], config: DecodingConfig, begin: int) -> list[list[Text]]:
        eos = np.array([self._marks.eos_id], np.int32)
        rows: list[Features] = [{"input_ids": np.concatenate((ids, eos))} for ids in given]
        written = write_rows(self.network, rows, self._marks, config, begin, self._tokens)
        return [
            [Text(self.vocabulary.decode(one.ids).strip(), one.log_probability) for one in several]
            for several in written
        ]


def write_rows(
    network: T5 | DecoderOnlyT5 | GPT,
    rows: Sequence[Features],
    marks: Marks,
    config: DecodingConfig,
    begin: int,
    tokens: int | None = None,
) -> list[list[Written]]:
    """Write for each row, in batches of about equal length, and return the texts in order.

    Args:
        rows: the `input_ids` of each, int32 [length], and what else `decoding.write` takes.
        begin: the number of the first row among all inputs.
        tokens: the most input tokens in a batch, padding included; None: by the device.
    """
    device = next(network.parameters()).device
    tokens = tokens or batch_tokens(device) // config.beams
    results: list[list[Written]] = [[]] * len(rows)
    with evaluating(network), autocast(torch.float32, device):
        for places in batches(np.array([len(row["input_ids"]) for row in rows]), tokens):
            batch = collate([rows[place] for place in places], marks.start_id, device)
            numbers = [begin + int(place) for place in places]
            written = write(cast(Writer[Any], network), batch, marks, config, numbers)
            for place, several in zip(places, written, strict=True):
                results[place] = several
    return results


class TextReader:
    """Answers questions by writing, with a context or without.

    Args:
        writer: the network and its vocabulary.
        to_text: says an example as text, as in training.
        max_inputs: the longest input in tokens; longer contexts are read in windows.
        decoding: how answers are written; more than one answer is found by beam search.
    """

    def __init__(
        self,
        writer: TextWriter,
        *,
        to_text: Callable[[SpanExample], TextExample] = SQUAD_V2.to_text,
        max_inputs: int = 512,
        decoding: DecodingConfig | None = None,
    ) -> None:
        self.writer = writer
        self._to_text = to_text
        self._max_inputs = max_inputs
        self._decoding = decoding or DecodingConfig()

    def __call__(self, examples: Iterable[SpanExample]) -> Iterator[Prediction]:
        """Predict one answer per example; see `predict`."""
        return self.predict(examples)

    def predict(self, examples: Iterable[SpanExample], top_k: int = 1) -> Iterator[Prediction]:
        """Yield one prediction with up to `top_k` different answers per example, in order."""
        config = self._config(top_k)
        for chunk in chunks(examples, CHUNK):
            windows = [self._windows(example) for example in chunk]
            written = self.writer.generate([text for each in windows for text in each], config)
            for example, texts in zip(chunk, windows, strict=True):
                found = _ranked([next(written) for _ in texts])
                answers = tuple(_answer(text, None) for text in found[:top_k])
                best = next((text.text for text in found if text.text), "")
                yield Prediction(example.id, answers, best)

    def ask(
        self, question: str, contexts: Mapping[str, str] | str | None = None, top_k: int = 1
    ) -> list[Answer]:
        """Answer one question: from a text, from several by name, or from what the network knows.

        Raises:
            UserError: an empty question, or contexts without any text.
        """
        if not question.strip():
            raise UserError("the question is empty")
        config = self._config(top_k)
        if contexts is None:
            alone = self._to_text(SpanExample("", question, "", ())).inputs
            found = _ranked(list(self.writer.generate([alone], config)))
            return [_answer(text, None) for text in found[:top_k]]
        named = {"": contexts} if isinstance(contexts, str) else contexts
        examples = [SpanExample(name, question, text, ()) for name, text in named.items()]
        pairs = [(each.id, text) for each in examples if each.context.strip()
                 for text in self._windows(each)]  # fmt: skip
        if not pairs:
            raise UserError("the text to answer from is empty")
        written = list(self.writer.generate([text for _, text in pairs], config))
        sources: dict[Text, str] = {}
        for (name, _), texts in zip(pairs, written, strict=True):
            for text in texts:
                sources.setdefault(text, name)
        return [_answer(text, sources[text] or None) for text in _ranked(written)[:top_k]]

    def _config(self, top_k: int) -> DecodingConfig:
        if top_k < 1:
            raise UserError(f"top_k = {top_k}: a whole number from 1 on was expected")
        if top_k <= self._decoding.beams or self._decoding.sample:
            return self._decoding
        return self._decoding.model_copy(update={"beams": top_k})

    def _windows(self, example: SpanExample) -> list[str]:
        """Say the example as one input, or as several whose contexts overlap by half."""
        vocabulary = self.writer.vocabulary
        whole = self._to_text(example).inputs
        surplus = len(vocabulary.encode(whole)) + 1 - self._max_inputs
        tokens = vocabulary.encode(example.context)
        if surplus <= 0 or not len(tokens):
            return [whole]
        room = max(LEAST_ROOM, len(tokens) - surplus)  # what is left beside question and template
        texts = []
        for begin in range(0, max(1, len(tokens) - room + room // 2), max(1, room // 2)):
            last = min(begin + room, len(tokens)) - 1
            part = example.context[tokens.starts[begin] : tokens.ends[last]]
            texts.append(self._to_text(replace(example, context=part, answers=())).inputs)
        return texts


def _ranked(windows: Sequence[Sequence[Text]]) -> list[Text]:
    """Order the texts of all windows, the likeliest first, each once.

    That one window holds no answer says nothing about the others: empty texts come last when there
    are several windows.
    """
    best: dict[str, Text] = {}
    for text in (text for texts in windows for text in texts):
        if text.text not in best or text.log_probability > best[text.text].log_probability:
            best[text.text] = text
    several = len(windows) > 1
    return sorted(best.values(), key=lambda t: (several and not t.text, -t.log_probability))


def _answer(text: Text, source: str | None) -> Answer:
    score = math.exp(min(0.0, text.log_probability))
    return Answer(text.text, score, source=source) if text.text else Answer.none(score)
