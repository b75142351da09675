"""ByT5's vocabulary: each byte of a text is a token (Xue et al. 2022, "ByT5: Towards a Token-Free
Future with Pre-trained Byte-to-Byte Models", section 3.1).

    <pad> 0, </s> 1, <unk> 2, the byte 0 is 3, .. the byte 255 is 258, <extra_id_0> 259, ...

    "é"  ->  195 169  ->  198 172

It has no file: the folder's `tokenizer_config.json` names `ByT5Tokenizer`.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np

from headwater.arguments import refuse_half_characters
from headwater.errors import UserError
from headwater.text.added_tokens import AddedToken, placed
from headwater.text.literal_tokens import LiteralTokens, Part
from headwater.text.settings import Settings
from headwater.text.tokenizer_classes import BYTES
from headwater.text.vocabulary import Encoding, Vocabulary

SENTINELS = 125
_ROLES = {"pad": 0, "eos": 1, "unk": 2}
_FIRST, _BYTES = 3, 256


@final
class ByteVocabulary(Vocabulary):
    """A vocabulary of bytes; it has 125 sentinels if the settings state no number."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        stated = {role: settings.tokens.get(role) for role in _ROLES}
        usual = {"pad": "<pad>", "eos": "</s>", "unk": "<unk>"}
        special = [stated[role] or usual[role] for role in _ROLES]
        self._sentinels = SENTINELS if settings.sentinels is None else settings.sentinels
        tokens = [*special, *map(chr, range(_BYTES))]
        tokens += [f"<extra_id_{n}>" for n in range(self._sentinels)]
        known = {token: id for id, token in enumerate(tokens)}
        added = placed(settings.added, known, settings.tokens.values())
        self._added = tuple(each for each in added if each.content not in known)
        self._tokens = tokens + [each.content for each in self._added]
        self.ids = {token: id for id, token in enumerate(self._tokens)}
        self.size, self.whole_words = len(self._tokens), False
        further = {role: self.ids[t] for role, t in settings.tokens.items() if t in self.ids}
        self._roles = {**further, **_ROLES}
        self._set_roles(self._roles)
        self._special = {*range(_FIRST), *range(_FIRST + _BYTES, len(tokens))}
        self._special |= {self.ids[each.content] for each in self._added if each.special}
        # The published class takes the white space around the first three along.
        literal = [
            AddedToken(self._tokens[id], id, lstrip=id < _FIRST, rstrip=id < _FIRST)
            for id in (*range(_FIRST), *range(_FIRST + _BYTES, len(tokens)))
        ]
        self._literal = LiteralTokens((*literal, *self._added))

    @cached_property
    def fingerprint(self) -> str:
        lines = (self._tokens, sorted(self._roles.items()), self._added)
        return hashlib.sha256(f"bytes {lines!r}".encode()).hexdigest()

    def encode(self, text: str) -> Encoding:
        refuse_half_characters(text)
        return Encoding.joined([self._part(text, part) for part in self._literal.cut(text)])

    def encode_batch(self, texts: Sequence[str]) -> list[Encoding]:
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        left_out = self._special if skip_special else ()
        kept = [int(id) for id in ids if int(id) not in left_out and int(id) < self.size]
        return b"".join(map(self._bytes, kept)).decode("utf-8", errors="ignore")

    def token(self, id: int) -> str:
        if not 0 <= id < self.size:
            raise UserError(f"id {id}: the vocabulary has no such token (it has {self.size})")
        return self._tokens[id]

    def save(self, folder: Path, *, segments: bool = True) -> None:
        tokens = {role: self._tokens[id] for role, id in self._roles.items()}
        settings = Settings(tokens, {}, self._settings.max_length, added=self._added)
        settings.write(folder, BYTES, {"extra_ids": self._sentinels})

    def _bytes(self, id: int) -> bytes:
        byte = id - _FIRST
        return bytes([byte]) if 0 <= byte < _BYTES else self.token(id).encode()

    def _part(self, text: str, part: Part) -> Encoding:
        start, end, id = part
        if id is not None:
            return Encoding(*(np.array([value], dtype=np.int32) for value in (id, start, end)))
        found = np.frombuffer(text[start:end].encode(), np.uint8)
        begins = (found & 0xC0) != 0x80  # of the bytes of a character, the first
        starts = start + np.cumsum(begins, dtype=np.int32) - 1
        ids = found.astype(np.int32) + _FIRST
        return Encoding(ids, starts.astype(np.int32), (starts + 1).astype(np.int32))
