"""Unigram: T5's vocabulary, the likeliest cut of a text (Kudo 2018; Raffel et al. 2020, 3.1.4).

`spiece.model` holds each token with its log-probability and the rules that normalize a text; the
library `sentencepiece`, which made it, finds the cut. T5 adds 100 sentinels above the file's
32,000 tokens, their ids descending from the top:

    <extra_id_0> -> 32099    <extra_id_1> -> 32098    ...    <extra_id_99> -> 32000

Sentinels, special and added tokens written out in a text are cut out first, as in the published
tokenizers, and what stands between them is encoded on its own.

mT5's file holds its sentinels itself (`▁<extra_id_0>`), and spells rare characters in bytes.

Of a `tokenizer.json` beside it only the added tokens are read: its ids differ in ties.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
from sentencepiece import SentencePieceProcessor

from headwater.arguments import refuse_half_characters
from headwater.errors import UserError
from headwater.files import SMALL, read_bytes, replace_file
from headwater.text.added_tokens import AddedToken, listed_tokens, merged, placed
from headwater.text.byte_fallback import sizes_of, spelled
from headwater.text.literal_tokens import LiteralTokens, Part
from headwater.text.settings import Settings
from headwater.text.tokenizer_json import model_ids, read_tokenizer
from headwater.text.vocabulary import Encoding, Vocabulary

logger = logging.getLogger(__name__)

SENTINELS = 100
UNKNOWN = 2  # the id of the unknown token in every T5
MARK = "▁"  # stands for a white space; the first word of a text gets one too


@final
class SentencePieceVocabulary(Vocabulary):
    """A vocabulary in a `spiece.model`; it has 100 sentinels if the settings state no number.

    The model knows which tokens are `pad`, `unk` and `eos`; the settings may name others in the
    vocabulary, but for `unk`, and tokens for further roles.
    """

    def __init__(self, model: bytes, settings: Settings, source: Path) -> None:
        self._model = model
        self._settings = settings
        self._processor = _load(model, source)
        base = [self._processor.id_to_piece(id) for id in range(self._processor.get_piece_size())]
        if len(set(base)) < len(base):
            raise UserError(f"{source}: holds the same token twice")
        # What a text can be cut into: a control token cannot come from a text, even one that reads
        # so once normalized.
        self._plain = {
            token: id
            for id, token in enumerate(base)
            if not (self._processor.is_control(id) or self._processor.is_unused(id))
        }
        self._falls_back = any(map(self._processor.is_byte, range(len(base))))
        self._sentinels = SENTINELS if settings.sentinels is None else settings.sentinels
        tokens = base + [f"<extra_id_{n}>" for n in reversed(range(self._sentinels))]
        known = {token: id for id, token in enumerate(tokens)}
        added = placed(settings.added, known, settings.tokens.values())
        self._tokens = tokens + [each.content for each in added if each.content not in known]
        self.ids = {token: id for id, token in enumerate(self._tokens)}
        self.size, self.whole_words = len(self._tokens), False
        self._take_roles(settings)
        self._unlike_t5 = [f"{source}: {each}" for each in _unlike_t5(self._processor, self._plain)]
        usual = {*self._own.values(), *range(len(base), len(tokens))}
        self._added = tuple(each for each in added if each.id not in usual)
        special = {*usual, *self._roles.values()}
        self._special = special | {self.ids[each.content] for each in added if each.special}
        specials = (AddedToken(self._tokens[id], id) for id in special)
        self._literal = LiteralTokens((*specials, *self._added))

    def _take_roles(self, settings: Settings) -> None:
        own = {role: getattr(self._processor, f"{role}_id")() for role in ("pad", "unk", "eos")}
        self._own = {role: id for role, id in own.items() if id >= 0}
        stated = {role: self.ids[t] for role, t in settings.tokens.items() if t in self.ids}
        stated.pop("unk", None)  # what an unknown character becomes
        self._roles = self._own | stated
        self._set_roles(self._roles)

    @cached_property
    def fingerprint(self) -> str:
        stated = (f"{r} {id}" for r, id in sorted(self._roles.items()) if self._own.get(r) != id)
        lines = (f"{self._sentinels} sentinels", *map(repr, self._added), *stated)
        defining = "".join(f"\n{line}" for line in lines)
        return hashlib.sha256(self._model + defining.encode()).hexdigest()

    def encode(self, text: str) -> Encoding:
        refuse_half_characters(text)
        return Encoding.joined([self._part(text, part) for part in self._literal.cut(text)])

    def encode_batch(self, texts: Sequence[str]) -> list[Encoding]:
        return [self.encode(text) for text in texts]

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        left_out = self._special if skip_special else ()
        kept = [int(id) for id in ids if int(id) not in left_out and int(id) < self.size]
        names = [self.token(id) for id in kept]
        text = spelled(names) if self._falls_back else "".join(names)
        return text.removeprefix(MARK).replace(MARK, " ")

    def normalize(self, text: str) -> str:
        """Return the text as its tokens spell it: `▁` for white space, NFKC, and T5's own rules."""
        normalized: str = self._processor.normalize(text)
        return normalized

    def token(self, id: int) -> str:
        if not 0 <= id < self.size:
            raise UserError(f"id {id}: the vocabulary has no such token (it has {self.size})")
        return self._tokens[id]

    def save(self, folder: Path, *, segments: bool = True) -> None:
        while self._unlike_t5:  # said once, however often it is saved
            logger.warning(
                f"{self._unlike_t5.pop()}, unlike T5's: T5Tokenizer of transformers, which opens "
                "what is saved, gives other ids to some texts"
            )
        replace_file(folder / "spiece.model", self._model)
        tokens = {role: self._tokens[id] for role, id in self._roles.items()}
        settings = Settings(tokens, {}, self._settings.max_length, added=self._added)
        settings.write(folder, "T5Tokenizer", {"extra_ids": self._sentinels})

    def _part(self, text: str, part: Part) -> Encoding:
        start, end, id = part
        if id is not None:
            return Encoding(*(np.array([value], dtype=np.int32) for value in (id, start, end)))
        found = self._encode_plain(text[start:end])
        return Encoding(found.ids, found.starts + np.int32(start), found.ends + np.int32(start))

    def _encode_plain(self, text: str) -> Encoding:
        """Encode a text without special tokens; undo the normalization by its own record.

        `sentencepiece` tells of each normalized character where its source begins. A token came
        from the sources of its characters without its word mark: `▁1⁄2` of ` ½` came from `½`.
        """
        names: list[str] = self._processor.encode(text, out_type=str)
        unknown = self._processor.unk_id()
        ids = np.array([self._plain.get(name, unknown) for name in names], dtype=np.int32)
        if not names:
            return Encoding(ids, ids.copy(), ids.copy())
        sources = np.array(self._processor.normalize(text, with_offsets=True)[1], dtype=np.int32)
        sizes = sizes_of(names) if self._falls_back else np.array([len(name) for name in names])
        marks = np.array([len(name) - len(name.lstrip(MARK)) for name in names])
        after = np.cumsum(sizes)
        bare = (marks == sizes) & (marks > 0)
        first = after - sizes + np.where(bare, 0, marks)
        starts = sources[first]
        # The source of a character ends where the next different one begins.
        last = np.searchsorted(sources, sources[np.maximum(after - 1, first)], side="right")
        ends = sources[np.minimum(last, len(sources) - 1)]
        if bare[0]:  # the mark that the first word gets came from nothing
            ends[0] = sources[after[0]]
        return Encoding(ids, starts, ends)


def read_sentencepiece(file: Path, settings: Settings) -> SentencePieceVocabulary:
    """Read a `spiece.model`, with the tokens that a `tokenizer.json` beside it adds."""
    model, beside = read_bytes(file, SMALL), file.with_name("tokenizer.json")
    if not beside.is_file():
        return SentencePieceVocabulary(model, settings, file)
    content = read_tokenizer(beside)
    added = merged(listed_tokens(content, beside), settings.added)
    vocabulary = SentencePieceVocabulary(model, replace(settings, added=added), file)
    for token, id in model_ids(content).items():
        if vocabulary.ids.get(token) != id:
            known = vocabulary.ids.get(token, "none")
            raise UserError(
                f"{beside}: {token!r} has the id {id}, and {known} in the {file.name} beside it; "
                "remove the file that is not the model's"
            )
    return vocabulary


def _unlike_t5(processor: SentencePieceProcessor, plain: Mapping[str, int]) -> Iterator[str]:
    """Yield which rules of a `spiece.model` T5Tokenizer of `transformers` would not follow.

    Args:
        plain: what a text can be cut into.
    """
    if processor.unk_id() != UNKNOWN:
        yield f"its unknown token has the id {processor.unk_id()} and not {UNKNOWN}"
    if processor.normalize("  a  b\n") != f"{MARK}a{MARK}b":
        yield "it keeps white space, or puts none before a text"
    if any(map(processor.is_byte, plain.values())):
        yield "it spells rare characters in bytes"
    others = (id for id in plain.values() if id != processor.unk_id())
    if any(processor.get_score(id) >= 0 and not processor.is_byte(id) for id in others):
        yield "it is a BPE, or has user-defined symbols"


def _load(model: bytes, source: Path) -> SentencePieceProcessor:
    processor = SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(model)
    except Exception:  # the library raises RuntimeError or ValueError by version
        raise UserError(f"{source}: not a whole SentencePiece model; copy it again") from None
    if processor.get_piece_size() == 0 or processor.unk_id() < 0:
        raise UserError(f"{source}: not a SentencePiece model with an unknown token")
    return processor
