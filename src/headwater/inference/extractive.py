"""Answering with a span of the text (Devlin et al. 2019, section 4.2), for any number of texts.

    reader = SpanReader(network, vocabulary, threshold=-1.5)
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
from numpy.typing import NDArray
from torch import nn

from headwater.data.batching import collate
from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference import no_answer
from headwater.inference.answer import Answer, Prediction
from headwater.inference.running import autocast, batches, chunks, evaluating, fast_precision
from headwater.tasks.spans import (
    SpanCandidate,
    SpanChoice,
    SpanConfig,
    SpanWindows,
    build_windows,
    choose_spans,
)
from headwater.text.vocabulary import Vocabulary

CHUNK = 512  # examples whose windows are held at once: enough to sort by length
LARGE = 4096  # tokens from which on bf16 repays its casts

Read = tuple[SpanExample, SpanChoice]
Found = tuple[SpanExample, SpanCandidate, float]
"""A candidate, the example whose context it stands in, and what it is ranked by."""


class SpanReader:
    """Finds answers in texts. Calls may come from many threads at once.

    Args:
        network: called with a batch, gives `(start_logits, end_logits)`, `[batch, length]` each.
        vocabulary: the one the network was trained with.
        config: windows and n-best; must fit the network's longest input.
        threshold: how far "no answer" must be ahead to win; None: always answer with a span.
        precision: of the matrix products; None: bf16 for large inputs where the processor has it.
        tokens: the most tokens in a batch, padding included; None: by the device.
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
    ) -> None:
        self.network, self.vocabulary = network, vocabulary
        self.config = config or SpanConfig()
        self.threshold = threshold
        self._precision = precision
        self._tokens = tokens

    def __call__(self, examples: Iterable[SpanExample]) -> Iterator[Prediction]:
        """Predict one answer per example; see `predict`."""
        return self.predict(examples)

    def predict(self, examples: Iterable[SpanExample], top_k: int = 1) -> Iterator[Prediction]:
        """Yield one prediction with up to `top_k` answers per example, in order."""
        config = self._config(top_k)
        for chunk in chunks(examples, CHUNK):
            for read in zip(chunk, self._choices(chunk, config), strict=True):
                yield self._prediction([read], top_k, named=False)

    def ask(self, question: str, contexts: Mapping[str, str] | str, top_k: int = 1) -> list[Answer]:
        """Answer one question from one text, or from several by name.

        Returns:
            `top_k` answers with different places, or as many as there are; the first may be "no
            answer". `source` names the text when the texts were given by name.

        Raises:
            UserError: an empty question, no text, or nothing but white space in all texts.
        """
        if not question.strip():
            raise UserError("the question is empty")
        documents = {"": contexts} if isinstance(contexts, str) else contexts
        texts = [SpanExample(name, question, text, ()) for name, text in documents.items()]
        texts = [example for example in texts if example.context.strip()]
        if not texts:
            raise UserError("the text to answer from is empty")
        config = self._config(top_k)
        reads: list[Read] = []
        for chunk in chunks(texts, CHUNK):
            reads.extend(zip(chunk, self._choices(chunk, config), strict=True))
        named = not isinstance(contexts, str)
        return list(self._prediction(reads, top_k, named=named).answers)

    def _config(self, top_k: int) -> SpanConfig:
        if top_k < 1:
            raise UserError(f"top_k = {top_k}: a whole number from 1 on was expected")
        return self.config.model_copy(update={"n_best": max(self.config.n_best, top_k)})

    def _choices(self, examples: Sequence[SpanExample], config: SpanConfig) -> Iterator[SpanChoice]:
        windows = build_windows(self.vocabulary, examples, config, labelled=False)
        starts, ends = self._logits(windows)
        for place, example in enumerate(examples):
            rows = windows.rows_of(place)
            yield choose_spans(
                [starts[row] for row in rows],
                [ends[row] for row in rows],
                [windows.places(row) for row in rows],
                example.context,
                config,
            )

    def _logits(
        self, windows: SpanWindows
    ) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return the start and end logits of every window, each `[length]` or longer."""
        device = next(self.network.parameters()).device
        precision = self._precision
        if precision is None:
            large = int(windows.lengths.sum()) >= LARGE
            precision = fast_precision(self.network) if large else torch.float32
        tokens = self._tokens or (LARGE if device.type == "cpu" else 8 * LARGE)
        pad_id = self.vocabulary.pad_id or 0
        starts = [np.empty(0, np.float32)] * len(windows)
        ends = list(starts)
        with evaluating(self.network), autocast(precision, device):
            for rows in batches(windows.lengths, tokens):
                batch = collate([windows[row] for row in rows], pad_id, device)
                logits = torch.stack(tuple(self.network(batch))).float().cpu().numpy()
                if not np.isfinite(logits).all():
                    raise UserError("the model's scores are not finite: its weights are damaged")
                for place, row in enumerate(rows):
                    length = windows.lengths[row]
                    starts[row], ends[row] = logits[0, place, :length], logits[1, place, :length]
        return starts, ends

    def _prediction(self, reads: Sequence[Read], top_k: int, *, named: bool) -> Prediction:
        """Rank the spans of one question's texts, and "no answer" where that is in play."""
        found = _ranked(reads, relative=self.threshold is not None)
        margin = min(choice.no_answer_margin for _, choice in reads)
        scores = [rank for _, _, rank in found]
        if self.threshold is not None or not found:
            scores.append(-(self.threshold or 0.0))  # "no answer", last
        shares = _softmax(scores)
        answers = [
            Answer.from_span(
                example.context, span.start, span.end, share, example.id if named else None
            )
            for (example, span, _), share in zip(found[:top_k], shares, strict=False)
        ]
        if not found or (self.threshold is not None and margin > self.threshold):
            answers.insert(0, Answer.none(shares[-1]))
        return Prediction(
            reads[0][0].id,
            tuple(answers[:top_k]),
            found[0][1].text if found else "",
            margin,
            None if self.threshold is None else no_answer.probability(margin, self.threshold),
        )


def _ranked(reads: Sequence[Read], *, relative: bool) -> list[Found]:
    """Order the candidates of all texts, the best first; equal ones in the order of the texts."""
    found: list[Found] = []
    for example, choice in reads:
        base = choice.null_score if relative else 0.0
        found.extend((example, span, span.score - base) for span in choice.candidates)
    return sorted(found, key=lambda item: -item[2])


def _softmax(scores: Sequence[float]) -> list[float]:
    weights = np.exp(np.array(scores) - max(scores))
    shares: list[float] = (weights / weights.sum()).tolist()
    return shares
