"""The vocabulary behind every `tokenizer.json`: normalize, split into words, split words, look up.

The work is done by the Rust library `tokenizers`. WordPiece and BPE files are first described in
the same JSON (wordpiece.py, bpe.py), so that there is one class for them all:

    vocabulary = read_tokenizer_json(Path("model/tokenizer.json"), Settings.read(Path("model")))
    vocabulary.encode("unaffable").ids

Truncation and padding stored in the file are ignored: the caller decides how long a sequence is.
"""

import copy
import hashlib
import json
import logging
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, final
from unicodedata import category

import numpy as np
from tokenizers import Encoding as RustEncoding
from tokenizers import Tokenizer

from headwater.arguments import refuse_half_characters
from headwater.errors import UserError
from headwater.files import replace_file
from headwater.text.expansion import check_expansion, check_length
from headwater.text.pair_layout import pair_layout
from headwater.text.rust import has_risky_regex, rust_errors
from headwater.text.saved_class import saved_class
from headwater.text.saved_layout import tokens_around, with_ends, with_layout, without_layout
from headwater.text.settings import Settings
from headwater.text.tokenizer_classes import GENERIC
from headwater.text.tokenizer_json import (
    check_added,
    read_tokenizer,
    usual_tokens,
    with_added,
)
from headwater.text.vocabulary import Encoding, Vocabulary

logger = logging.getLogger(__name__)

LARGEST = 10_000_000  # ids: an embedding has a row for each, and lists are made of all

_FLAGGED = {
    "normalizer": {
        "do_lower_case": "lowercase",
        "strip_accents": "strip_accents",
        "tokenize_chinese_chars": "handle_chinese_chars",
    },
    "pre_tokenizer": {"add_prefix_space": "add_prefix_space"},
}
"""What `tokenizer.json` calls the flags, by the part that they are of."""


@final
class TokenizerVocabulary(Vocabulary):
    """A vocabulary described by the JSON of a `tokenizer.json` (see `Vocabulary`).

    Usual roles whose token is not in the vocabulary are dropped; of the settings' it is an error.
    """

    def __init__(self, content: dict[str, Any], settings: Settings, source: Path) -> None:
        content = with_added({**content, "truncation": None, "padding": None}, settings, source)
        self._kind = str(content["model"]["type"])
        # A post-processor that trims offsets does it by the token, not by the text, and can leave
        # a space with no span: ours (`_spans`) is exact, so none runs here.
        self._source, self._grows = source, check_expansion(content, source)
        self._tokenizer = _build({**content, "post_processor": None}, source)
        self._may_panic = has_risky_regex(content)
        self._vanishing = _vanishing(self._tokenizer, content)
        self.ids = self._tokenizer.get_vocab(with_added_tokens=True)
        check_added(content, self.ids, source)
        for role, token in settings.tokens.items():
            if token not in self.ids:
                raise UserError(
                    f"{source}: the {role} token {token!r} of the settings is not in the "
                    "vocabulary; give its id in added_tokens.json"
                )
        usual = usual_tokens(self._kind, settings.tokenizer_class)
        usual = {role: token for role, token in usual.items() if token in self.ids}
        if self._kind == "BPE" and "<|endoftext|>" in self.ids and "eos" not in usual:
            usual = {"bos": "<|endoftext|>", "eos": "<|endoftext|>"}
        # The saved tokenizer.json lists the added tokens, as `content` does.
        self._settings = replace(settings, tokens={**usual, **settings.tokens}, added=())
        known = {token.content for token in self._tokenizer.get_added_tokens_decoder().values()}
        roles_alone = [t for t in self._settings.tokens.values() if t not in known]
        self._tokenizer.add_special_tokens(roles_alone)  # a text may spell them
        tokens = self._settings.tokens
        self._set_roles({role: self.ids[token] for role, token in tokens.items()})
        self.whole_words = self._kind == "WordLevel"
        layout = content.get("post_processor")
        self.pairs = pair_layout(layout, settings.tokenizer_class, tokens.get("cls"))
        self._content = without_layout(content, tokens, self.ids, self.pairs)
        self.around = self._around()
        self._marks = {self.ids[mark] for mark in ("▁", "Ġ") if mark in self.ids}
        self.size = max(self.ids.values()) + 1
        if self.size > LARGEST:
            raise UserError(f"{source}: has the id {self.size - 1:,}; at most {LARGEST:,} are read")

    @cached_property
    def fingerprint(self) -> str:
        tokens = {r: t for r, t in self._settings.tokens.items() if r != "bos"}
        defining = {k: v for k, v in self._content.items() if k not in ("version", "decoder")}
        text = json.dumps([defining, tokens], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def encode(self, text: str) -> Encoding:
        self._check(text)
        with self._errors("this text cannot be cut into tokens"):
            found = self._tokenizer.encode(text, add_special_tokens=False)
        return self._spans(found, text)

    def encode_batch(self, texts: Sequence[str]) -> list[Encoding]:
        for text in texts:
            self._check(text)
        with self._errors("a text cannot be cut into tokens"):
            found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [self._spans(one, text) for one, text in zip(found, texts, strict=True)]

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        tokens = [int(id) for id in ids]
        with self._errors("these tokens give no text"):
            text: str = self._tokenizer.decode(tokens, skip_special_tokens=skip_special)
        return text

    def token(self, id: int) -> str:
        token: str | None = self._tokenizer.id_to_token(id) if id >= 0 else None
        if token is None:
            raise UserError(f"id {id}: the vocabulary has no such token (it has {self.size})")
        return token

    def with_ends(self) -> "TokenizerVocabulary":
        tokens = self._settings.tokens
        if "eos" not in tokens or {"cls", "sep"} <= tokens.keys():
            return self
        same, end = copy.copy(self), tokens["eos"]
        same.__dict__.pop("fingerprint", None)
        same._content = with_ends(self._content, tokens.get("bos", end), end, self.ids)
        same.around = same._around()
        return same

    def _around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        before, after = tokens_around(self._content.get("post_processor"))
        if unknown := {*before, *after} - self.ids.keys():
            raise UserError(
                f"{self._source}: post_processor names {min(unknown)!r}, which is no token"
            )
        return tuple(map(self.ids.__getitem__, before)), tuple(map(self.ids.__getitem__, after))

    def save(self, folder: Path, *, segments: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        model, tokens = self._content["model"], self._settings.tokens
        described = json.loads(self._tokenizer.to_str())
        described["post_processor"] = self._content.get("post_processor")
        named = saved_class(described, tokens, self.pairs)
        content = self._content
        if named.name == GENERIC:
            content = with_layout(content, tokens, self.ids, self.pairs)
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        replace_file(folder / "tokenizer.json", text + "\n")
        # The older files say less: beside the generic class they would be read otherwise.
        if named.name == "BertTokenizer" and len(model["vocab"]) == self.size:
            ordered = sorted(model["vocab"], key=model["vocab"].__getitem__)
            replace_file(folder / "vocab.txt", "".join(f"{token}\n" for token in ordered))
        if named.name != GENERIC and self._kind == "BPE":
            vocab = json.dumps(model["vocab"], ensure_ascii=False)
            pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
            replace_file(folder / "vocab.json", vocab + "\n")
            replace_file(folder / "merges.txt", "\n".join(["#version: 0.2", *pairs]) + "\n")
        inputs = named.inputs(segments=segments and self.pairs.segments and "cls" in tokens)
        self._settings.write(folder, named.name, {**named.settings, **inputs})

    def _check(self, text: str) -> None:
        refuse_half_characters(text)
        if self._tokenizer.normalizer is not None:
            check_length(text, self._grows, self._normalize)

    def _normalize(self, text: str) -> str:
        with self._errors("this text cannot be normalized"):
            normalized: str = self._tokenizer.normalizer.normalize_str(text)
        return normalized

    def _errors(self, what: str) -> AbstractContextManager[None]:
        return rust_errors(self._source, what, may_panic=self._may_panic)

    def _spans(self, found: RustEncoding, text: str) -> Encoding:
        ids: list[int] = found.ids
        offsets: list[tuple[int, int]] = found.offsets
        if self._vanishing and self._vanishing.search(text):
            offsets = self._offsets_without_vanishing(text, ids) or offsets
        for index in [i for i, id in enumerate(ids[:-1]) if id in self._marks]:
            start = offsets[index][0]
            alone = index == 0 or offsets[index - 1][1] <= start
            if alone and start == offsets[index + 1][0]:  # it was added before a word
                offsets[index] = (start, start)
        for index, (start, end) in enumerate(offsets):
            if start < end and (text[start].isspace() or text[end - 1].isspace()):
                offsets[index] = _without_space(text, start, end)
        if not text.isascii():
            _take_marks(offsets, text)
        spans = np.array(offsets, dtype=np.int32).reshape(-1, 2)
        return Encoding(np.array(ids, dtype=np.int32), spans[:, 0].copy(), spans[:, 1].copy())

    def _offsets_without_vanishing(self, text: str, ids: list[int]) -> list[tuple[int, int]] | None:
        """Take the offsets from the text without the characters that vanish, and map them back.

        After a control character that SentencePiece's rules drop, the Rust library's offsets are
        wrong, by one for all the text that follows when it stands first. None where the
        character kept two others apart, so that without it the ids would change.
        """
        assert self._vanishing is not None
        kept = [i for i, character in enumerate(text) if not self._vanishing.match(character)]
        bare = "".join(text[i] for i in kept)
        again = self._tokenizer.encode(bare, add_special_tokens=False)
        if again.ids != ids:
            return None
        kept.append(len(text))
        return [(kept[s], kept[e - 1] + 1 if s < e else kept[s]) for s, e in again.offsets]


def read_tokenizer_json(file: Path, settings: Settings) -> TokenizerVocabulary:
    """Read a `tokenizer.json`; flags beside it win where they do in `transformers`."""
    content = read_tokenizer(file)
    _follow(content, settings, file)
    return TokenizerVocabulary(content, settings, file)


def _follow(content: dict[str, Any], settings: Settings, file: Path) -> None:
    """Put the flags that win into the description of the normalizer and of the word splitter."""
    flags, unstated = settings.followed, []
    for part, kind in (("normalizer", "BertNormalizer"), ("pre_tokenizer", "ByteLevel")):
        described = content.get(part)
        if not isinstance(described, dict) or described.get("type") != kind:
            continue
        for flag in flags.keys() & _FLAGGED[part].keys():
            name, value = _FLAGGED[part][flag], flags[flag]
            if flag not in settings.flags and described.get(name, value) != value:
                unstated.append(f"{flag} = {json.dumps(value)}")
            described[name] = value
    if unstated:
        logger.warning(
            f"{file}: read with {', '.join(sorted(unstated))}, as {settings.tokenizer_class} of "
            "transformers reads it; state what holds in tokenizer_config.json"
        )


def _build(content: dict[str, Any], source: Path) -> Tokenizer:
    with rust_errors(source, "not a usable tokenizer", may_panic=True):
        return Tokenizer.from_str(json.dumps(content))


def _vanishing(tokenizer: Tokenizer, content: dict[str, Any]) -> re.Pattern[str] | None:
    """Return what matches the control characters that SentencePiece's own rules drop, if any."""
    if '"Precompiled"' not in json.dumps(content.get("normalizer")):
        return None
    controls = (chr(code) for code in range(1, 0xA0) if category(chr(code)) == "Cc")
    normalize = tokenizer.normalizer.normalize_str
    dropped = "".join(c for c in controls if normalize(f"a{c}b") == "ab")  # "\n" alone is trimmed
    return re.compile(f"[{re.escape(dropped)}]") if dropped else None


def _without_space(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out the white space at both ends of a span that holds something else too."""
    source = text[start:end]
    if source.isspace():
        return start, end
    start += len(source) - len(source.lstrip())
    return start, start + len(source.strip())


def _take_marks(offsets: list[tuple[int, int]], text: str) -> None:
    """Give combining marks that normalization dropped to the token before them.

    An accent written after its letter (NFD) belongs to the letter: without this, the last token
    of `Café` would end before its accent.
    """
    next_start, next_end, next_stretched = len(text), -1, len(text)
    for index in range(len(offsets) - 1, -1, -1):
        start, end = offsets[index]
        stretched = end
        if end == next_end:  # tokens of one character
            stretched = next_stretched
        elif start < end:
            while stretched < next_start and category(text[stretched]).startswith("M"):
                stretched += 1
        offsets[index] = (start, stretched)
        next_start, next_end, next_stretched = start, end, stretched
