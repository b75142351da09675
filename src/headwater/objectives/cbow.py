"""Continuous bag of words: the middle word of a window from the words around it.

With a window of 2, "the cat sat on the mat" predicts two words (Mikolov et al. 2013, section 3.1):

    the cat [sat] on the      cat sat [on] the mat

Every position with a full window inside its document is predicted once an epoch; a window never
crosses documents. A sequence is running words and the labels of those with a full window,
`window` fewer on either side, so that windows share their words:

    input_ids  the cat sat on the mat      labels  sat on
"""

from typing import final

import numpy as np
from pydantic import Field

from headwater.config import Config
from headwater.data.convert import Features, digest
from headwater.data.token_arrays import Longs
from headwater.errors import UserError
from headwater.objectives.sequences import Store


class WordWindowsConfig(Config):
    """Continuous bag of words.

    window: words on each side; four before and four after were best (section 3.1). Only full
        windows inside of a document count.
    length: the most words that a sequence predicts.
    """

    window: int = Field(default=4, ge=1)
    length: int = Field(default=128, ge=1)


@final
class WordWindows:
    """Stretches of words, a FeatureSet.

    Features of a sequence, int32: `input_ids` [positions + 2 x window], `labels` [positions]; a
    document yields sequences of `length` positions and a shorter last one. There is no noise: every
    epoch has the same sequences.
    """

    def __init__(self, store: Store, config: WordWindowsConfig) -> None:
        self._tokens = np.asarray(store.tokens)
        self._window = config.window
        begins, sizes = store.documents[:-1], np.diff(store.documents)
        positions = np.maximum(sizes - 2 * config.window, 0)
        sequences = -(-positions // config.length)
        document = np.repeat(np.arange(len(sequences)), sequences)  # of each sequence
        first = np.cumsum(sequences) - sequences  # of each document
        number = np.arange(len(document)) - first[document]
        self._begins = begins[document] + number * config.length
        self.lengths = 2 * config.window + np.minimum(
            positions[document] - number * config.length, config.length
        )
        if not len(document):
            raise UserError(
                f"no document is as long as a window of {config.window} words on either side of "
                "one; give longer documents or a smaller window"
            )
        self.fingerprint = digest(config, store.fingerprint)

    def __len__(self) -> int:
        return len(self.lengths)

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        """Build the given sequences, the same in every epoch."""
        begins = self._begins[indices]
        spans = zip(begins.tolist(), (begins + self.lengths[indices]).tolist(), strict=True)
        stretches = [self._tokens[begin:end].astype(np.int32) for begin, end in spans]
        inside = slice(self._window, -self._window)
        return [{"input_ids": words, "labels": words[inside]} for words in stretches]
