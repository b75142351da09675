"""The parts of a `tokenizer.json`: what WordPiece, BPE and whole words have in common there."""

from collections.abc import Iterable
from typing import Any

CLASSES = {
    "WordPiece": "BertTokenizer",
    "BPE": "GPT2Tokenizer",
    "Unigram": "T5Tokenizer",
    "WordLevel": "PreTrainedTokenizerFast",
}
"""By the type of the model: the class by which `transformers` opens the folder."""

_BERT = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_ROBERTA = {"pad": "<pad>", "unk": "<unk>", "bos": "<s>", "eos": "</s>"}

USUAL_TOKENS = {
    "WordPiece": _BERT,
    "BPE": {**_ROBERTA, "cls": "<s>", "sep": "</s>", "mask": "<mask>"},
    "Unigram": {"pad": "<pad>", "unk": "<unk>", "eos": "</s>"},
    "WordLevel": {"pad": "[PAD]", "unk": "[UNK]", "eos": "[EOS]"},
}
"""The special tokens of each by role, where no settings file names them."""


def describe_tokenizer(
    model: dict[str, Any],
    added: Iterable[dict[str, Any]],
    *,
    normalizer: dict[str, Any] | None = None,
    pre_tokenizer: dict[str, Any] | None = None,
    post_processor: dict[str, Any] | None = None,
    decoder: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of a `tokenizer.json`; `added` are special tokens (`describe_added`)."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(added),
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": decoder,
        "model": model,
    }


def describe_added(content: str, id: int, *, lstrip: bool = False) -> dict[str, Any]:
    """Return a special token as `tokenizer.json` lists it; `lstrip` eats the space before it."""
    return {
        "id": id,
        "content": content,
        "single_word": False,
        "lstrip": lstrip,
        "rstrip": False,
        "normalized": False,
        "special": True,
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


def describe_words(ids: dict[str, int], *, lower_case: bool) -> dict[str, Any]:
    """Return the `tokenizer.json` of a vocabulary of words, which `transformers` opens."""
    unknown = USUAL_TOKENS["WordLevel"]["unk"]
    return describe_tokenizer(
        {"type": "WordLevel", "vocab": ids, "unk_token": unknown},
        [describe_added(token, ids[token]) for token in USUAL_TOKENS["WordLevel"].values()],
        normalizer=bert_normalizer(lowercase=lower_case),
        pre_tokenizer={"type": "BertPreTokenizer"},
    )
