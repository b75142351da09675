"""Continuous bag of words: the middle word of a window from the words around it.

With a window of 2, "the cat sat on the mat" asks for two words (Mikolov et al. 2013, section 3.1):

    the cat [sat] on the      cat sat [on] the mat

Every place with a full window inside its document is asked for once an epoch; a window never
crosses documents. A row is a stretch of running words and the labels of those with a full window,
`window` fewer on either side, so that windows share their words:

    input_ids  the cat sat on the mat      labels  sat on
"""

from typing import final

import numpy as np
from pydantic import Field

from headwater.config import Config
from headwater.data.convert import Features, digest
from headwater.errors import UserError
from headwater.objectives.sequences import Longs, Store


class WordWindowsConfig(Config):
    """Continuous bag of words.

    window: words on each side; four before and four after were best (section 3.1).
    length: the most words that a row asks for.
    """

    window: int = Field(default=4, ge=1)
    length: int = Field(default=128, ge=1)


@final
class WordWindows:
    """Stretches of words, a FeatureSet.

    Row features, int32: `input_ids` [places + 2 x window], `labels` [places]; a document gives
    rows of `length` places and a shorter last one. There is no noise: every epoch has the same
    rows.

    Raises:
        UserError: no document is as long as a window.
    """

    def __init__(self, store: Store, config: WordWindowsConfig) -> None:
        self._tokens = np.asarray(store.tokens)
        self._window = config.window
        begins, sizes = store.documents[:-1], np.diff(store.documents)
        places = np.maximum(sizes - 2 * config.window, 0)
        rows = -(-places // config.length)
        home = np.repeat(np.arange(len(rows)), rows)  # the document of each row
        number = np.arange(len(home)) - (np.cumsum(rows) - rows)[home]  # within its document
        self._begins = begins[home] + number * config.length
        self.lengths = 2 * config.window + np.minimum(
            places[home] - number * config.length, config.length
        )
        if not len(home):
            raise UserError(
                f"no document is as long as a window of {config.window} words on either side of "
                "one; give longer documents or a smaller window"
            )
        self.fingerprint = digest(config, store.fingerprint)

    def __len__(self) -> int:
        return len(self.lengths)

    def features(self, rows: Longs, epoch: int) -> list[Features]:
        """Build the given rows, the same in every epoch."""
        begins = self._begins[rows]
        spans = zip(begins.tolist(), (begins + self.lengths[rows]).tolist(), strict=True)
        stretches = [self._tokens[begin:end].astype(np.int32) for begin, end in spans]
        inside = slice(self._window, -self._window)
        return [{"input_ids": words, "labels": words[inside]} for words in stretches]
