"""A bound on how long a text can become while it is normalized and cut.

`Replace` may write a thousand characters for one, and three of them a thousand million:

    most_from_one([Replace a -> 1000 a, Replace a -> 1000 a])    1,000,000
"""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from headwater.errors import UserError

MOST_FROM_ONE = {"normalizer": 100_000, "pre_tokenizer": 100, "decoder": 100_000}
"""Characters by the part of a `tokenizer.json`; published ones have some hundreds, and 8."""

LONGEST = 20_000_000  # characters of a normalized text; the library holds 40 bytes for each

_FACTORS = {"NFD": 4, "NFC": 3, "NFKD": 18, "NFKC": 18, "Lowercase": 3, "BertNormalizer": 12}
_FACTORS |= {"ByteLevel": 4, "Metaspace": 2, "ByteFallback": 4}


def check_expansion(content: Mapping[str, Any], source: Path) -> int:
    """Return how many characters of a normalized text one character can give; refuse too many."""
    try:
        factors = {part: most_from_one(content.get(part)) for part in MOST_FROM_ONE}
    except RecursionError:
        raise UserError(f"{source}: its parts are nested too deeply") from None
    for part, most in MOST_FROM_ONE.items():
        if factors[part] > most:
            raise UserError(
                f"{source}: its {part} can write {factors[part]:,} characters for one; at most "
                f"{most:,} are read; take steps out"
            )
    return factors["normalizer"]


def check_length(text: str, factor: int, normalize: Callable[[str], str]) -> None:
    """Refuse a text that normalization makes too long; it is tried in parts that cannot be."""
    if len(text) * factor <= LONGEST:
        return
    size, most, found = max(1, LONGEST // factor), max(LONGEST, 2 * len(text)), 0
    for start in range(0, len(text), size):
        found += len(normalize(text[start : start + size]))
        if found > most:
            raise UserError(
                f"the text is {len(text):,} characters long, and more than {most:,} once it is "
                "normalized; cut it into parts"
            )


def most_from_one(part: Any) -> int:
    """Return how many characters a part of a `tokenizer.json`, or a list of parts, makes of one."""
    if isinstance(part, list):
        product = 1
        for each in part:
            product *= most_from_one(each)
            if product > 10**12:  # a number that can still be read
                return 10**12
        return product
    if not isinstance(part, dict):
        return 1
    kind = part.get("type")
    if kind == "Sequence":
        steps = (part.get(name) for name in ("normalizers", "pretokenizers", "decoders"))
        return most_from_one([step for each in steps if isinstance(each, list) for step in each])
    if kind == "Replace":
        return _replaced(part)
    if kind == "Prepend":
        return 1 + len(str(part.get("prepend")))
    if kind == "Precompiled":
        return _precompiled(part)
    return _FACTORS.get(str(kind), 1)


def _replaced(part: Mapping[str, Any]) -> int:
    """A text is found as it stands; an expression may find nothing, before each character."""
    pattern, content = part.get("pattern"), len(str(part.get("content")))
    text = pattern.get("String") if isinstance(pattern, dict) else None
    return max(1, -(-content // len(text))) if isinstance(text, str) and text else 1 + content


def _precompiled(part: Mapping[str, Any]) -> int:
    """SentencePiece's rules: the size of an index, the index, and texts that end with a NUL."""
    try:
        rules = base64.b64decode(str(part.get("precompiled_charsmap")))
    except ValueError:
        return 1
    texts = rules[4 + int.from_bytes(rules[:4], "little") :].split(b"\0")
    return max(1, *(len(text) for text in texts))
