"""SentencePiece models of encoders, whose ids are not those of the file.

XLM-RoBERTa and CamemBERT were trained by fairseq, which numbers its own special tokens first and
drops those of the file; DeBERTa adds its mask; ALBERT's are all in the file:

    the file        <unk> <s> </s> ▁the ▁a ...
    XLM-RoBERTa     <s> <pad> </s> <unk> ▁the ▁a ... <mask>
    CamemBERT       <s>NOTUSED <pad> </s>NOTUSED <unk> <unk>NOTUSED <s> </s> ▁the ▁a ... <mask>
    DeBERTa-v2      [PAD] [CLS] [SEP] [UNK] ▁the ▁a ... [MASK]      as in the file, but for the mask
    ALBERT          <pad> <unk> [CLS] [SEP] [MASK] ( ) ▁the ▁a ...  as in the file

They are described as the `tokenizer.json` that is published beside all but DeBERTa's. So the cut is
that of the library `tokenizers`, as it is in `transformers`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from headwater.errors import UserError
from headwater.files import SMALL, read_bytes
from headwater.text.pair_layout import BERT, ROBERTA, PairLayout
from headwater.text.rust import rust_errors
from headwater.text.saved_layout import layout_of
from headwater.text.settings import Settings
from headwater.text.tokenizer import TokenizerVocabulary
from headwater.text.tokenizer_classes import ALBERT
from headwater.text.tokenizer_json import usual_tokens

_DEBERTA = "DebertaV2Tokenizer"


@final
@dataclass(frozen=True, slots=True)
class TokenLayout:
    """How a class numbers the tokens of a file.

    Attributes:
        first: the tokens that stand before the tokens, with their scores.
        replaced: how many tokens of the file these stand for.
        mask: the token after the last token.
        pairs: what stands between two texts.
        apart: whether tokens that were defined and not learned are cut off before all others.
    """

    first: tuple[tuple[str, float], ...]
    replaced: int
    mask: str
    pairs: PairLayout
    apart: bool = True


LAYOUTS: Mapping[str, TokenLayout] = {
    "XLMRobertaTokenizer": TokenLayout(
        tuple((token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")), 3, "<mask>", ROBERTA
    ),
    "CamembertTokenizer": TokenLayout(
        (
            *((token, 0.0) for token in ("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>")),
            ("<unk>NOTUSED", -100.0),
        ),
        1,
        "<mask>",
        ROBERTA,
    ),
    _DEBERTA: TokenLayout((), 0, "[MASK]", BERT),
    ALBERT: TokenLayout((), 0, "[MASK]", BERT, apart=False),
}
"""By the class that reads a file so."""


def read_encoder_model(file: Path, settings: Settings) -> TokenizerVocabulary:
    """Read a SentencePiece model as the class of its folder numbers it."""
    name = settings.tokenizer_class
    if name is None or name not in LAYOUTS:
        raise UserError(
            f"{file}: nothing tells how its tokens are numbered; name the class in "
            f"tokenizer_config.json: {', '.join(LAYOUTS)}"
        )
    return TokenizerVocabulary(_describe(file, name, settings), settings, file)


def _describe(file: Path, name: str, settings: Settings) -> dict[str, Any]:
    """Return the `tokenizer.json` of the tokens."""
    model = read_bytes(file, SMALL)
    layout, roles = LAYOUTS[name], {**usual_tokens("Unigram", name), **settings.tokens}
    processor = _load(model, file)
    tokens = [(processor.id_to_piece(id), processor.get_score(id)) for id in range(len(processor))]
    if name == ALBERT:
        tokens = [(token, score - _avoided(token)) for token, score in tokens]
    vocab = [*layout.first, *tokens[layout.replaced :]]
    known = {token for token, _ in vocab}
    vocab += [(layout.mask, 0.0)] if layout.mask not in known else []
    ids = {token: id for id, (token, _) in enumerate(vocab)}
    absent = {role: token for role, token in roles.items() if token not in ids}
    if absent:
        role, token = next(iter(absent.items()))
        raise UserError(f"{file}: the {role} token {token!r} is not among the tokens of a {name}")
    with rust_errors(file, "not a usable tokenizer", may_panic=True):
        tokenizer = Tokenizer(models.Unigram(vocab, ids[roles["unk"]], False))
        rules = _rules(name, _charsmap(model), settings.flags)
        if rules:
            tokenizer.normalizer = normalizers.Sequence(rules) if len(rules) > 1 else rules[0]
        spaces = pre_tokenizers.Metaspace()
        words = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), spaces])
        tokenizer.pre_tokenizer = spaces if name == _DEBERTA else words
        tokenizer.decoder = decoders.Metaspace()
        own = [token for token, score in tokens[layout.replaced :] if layout.apart and score == 0]
        tokenizer.add_tokens([AddedToken(each, normalized=False) for each in own])
        tokenizer.add_special_tokens(_special(layout, roles))
        content: dict[str, Any] = json.loads(tokenizer.to_str())
    return {**content, "post_processor": layout_of(roles, ids, layout.pairs)}


def _rules(name: str, charsmap: bytes, flags: Mapping[str, bool]) -> list[Any]:
    """Return the steps of normalization."""
    rules: list[Any] = [normalizers.Precompiled(charsmap)] if charsmap else []
    if name == _DEBERTA:
        return [normalizers.Strip(), *rules, normalizers.Replace(Regex(" {2,}"), " ")]
    if name == ALBERT:
        before: list[Any] = [normalizers.Replace(quotes, '"') for quotes in ("``", "''")]
        if not flags.get("keep_accents", False):
            before += [normalizers.NFKD(), normalizers.StripAccents()]
        if flags.get("do_lower_case", True):
            before.append(normalizers.Lowercase())
        return [*before, *rules]
    return rules


def _avoided(token: str) -> float:
    """Return by how much ALBERT's `tokenizer.json` lowers a score: a number without its comma."""
    return 100.0 if len(token) > 1 and token[-1] == "," and token[-2].isdigit() else 0.0


def _special(layout: TokenLayout, roles: Mapping[str, str]) -> list[AddedToken]:
    """Return the special tokens; the mask takes the space before it along, as published."""
    names = dict.fromkeys([*(token for token, _ in layout.first), *roles.values()])
    return [AddedToken(each, lstrip=each == "<mask>", normalized=False) for each in names]


def _load(model: bytes, source: Path) -> SentencePieceProcessor:
    processor = SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(model)
    except Exception:  # the library raises RuntimeError or ValueError by version
        raise UserError(f"{source}: not a whole SentencePiece model; copy it again") from None
    kind = [value for field, value in _fields(_part(model, 2)) if field == 3]
    if kind not in ([], [1]):
        raise UserError(f"{source}: not a Unigram model, as the tokens of an encoder are")
    return processor


def _charsmap(model: bytes) -> bytes:
    """Return the rules of normalization, compiled as they stand in the file; b"": none."""
    return _part(_part(model, 3), 2)


def _part(message: bytes, number: int) -> bytes:
    """Return the part of that field of a protocol buffer message, b"" where there is none."""
    found = (value for field, value in _fields(message) if field == number)
    return next((value for value in found if isinstance(value, bytes)), b"")


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a protocol buffer message: number, and integer or bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, message[at : at + size]
        at += size
