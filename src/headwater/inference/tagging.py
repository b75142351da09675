"""A tag for each word of a sentence (Devlin et al. 2019, section 5.3).

tagger = Tagger(network, vocabulary, ("O", "B-person", "I-person"))
next(tagger([TaggingExample("1", ("Ada", "Lovelace", "sat"))])).text    # B-person I-person O
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from headwater.data.example import TaggingExample
from headwater.inference.answer import Decision
from headwater.inference.running import chunks, outputs
from headwater.tasks.pair_rows import OUTSIDE
from headwater.tasks.sequence_config import SequenceConfig
from headwater.tasks.tag_rows import build_tagging
from headwater.text.vocabulary import Vocabulary

CHUNK = 1024  # sentences held at once: enough to sort by length


class Tagger:
    """Gives every word the likeliest tag of its first piece. Calls may come from many threads.

    A sentence longer than one input is read in several, cut at words. A word that the vocabulary
    makes nothing of (a lone control character) is tagged `O`.

    Args:
        network: called with a batch, gives the scores of the tags, `[batch, length, tags]`.
        vocabulary: the one the network was trained with.
        labels: the tags in the order of the outputs.
        config: how long an input is; must fit the network's longest.
        precision: of the matrix products; None: bf16 for large inputs where the processor has it.
        tokens: the most tokens in a batch, padding included; None: by the device.
    """

    def __init__(
        self,
        network: nn.Module,
        vocabulary: Vocabulary,
        labels: Sequence[str],
        config: SequenceConfig | None = None,
        *,
        precision: torch.dtype | None = None,
        tokens: int | None = None,
    ) -> None:
        self.network, self.vocabulary, self.labels = network, vocabulary, tuple(labels)
        self.config = config or SequenceConfig()
        self._precision, self._tokens = precision, tokens

    def __call__(self, examples: Iterable[TaggingExample]) -> Iterator[Decision]:
        """Yield the tags of each sentence, with spaces between them, in order."""
        for chunk in chunks(examples, CHUNK):
            tags = self._tags(chunk)
            for example, found in zip(chunk, tags, strict=True):
                yield Decision(example.id, " ".join(found))

    def _tags(self, examples: Sequence[TaggingExample]) -> list[list[str]]:
        rows = build_tagging(self.vocabulary, examples, self.config, self.labels, labelled=False)
        pad_id = self.vocabulary.pad_id or 0
        found = outputs(self.network, rows, pad_id, precision=self._precision, tokens=self._tokens)
        tags = [[OUTSIDE] * len(example.words) for example in examples]
        for row, scores in enumerate(found):
            positions, words = rows.places(row)
            sentence = tags[rows.example_of[row]]
            best = np.argmax(scores[positions], axis=-1)
            for word, tag in zip(words.tolist(), best.tolist(), strict=True):
                sentence[word] = self.labels[tag]
        return tags
