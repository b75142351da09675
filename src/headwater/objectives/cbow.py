"""Continuous bag of words: the middle word of a window from the words around it.

With a window of 2, "the cat sat on the mat" gives two rows (Mikolov et al. 2013, section 3.1):

    input_ids  the cat on the    labels  sat
    input_ids  cat sat the mat   labels  on

Every place with a full window inside its document is a row; a window never crosses documents.
"""

from typing import final

import numpy as np
from pydantic import Field

from headwater.config import Config
from headwater.data.convert import Features
from headwater.data.pieces import Ints
from headwater.errors import UserError
from headwater.objectives.rows import Longs, Store, constant, digest


class CBOWConfig(Config):
    """Continuous bag of words.

    window: words on each side; four before and four after were best (section 3.1).
    """

    window: int = Field(default=4, ge=1)


@final
class CBOW:
    """Windows of words, a FeatureSet. Row features, int32: `input_ids` [2 x window], `labels`.

    There is no noise: every epoch has the same rows.

    Raises:
        UserError: no document is as long as a window.
    """

    def __init__(self, store: Store, config: CBOWConfig) -> None:
        self._tokens = np.asarray(store.tokens)
        self._documents = np.asarray(store.documents)
        sides = np.arange(-config.window, config.window + 1)
        self._sides = np.delete(sides, config.window)
        rows = np.maximum(np.diff(self._documents) - 2 * config.window, 0)
        self._ends = np.cumsum(rows)  # how many rows there are up to each document's end
        count = int(self._ends[-1]) if len(rows) else 0
        if not count:
            raise UserError(
                f"no document is as long as a window of {config.window} words on either side of "
                "one; give longer documents or a smaller window"
            )
        self._window = config.window
        self.lengths = constant(2 * config.window, count)
        self.fingerprint = digest(config, store.fingerprint)

    def __len__(self) -> int:
        return len(self.lengths)

    def windows(self, rows: Longs) -> tuple[Ints, Ints]:
        """Return contexts, int32 [rows, 2 x window], and middle words, int32 [rows]."""
        home = np.searchsorted(self._ends, rows, side="right")
        # A row's place among its document's rows, counted from that document's end.
        middle = self._documents[home + 1] - self._window - (self._ends[home] - rows)
        context = self._tokens[middle[:, None] + self._sides]
        return context.astype(np.int32), self._tokens[middle].astype(np.int32)

    def features(self, rows: Longs, epoch: int) -> list[Features]:
        """Build the given rows, the same in every epoch."""
        context, target = self.windows(rows)
        return [{"input_ids": context[i], "labels": target[i, ...]} for i in range(len(rows))]
