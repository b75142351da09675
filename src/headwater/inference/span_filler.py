"""The words that a T5 writes for each gap of a text, as in its pre-training (Raffel et al. 2020,
section 3.1.4): `<extra_id_0>` in the input is followed by its words in the output.

    Thank you <extra_id_0> me.    ->    <extra_id_0> for inviting <extra_id_1>
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import final

import numpy as np
import torch

from headwater.data.convert import Features
from headwater.errors import UserError
from headwater.inference.batches import chunks
from headwater.inference.gaps import Filling, with_sentinels
from headwater.inference.generated import DecoderTokens, Generated
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.mask_fillers import no_gap
from headwater.inference.text_generator import CHUNK, generate_batches
from headwater.models.text_to_text import TextToText
from headwater.text.special_tokens import end_token, sentinel_ids
from headwater.text.vocabulary import Vocabulary

PER_GAP = 16  # tokens written for a gap at most, as far as those of other gaps leave room


@final
class SpanFiller:
    """Fills gaps by generating. Calls may come from many threads at once."""

    def __init__(
        self,
        network: TextToText,
        vocabulary: Vocabulary,
        start: int | None = None,
        precision: torch.dtype | None = None,
    ) -> None:
        """start: the first token of what is written; None: as in config.json."""
        self._network, self._vocabulary, self._precision = network, vocabulary, precision
        self._start = network.start_id if start is None else start
        self._sentinels = sentinel_ids(vocabulary)
        if not self._sentinels:
            raise UserError(
                "this vocabulary has no sentinels such as <extra_id_0>, which stand for what a "
                "text-to-text model fills in; fill with a T5, or with a masked language model"
            )
        self._end = end_token(vocabulary)

    def __call__(self, texts: Sequence[str], top_k: int) -> Iterator[list[list[Filling]]]:
        """Yield for each text the `top_k` likeliest fillings of each gap, in order."""
        for chunk in chunks(enumerate(texts), CHUNK):
            read = [self._features(*each) for each in chunk]
            found: dict[int, list[list[Filling]]] = {}
            for gaps in {count for _, count in read}:
                indices = [index for index, (_, count) in enumerate(read) if count == gaps]
                outputs = self._generate([read[index][0] for index in indices], gaps, top_k)
                for index, beams in zip(indices, outputs, strict=True):
                    found[index] = self._fillings(beams, gaps, top_k)
            yield from (found[index] for index in range(len(chunk)))

    def _generate(
        self, features: Sequence[Features], gaps: int, top_k: int
    ) -> list[list[Generated]]:
        """Generate until the last gap is filled: to the next sentinel, or the end."""
        special = DecoderTokens(self._start, (self._end, *self._sentinels[gaps : gaps + 1]))
        config = GenerationConfig(
            max_new_tokens=gaps * (PER_GAP + 1) + 1, num_beams=top_k, num_return_sequences=top_k
        )
        return generate_batches(
            self._network, features, special, config, 0, precision=self._precision
        )

    def _features(self, number: int, text: str) -> tuple[Features, int]:
        numbered, count = with_sentinels(text)
        if not count:
            raise no_gap(number, "<extra_id_0>")
        self._vocabulary.sentinel(count - 1)
        ids = self._vocabulary.encode(numbered).ids
        return {"input_ids": np.append(ids, np.int32(self._end))}, count

    def _fillings(self, beams: Sequence[Generated], count: int, top_k: int) -> list[list[Filling]]:
        """Add up the probabilities of the outputs that have the same words in a gap."""
        scores: list[dict[str, float]] = [defaultdict(float) for _ in range(count)]
        for beam in beams:
            for gap, text in enumerate(self._texts(beam.ids, count)):
                scores[gap][text] += math.exp(beam.log_probability)
        found = ([Filling(*pair) for pair in each.items()] for each in scores)
        return [sorted(each, key=lambda filling: -filling.score)[:top_k] for each in found]

    def _texts(self, ids: Sequence[int], count: int) -> list[str]:
        """Cut an output at its sentinels; a gap that it says nothing of is empty."""
        texts = [""] * count
        numbers = {id: number for number, id in enumerate(self._sentinels)}
        cuts = [index for index, id in enumerate(ids) if id in numbers]
        for begin, end in pairwise([*cuts, len(ids)]):
            if (gap := numbers[ids[begin]]) < count and not texts[gap]:
                texts[gap] = self._vocabulary.decode(ids[begin + 1 : end]).strip()
        return texts
