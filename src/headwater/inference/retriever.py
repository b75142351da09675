"""Finding passages for questions by their vectors, the one of the largest cosine first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from headwater.data.example import RetrievalExample
from headwater.inference.answer import Decision
from headwater.inference.batches import chunks
from headwater.inference.embedder import Embedder
from headwater.inference.unit_vectors import unit
from headwater.tasks.retrieval import passage_numbers

LISTED = 100
_CHUNK = 1024  # questions that are compared with all passages at once


@final
@dataclass(frozen=True, slots=True)
class Retriever:
    """Ranks the passages of examples for each of their questions."""

    embed: Embedder

    def __call__(self, examples: Iterable[RetrievalExample]) -> Iterator[Decision]:
        """Yield the numbers of the best 100 passages of each question (see `tasks.retrieval`).

        Examples are read to the end first: each may bring passages.
        """
        examples = list(examples)
        passages = unit(self.embed(passage_numbers(examples), "document"))
        for chunk in chunks(examples, _CHUNK):
            questions = unit(self.embed([each.question for each in chunk], "query"))
            for example, scores in zip(chunk, questions @ passages.T, strict=True):
                best = np.argsort(-scores, kind="stable")[:LISTED]
                yield Decision(example.id, " ".join(map(str, best.tolist())))
