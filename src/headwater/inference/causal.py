"""Continuing a text with a decoder (Radford et al. 2019, "Language Models are Unsupervised
Multitask Learners", section 3): the text is read, and what it would go on with is written.

    next(CausalGenerator(gpt, vocabulary).generate(["The spring"]))[0].text      # " flows again"

The text and its continuation read on as they are: nothing is stripped between them.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from headwater.data.convert import Features
from headwater.data.token_arrays import Ints
from headwater.errors import UserError
from headwater.inference.answer import Answer
from headwater.inference.batches import chunks
from headwater.inference.decoding_config import DecodingConfig
from headwater.inference.generative import CHUNK, Text, write_rows
from headwater.inference.writer import Marks
from headwater.models.gpt.network import GPT
from headwater.text.special_tokens import document_end
from headwater.text.vocabulary import Vocabulary


class CausalGenerator:
    """Writes a continuation of each text. Calls may come from many threads at once.

    Args:
        network: a decoder.
        vocabulary: the one it was trained with; has a token that ends a document.
    """

    def __init__(self, network: GPT, vocabulary: Vocabulary) -> None:
        end = document_end(vocabulary)
        self.network, self.vocabulary = network, vocabulary
        self._marks = Marks(end, end)  # what ends a document stands before the next one

    def generate(
        self, texts: Iterable[str], config: DecodingConfig | None = None
    ) -> Iterator[list[Text]]:
        """Yield for each text what it goes on with, the best first, in order; see DecodingConfig.

        An empty text begins a new document.

        Raises:
            UserError: a text with all that may be written is longer than the network reads.
        """
        config = config or DecodingConfig()
        begin = 0
        for chunk in chunks(texts, CHUNK):
            yield from self._chunk(chunk, config, begin)
            begin += len(chunk)

    def ask(self, text: str, top_k: int = 1) -> list[Answer]:
        """Return the `top_k` likeliest continuations of one text, as long as there is room for.

        Raises:
            UserError: the text is empty or too long.
        """
        if not text.strip():
            raise UserError("the text to go on with is empty")
        if top_k < 1:
            raise UserError(f"top_k = {top_k}: a whole number from 1 on was expected")
        usual = DecodingConfig(beams=top_k)
        room = self._room(self.vocabulary.encode(text).ids)
        config = usual.model_copy(update={"max_length": max(1, min(usual.max_length, room))})
        found = next(self.generate([text], config))
        return [Answer(each.text, math.exp(min(0.0, each.log_probability))) for each in found]

    def _room(self, ids: Ints) -> int:
        """Return how many tokens can be written after these."""
        return self.network.config.n_positions - max(len(ids), 1) + 1

    def _chunk(self, texts: Sequence[str], config: DecodingConfig, begin: int) -> list[list[Text]]:
        given = [each.ids for each in self.vocabulary.encode_batch(texts)]
        for number, ids in enumerate(given, start=begin):
            if self._room(ids) < config.max_length:
                raise UserError(
                    f"text {number}: {len(ids)} tokens, and {config.max_length} to write, are more "
                    f"than the {self.network.config.n_positions} that this model reads; give a "
                    "shorter text or a smaller max_length"
                )
        rows: list[Features] = [
            {
                "input_ids": ids[:-1],
                "start_ids": np.array(ids[-1] if len(ids) else self._marks.start_id),
            }
            for ids in given
        ]
        written = write_rows(self.network, rows, self._marks, config, begin)
        return [
            [Text(self._after(ids, each.ids), each.log_probability) for each in several]
            for ids, several in zip(given, written, strict=True)
        ]

    def _after(self, given: Ints, written: Sequence[int]) -> str:
        """Return the text of tokens as it goes on from those before: with its space, or without."""
        before = self.vocabulary.decode(given.tolist())
        whole = self.vocabulary.decode([*given.tolist(), *written])
        return whole[len(before) :] if whole.startswith(before) else self.vocabulary.decode(written)
