"""The parts of a `tokenizer.json`: what WordPiece, BPE and whole words have in common there."""

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import read_json
from headwater.text.added_tokens import AddedToken, listed_tokens, placed
from headwater.text.settings import Settings

MODEL_TYPES = ("WordPiece", "BPE", "Unigram", "WordLevel")

LONGEST_WORD = 100  # characters; a longer word is one unknown token, as published
_LONGEST_OF_ALL = 1000  # the search in a word takes time by its square

_BERT = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_ROBERTA = {"pad": "<pad>", "unk": "<unk>", "bos": "<s>", "eos": "</s>"}

USUAL_TOKENS = {
    "WordPiece": _BERT,
    "BPE": {**_ROBERTA, "cls": "<s>", "sep": "</s>", "mask": "<mask>"},
    "Unigram": {"pad": "<pad>", "unk": "<unk>", "eos": "</s>"},
    "WordLevel": {"pad": "[PAD]", "unk": "[UNK]", "eos": "[EOS]"},
}
"""The special tokens of each by role, where no settings file names them."""

_OF_CLASSES = {
    **dict.fromkeys(("XLMRobertaTokenizer", "CamembertTokenizer"), USUAL_TOKENS["BPE"]),
    "DebertaV2Tokenizer": _BERT,
    "AlbertTokenizer": {**_BERT, "pad": "<pad>", "unk": "<unk>"},
    "MPNetTokenizer": {**USUAL_TOKENS["BPE"], "unk": "[UNK]"},
}
"""Those of classes that name others than their kind."""


def usual_tokens(kind: str, tokenizer_class: str | None) -> Mapping[str, str]:
    """Return the special tokens by role of a kind of vocabulary, read by that class."""
    return _OF_CLASSES.get(tokenizer_class or "", USUAL_TOKENS.get(kind, {}))


def describe_tokenizer(
    model: dict[str, Any],
    special: Iterable[str],
    *,
    spaced: str | None = None,
    normalizer: dict[str, Any] | None = None,
    pre_tokenizer: dict[str, Any] | None = None,
    post_processor: dict[str, Any] | None = None,
    decoder: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of a `tokenizer.json`.

    Args:
        special: tokens of the model that stand for no text.
        spaced: the one that takes the space before it along.
    """
    ids = model["vocab"]
    ordered = sorted({*special}, key=ids.__getitem__)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [AddedToken(t, ids[t], lstrip=t == spaced).listed for t in ordered],
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": decoder,
        "model": model,
    }


def bpe_model(
    ids: dict[str, int], merges: list[str], *, unknown: str | None = None, end_of_word: str = ""
) -> dict[str, Any]:
    """Return the model of a BPE."""
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": "",
        "end_of_word_suffix": end_of_word,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": ids,
        "merges": merges,
    }


def bert_normalizer(
    *, lowercase: bool, strip_accents: bool | None = None, chinese: bool = True
) -> dict[str, Any]:
    """Return BERT's cleaning of text; `chinese`: each Chinese character is a word."""
    return {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": chinese,
        "strip_accents": strip_accents,
        "lowercase": lowercase,
    }


def describe_words(
    ids: dict[str, int],
    special: Iterable[str] = USUAL_TOKENS["WordLevel"].values(),
    *,
    lower_case: bool,
) -> dict[str, Any]:
    """Return the `tokenizer.json` of a vocabulary of words, which `transformers` opens."""
    unknown = USUAL_TOKENS["WordLevel"]["unk"]
    return describe_tokenizer(
        {"type": "WordLevel", "vocab": ids, "unk_token": unknown},
        special,
        normalizer=bert_normalizer(lowercase=lower_case),
        pre_tokenizer={"type": "BertPreTokenizer"},
    )


def read_tokenizer(file: Path) -> dict[str, Any]:
    """Read a `tokenizer.json`, and refuse a model that would fail at its first unknown word."""
    content = read_json(file)
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict) or not model.get("vocab"):
        raise UserError(f"{file}: not a tokenizer.json; it has no model with a vocab")
    model.setdefault("type", "BPE" if "merges" in model else "WordPiece")
    if not isinstance(model["type"], str) or model["type"] not in MODEL_TYPES:
        known = ", ".join(MODEL_TYPES)
        raise UserError(f"{file}: the model type {model['type']!r} is not known; known: {known}")
    _check_model(model, file)
    return dict(content)


def with_added(content: dict[str, Any], settings: Settings, source: Path) -> dict[str, Any]:
    """Return the `tokenizer.json` with the tokens that the files beside it add.

    Where it lists one of them itself, the flags of the files win, as in `transformers`. Without a
    normalizer it makes no difference which text is `normalized`.
    """
    known = [token.content for token in listed_tokens(content, source)]
    listed = dict(zip(known, content.get("added_tokens") or [], strict=True))
    ids = model_ids(content) | {token: each["id"] for token, each in listed.items()}
    for token in placed(settings.added, ids, settings.tokens.values()) if settings.added else ():
        described = token.listed
        if token.content in listed and content.get("normalizer") is None:
            described["normalized"] = listed[token.content].get("normalized", False)
        listed[token.content] = described
    if not listed:
        return content
    return {**content, "added_tokens": [_literal(each) for each in listed.values()]}


def check_added(content: Mapping[str, Any], ids: Mapping[str, int], source: Path) -> None:
    """Refuse ids that `tokenizers` does not follow: it numbers without a gap, as tokens come."""
    for each in content.get("added_tokens") or []:
        found = ids.get(each["content"])
        if found != each["id"]:
            raise UserError(
                f"{source}: the added token {each['content']!r} has the id {each['id']}, and only "
                f"{found} is free for it; ids of added tokens follow those of the vocabulary"
            )


def model_ids(content: Mapping[str, Any]) -> dict[str, int]:
    """Return the ids of a `tokenizer.json` without its added tokens."""
    vocab = content["model"]["vocab"]
    return {each[0]: id for id, each in enumerate(vocab)} if isinstance(vocab, list) else vocab


def _literal(token: dict[str, Any]) -> dict[str, Any]:
    """Look for a line feed as it is: normalized, it is a space, and every space would be it."""
    blank = all(c.isspace() or unicodedata.category(c)[0] == "C" for c in token["content"])
    return {**token, "normalized": False} if blank else token


def _check_model(model: dict[str, Any], file: Path) -> None:
    expected = list if model["type"] == "Unigram" else dict
    if not isinstance(model["vocab"], expected):
        raise UserError(
            f"{file}: the vocab of a {model['type']} model must be a {expected.__name__}"
        )
    if model["type"] == "Unigram":
        if not isinstance(model.get("unk_id"), int):
            raise UserError(f"{file}: the model has no unk_id; state the id of its unknown token")
        if not all(isinstance(each, list) and each for each in model["vocab"]):
            raise UserError(f"{file}: the vocab must hold pairs of a token and its score")
        return
    longest = model.get("max_input_chars_per_word", LONGEST_WORD)
    if model["type"] == "WordPiece" and not (
        isinstance(longest, int) and longest <= _LONGEST_OF_ALL
    ):
        raise UserError(
            f"{file}: max_input_chars_per_word is {longest!r:.40}; at most "
            f"{_LONGEST_OF_ALL} are read, and {LONGEST_WORD} are usual"
        )
    token = model.get("unk_token")
    if token is None and model["type"] == "BPE":
        return
    if not isinstance(token, str) or token not in model["vocab"]:
        raise UserError(f"{file}: the unk_token {token!r} is not in the model's vocab")
