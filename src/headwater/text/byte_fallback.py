"""Characters that a SentencePiece model spells in bytes, as mT5's does (Xue et al. 2021, section
3.1): each byte of the character in UTF-8 is a token of its own.

    "a 🙂"    ->    ▁a ▁ <0xF0> <0x9F> <0x99> <0x82>
"""

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

_BYTES = {f"<0x{byte:02X}>": byte for byte in range(256)}
_CONTINUES = range(0x80, 0xC0)
"""The bytes of UTF-8 that go on with a character."""


def sizes_of(names: Sequence[str]) -> NDArray[np.int64]:
    """Return how many characters of a normalized text each token of it ends.

    Of the bytes of a character only the last one ends it.
    """
    found = [_BYTES.get(name) for name in names]
    return np.array(
        [
            len(name) if byte is None else 0 if follower in _CONTINUES else 1
            for name, byte, follower in zip(names, found, [*found[1:], None], strict=True)
        ]
    )


def spelled(names: Sequence[str]) -> str:
    """Return the text of tokens; a byte that is of no character becomes U+FFFD."""
    parts: list[str] = []
    for byte, group in groupby(names, key=_BYTES.__contains__):
        if byte:
            text = bytes(map(_BYTES.__getitem__, group)).decode("utf-8", "surrogateescape")
            parts.append(re.sub("[\udc80-\udcff]", "\ufffd", text))
        else:
            parts.extend(group)
    return "".join(parts)
