"""Answering with a span of the text (Devlin et al. 2019, section 4.2), for any number of texts.

    reader = ExtractiveReader(network, vocabulary, threshold=-1.5)
    for prediction in reader.predict(examples):     # streamed, in order
        prediction.text
    reader.ask("Who wrote it?", {"a.txt": text_a, "b.txt": text_b}, top_k=3)

Long contexts are read in windows, and the best span over the windows counts. Scores become
probabilities by a softmax over the spans compared. With a `threshold` (models that know questions
without an answer) "no answer" wins exactly when its score is more than `threshold` ahead of the
best span's, and its probability is taken from those of the spans (see `ranking`). One question over
several documents compares how far each span is ahead of "no answer" in its own document (the
problem is that of Clark & Gardner 2018, "Simple and Effective Multi-Paragraph Reading
Comprehension"); without a threshold, plain scores.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from headwater.arguments import check_count, check_number, check_text
from headwater.data.config import SpanConfig
from headwater.data.convert import FeatureSet
from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference.answer import Answer, Prediction, sigmoid
from headwater.inference.batches import batch_tokens, chunks, predict_logits
from headwater.inference.ranking import Ranking
from headwater.inference.running import device_of
from headwater.inference.temperatures import PLAIN, Temperatures
from headwater.tasks.spans import SpanChoice, SpanSearch
from headwater.tasks.window_stream import Window, WindowList, stream_windows
from headwater.tasks.windows import build_windows
from headwater.text.sequence_layout import SequenceLayout
from headwater.text.vocabulary import Vocabulary

CHUNK = 512  # examples whose windows are in memory at once: enough to sort by length

BATCHES = 8  # so many are in memory at once of a long text: more leave holes in it


class _Document(NamedTuple):
    """A text that is being read, and the spans found so far."""

    name: str | None
    context: str
    search: SpanSearch


class ExtractiveReader:
    """Finds answers in texts. Calls may come from many threads at once.

    Args:
        network: called with a batch, gives `(start_logits, end_logits)`, `[batch, length]` each.
        vocabulary: the one the network was trained with.
        config: windows and n-best; must fit the network's longest input.
        threshold: how far "no answer" must be ahead to win; None: always answer with a span.
        temperatures: of the probabilities.
        precision: of the matrix products; None: see `running.running`.
        tokens: the most tokens in a batch, padding included; None: by the device.
        layout: the special tokens of a sequence; None: those of an encoder.
    """

    def __init__(
        self,
        network: nn.Module,
        vocabulary: Vocabulary,
        config: SpanConfig | None = None,
        *,
        threshold: float | None = None,
        temperatures: Temperatures = PLAIN,
        precision: torch.dtype | None = None,
        tokens: int | None = None,
        layout: SequenceLayout | None = None,
    ) -> None:
        self.network, self.vocabulary = network, vocabulary
        self.config = config or SpanConfig()
        self.threshold = None if threshold is None else check_number(threshold, "threshold")
        self.temperatures = temperatures
        self._precision = precision
        self._tokens, self._layout = tokens, layout

    def changed(self, config: SpanConfig) -> "ExtractiveReader":
        """Return the same reader with other windows."""
        return ExtractiveReader(
            *(self.network, self.vocabulary, config),
            threshold=self.threshold,
            temperatures=self.temperatures,
            precision=self._precision,
            tokens=self._tokens,
            layout=self._layout,
        )

    def predict(self, examples: Iterable[SpanExample], top_k: int = 1) -> Iterator[Prediction]:
        """Yield one prediction with up to `top_k` answers per example, in order."""
        check_count(top_k, "top_k")
        for chunk in chunks(examples, CHUNK):
            for example, choice in zip(chunk, self._choices(chunk, top_k), strict=True):
                yield self._prediction(example, choice, top_k)

    __call__ = predict

    def ask(
        self, question: str, contexts: Mapping[str, str] | str | None, top_k: int = 1
    ) -> list[Answer]:
        """Answer one question from one text, or from several by name.

        A long text is read in memory that hardly grows with it, and texts are taken from the
        mapping one by one.

        Returns:
            up to `top_k` answers with different texts, of which no two share a character; the first
            may be "no answer". `source` names the text when the texts were given by name.
        """
        if not question.strip():
            raise UserError("the question is empty")
        if contexts is None:
            raise UserError(
                "this model finds answers in a text: give a context; only models that write, such "
                "as T5, answer without"
            )
        check_count(top_k, "top_k")
        named = not isinstance(contexts, str)
        texts = {"": contexts} if isinstance(contexts, str) else contexts
        ranking = Ranking(top_k, self.threshold, self.temperatures)
        for document in self._read(question, texts, top_k, named):
            ranking.add(document.search.choice(), document.context, document.name)
        if not len(ranking):
            raise UserError("the text to answer from is empty")
        return ranking.answers()[1]

    def choices(
        self, question: str, texts: Sequence[str], top_k: int = 1, above: Sequence[str] = ()
    ) -> list[SpanChoice]:
        """Return the best spans of each of some short texts, and its score of "no answer".

        Args:
            above: what is read before each text, such as its headings; no span is there.
        """
        begins = [f"{each}\n\n" if each else "" for each in above] or [""] * len(texts)
        examples = [
            SpanExample("", question, begin + text, ())
            for begin, text in zip(begins, texts, strict=True)
        ]
        return list(self._choices(examples, top_k, list(map(len, begins))))

    def unread(self, question: str) -> int:
        """Return how many tokens at the end of a question are too many, and not read."""
        tokens = len(self.vocabulary.encode(question.strip()))
        return max(0, tokens - self.config.max_query_length)

    def _choices(
        self, examples: Sequence[SpanExample], top_k: int, begins: Sequence[int] = ()
    ) -> Iterator[SpanChoice]:
        windows = build_windows(
            self.vocabulary, examples, self.config, labelled=False, layout=self._layout
        )
        found = self._logits(windows)
        for index, example in enumerate(examples):
            begin = begins[index] if begins else 0
            search = SpanSearch(example.context, self.config, _apart(top_k), begin)
            for number in windows.windows_of(index):
                starts, ends = found[number][:, : windows.lengths[number]]
                search.add(starts, ends, windows.offsets(number))
            yield search.choice()

    def _read(
        self, question: str, texts: Mapping[str, str], top_k: int, named: bool
    ) -> Iterator[_Document]:
        """Yield the texts that are not empty once their windows are read.

        They are read one by one, their windows in groups that fill whole batches.
        """
        tokens = self._tokens or batch_tokens(device_of(self.network))
        size = BATCHES * max(1, tokens // self.config.max_length)
        current = None
        for group in chunks(self._windows(question, texts, top_k, named), size):
            windows = WindowList([window for _, window in group])
            logits = self._logits(windows)
            for (document, window), scores, length in zip(
                group, logits, windows.lengths, strict=True
            ):
                if current is not None and document is not current:
                    yield current
                current = document
                starts, ends = scores[:, :length]
                document.search.add(starts, ends, window.offsets)
        if current is not None:
            yield current

    def _windows(
        self, question: str, texts: Mapping[str, str], top_k: int, named: bool
    ) -> Iterator[tuple[_Document, Window]]:
        for name in texts:
            context = check_text(texts[name], f"context {name!r}")
            if context.strip():
                search = SpanSearch(context, self.config, _apart(top_k))
                document = _Document(name if named else None, context, search)
                given = (self.vocabulary, question, context, self.config, self._layout)
                yield from ((document, window) for window in stream_windows(*given))

    def _logits(self, windows: FeatureSet) -> list[NDArray[np.float32]]:
        """Return the scores `[2, length]` of each window as a start and as an end."""
        pad_id = self.vocabulary.pad_id or 0
        return predict_logits(
            self.network, windows, pad_id, precision=self._precision, tokens=self._tokens
        )

    def _prediction(self, example: SpanExample, choice: SpanChoice, top_k: int) -> Prediction:
        ranking = Ranking(top_k, self.threshold, self.temperatures)
        ranking.add(choice, example.context)
        best, answers = ranking.answers()
        probability = None if self.threshold is None else sigmoid(ranking.doubt)
        return Prediction(example.id, tuple(answers), best, ranking.margin, probability)


def _apart(top_k: int) -> int:
    """Return how many spans are wanted that share no character: the best one is a candidate."""
    return top_k if top_k > 1 else 0
