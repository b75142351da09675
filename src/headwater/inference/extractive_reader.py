"""Answering with a span of the text (Devlin et al. 2019, section 4.2), for any number of texts.

    reader = ExtractiveReader(network, vocabulary, threshold=-1.5)
    for prediction in reader.predict(examples):     # streamed, in order
        prediction.text
    reader.ask("Who wrote it?", {"a.txt": text_a, "b.txt": text_b}, top_k=3)

Long contexts are read in windows, and the best span over the windows counts. Scores become
probabilities by a softmax over the spans compared. With a `threshold` (models that know questions
without an answer) "no answer" is compared too, as a candidate that wins exactly when its score is
more than `threshold` ahead of the best span's. One question over several documents compares how far
each span is ahead of "no answer" in its own document (the problem is that of Clark & Gardner 2018,
"Simple and Effective Multi-Paragraph Reading Comprehension"); without a threshold, plain scores.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from headwater.arguments import check_count
from headwater.data.config import SpanConfig
from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference.answer import Answer, Prediction, no_answer_probability
from headwater.inference.batches import chunks, predict_logits
from headwater.tasks.spans import SpanCandidate, SpanChoice, choose_spans
from headwater.tasks.windows import build_windows
from headwater.text.sequence_layout import SequenceLayout
from headwater.text.vocabulary import Vocabulary

CHUNK = 512  # examples whose windows are in memory at once: enough to sort by length

Read = tuple[SpanExample, SpanChoice]
Found = tuple[SpanExample, SpanCandidate, float]
"""A candidate, the example that it answers, and what it is ranked by."""


class ExtractiveReader:
    """Finds answers in texts. Calls may come from many threads at once.

    Args:
        network: called with a batch, gives `(start_logits, end_logits)`, `[batch, length]` each.
        vocabulary: the one the network was trained with.
        config: windows and n-best; must fit the network's longest input.
        threshold: how far "no answer" must be ahead to win; None: always answer with a span.
        precision: of the matrix products; None: bf16 for large inputs where the processor has it.
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
        precision: torch.dtype | None = None,
        tokens: int | None = None,
        layout: SequenceLayout | None = None,
    ) -> None:
        self.network, self.vocabulary = network, vocabulary
        self.config = config or SpanConfig()
        self.threshold = threshold
        self._precision = precision
        self._tokens, self._layout = tokens, layout

    def predict(self, examples: Iterable[SpanExample], top_k: int = 1) -> Iterator[Prediction]:
        """Yield one prediction with up to `top_k` answers per example, in order."""
        check_count(top_k, "top_k")
        for chunk in chunks(examples, CHUNK):
            for read in zip(chunk, self._choices(chunk, top_k), strict=True):
                yield self._prediction([read], top_k, named=False)

    __call__ = predict

    def ask(
        self, question: str, contexts: Mapping[str, str] | str | None, top_k: int = 1
    ) -> list[Answer]:
        """Answer one question from one text, or from several by name.

        Returns:
            `top_k` answers of which no two share a character, or as many as there are; the first
            may be "no answer". `source` names the text when the texts were given by name.
        """
        if not question.strip():
            raise UserError("the question is empty")
        if contexts is None:
            raise UserError(
                "this model finds answers in a text: give a context; only models that write, such "
                "as T5, answer without"
            )
        documents = {"": contexts} if isinstance(contexts, str) else contexts
        texts = [SpanExample(name, question, text, ()) for name, text in documents.items()]
        texts = [example for example in texts if example.context.strip()]
        if not texts:
            raise UserError("the text to answer from is empty")
        check_count(top_k, "top_k")
        reads: list[Read] = []
        for chunk in chunks(texts, CHUNK):
            reads.extend(zip(chunk, self._choices(chunk, top_k), strict=True))
        named = not isinstance(contexts, str)
        return list(self._prediction(reads, top_k, named=named).answers)

    def unread(self, question: str) -> int:
        """Return how many tokens at the end of a question are too many, and not read."""
        tokens = len(self.vocabulary.encode(question.strip()))
        return max(0, tokens - self.config.max_query_length)

    def _choices(self, examples: Sequence[SpanExample], top_k: int) -> Iterator[SpanChoice]:
        windows = build_windows(
            self.vocabulary, examples, self.config, labelled=False, layout=self._layout
        )
        pad_id = self.vocabulary.pad_id or 0
        found = predict_logits(
            self.network, windows, pad_id, precision=self._precision, tokens=self._tokens
        )
        for index, example in enumerate(examples):
            numbers = windows.windows_of(index)
            logits = [found[number][:, : windows.lengths[number]] for number in numbers]
            yield choose_spans(
                [starts for starts, _ in logits],
                [ends for _, ends in logits],
                [windows.offsets(number) for number in numbers],
                example.context,
                self.config,
                apart=top_k if top_k > 1 else 0,  # the best one is the best candidate
            )

    def _prediction(self, reads: Sequence[Read], top_k: int, *, named: bool) -> Prediction:
        """Rank the spans of one question's texts, and "no answer" where that is in play."""
        found = _ranked(reads, self.threshold is not None)
        shown = found if top_k == 1 else _ranked(reads, self.threshold is not None, apart=True)
        margin = min(choice.no_answer_margin for _, choice in reads)
        scores = [rank for _, _, rank in found]
        if self.threshold is not None or not found:
            scores.append(-(self.threshold or 0.0))  # "no answer", last
        total = np.logaddexp.reduce(scores)
        answers = [
            Answer.from_span(
                *(example.context, span.start, span.end, float(np.exp(rank - total))),
                example.id if named else None,
            )
            for example, span, rank in shown[:top_k]
        ]
        if not found or (self.threshold is not None and margin > self.threshold):
            answers.insert(0, Answer.none(float(np.exp(scores[-1] - total))))
        return Prediction(
            reads[0][0].id,
            tuple(answers[:top_k]),
            found[0][1].text if found else "",
            margin,
            None if self.threshold is None else no_answer_probability(margin, self.threshold),
        )


def _ranked(reads: Sequence[Read], relative: bool, *, apart: bool = False) -> list[Found]:
    """Order the candidates of all texts, the best first; equal ones in the order of the texts.

    With `apart` those of which no two share a character.
    """
    found: list[Found] = []
    for example, choice in reads:
        base = choice.null_score if relative else 0.0
        spans = choice.apart if apart else choice.candidates
        found.extend((example, span, span.score - base) for span in spans)
    return sorted(found, key=lambda item: -item[2])
