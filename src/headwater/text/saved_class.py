"""The class that a saved folder names, so that `transformers` gives every text the same ids.

A class of a family builds its own normalizer, word splitter and sequence layout, whatever
`tokenizer.json` holds: it is named where it builds the same. Elsewhere the generic class is named,
which takes the file as it is:

    BertNormalizer, BertPreTokenizer, WordPiece     BertTokenizer with the normalizer's flags
    NFC, BertPreTokenizer, WordPiece                PreTrainedTokenizerFast
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.text.pair_layout import BERT, ROBERTA, PairLayout
from headwater.text.saved_layout import layout_of
from headwater.text.tokenizer_classes import GENERIC
from headwater.text.tokenizer_json import USUAL_TOKENS

Json = Mapping[str, Any]

_GPT2 = dict.fromkeys(("unk", "bos", "eos"), "<|endoftext|>")
_T5_SPLITTER = [
    {"type": "WhitespaceSplit"},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
]


@dataclass(frozen=True, slots=True)
class SavedClass:
    """A class by name, and the settings by which it builds this tokenizer."""

    name: str
    settings: Json = field(default_factory=dict)

    def inputs(self, *, segments: bool) -> Json:
        """Return what it must be told to return ids of segments, or none."""
        names = ["input_ids", *["token_type_ids"] * segments, "attention_mask"]
        stated = self.name == GENERIC or segments != (self.name == "BertTokenizer")
        return {"model_input_names": names} if stated else {}


def saved_class(content: Json, roles: Mapping[str, str], pairs: PairLayout) -> SavedClass:
    """Choose the class for the content of a `tokenizer.json`.

    Args:
        content: as the library `tokenizers` writes it, with every key.
        roles: the special tokens, such as `{"cls": "[CLS]"}`.
        pairs: how two texts are laid out, be it that the content or something else tells it.
    """
    builders = {"WordPiece": _bert, "BPE": _bpe, "Unigram": _t5}
    build = builders.get(content["model"]["type"])
    return (build and build(content, roles, pairs)) or SavedClass(GENERIC)


def _bert(content: Json, roles: Mapping[str, str], pairs: PairLayout) -> SavedClass | None:
    model, normalizer = content["model"], content["normalizer"] or {}
    same = (
        normalizer.get("type") == "BertNormalizer"
        and normalizer["clean_text"]
        and content["pre_tokenizer"] == {"type": "BertPreTokenizer"}
        and model["unk_token"] == roles.get("unk")
        and model["continuing_subword_prefix"] == "##"
        and model["max_input_chars_per_word"] == 100
        and _knows(roles, USUAL_TOKENS["WordPiece"])
        and pairs == BERT
        and content["post_processor"] in (None, layout_of(roles, _ids(content), pairs))
    )
    flags = {
        "do_lower_case": normalizer.get("lowercase"),
        "strip_accents": normalizer.get("strip_accents"),
        "tokenize_chinese_chars": normalizer.get("handle_chinese_chars"),
    }
    stated = {name: flag for name, flag in flags.items() if flag is not None}
    return SavedClass("BertTokenizer", stated) if same else None


def _bpe(content: Json, roles: Mapping[str, str], pairs: PairLayout) -> SavedClass | None:
    model, splitter = content["model"], content["pre_tokenizer"] or {}
    if any(model[flag] for flag in ("dropout", "fuse_unk", "byte_fallback", "ignore_merges")):
        return None
    if model["continuing_subword_prefix"]:
        return None
    if model["end_of_word_suffix"]:
        return _gpt1(content, roles, pairs)
    if content["normalizer"] or splitter.get("type") != "ByteLevel" or not splitter["use_regex"]:
        return None
    if model["unk_token"] is not None:
        return None
    flag = {"add_prefix_space": splitter["add_prefix_space"]}
    layout = content["post_processor"] or {}
    if "cls" in roles and _knows(roles, USUAL_TOKENS["BPE"]):
        own = layout.get("type") == "RobertaProcessing" and [
            layout[role][0] for role in ("cls", "sep")
        ] == [roles.get(role) for role in ("cls", "sep")]
        same = own or (not layout and pairs == ROBERTA)
        return SavedClass("RobertaTokenizer", flag) if same else None
    return SavedClass("GPT2Tokenizer", flag) if _knows(roles, _GPT2) else None


def _gpt1(content: Json, roles: Mapping[str, str], pairs: PairLayout) -> SavedClass | None:
    model, normalizer = content["model"], content["normalizer"] or {}
    cleaning = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None}
    same = (
        normalizer == {"type": "BertNormalizer", **cleaning, "lowercase": True}
        and content["pre_tokenizer"] == {"type": "BertPreTokenizer"}
        and model["end_of_word_suffix"] == "</w>"
        and model["unk_token"] == roles.get("unk")
        and "cls" not in roles
    )
    return SavedClass("OpenAIGPTTokenizer") if same else None


def _t5(content: Json, roles: Mapping[str, str], pairs: PairLayout) -> SavedClass | None:
    normalizer, splitter = content["normalizer"] or {}, content["pre_tokenizer"] or {}
    listed = {token["content"] for token in content["added_tokens"]}
    sentinels = [token for token, _ in content["model"]["vocab"] if token.startswith("<extra_id_")]
    same = (
        normalizer.get("type") in (None, "Precompiled")
        and splitter == {"type": "Sequence", "pretokenizers": _T5_SPLITTER}
        and content["model"]["unk_id"] == 2
        and not content["model"]["byte_fallback"]
        and USUAL_TOKENS["Unigram"].items() <= roles.items()
        and content["post_processor"] in (None, layout_of(roles, _ids(content), None))
        and {f"<extra_id_{n}>" for n in range(len(sentinels))} == set(sentinels) <= listed
    )
    return SavedClass("T5Tokenizer", {"extra_ids": len(sentinels)}) if same else None


def _ids(content: Json) -> dict[str, int]:
    vocab = content["model"]["vocab"]
    ids = vocab if isinstance(vocab, dict) else {token: id for id, (token, _) in enumerate(vocab)}
    return ids | {token["content"]: token["id"] for token in content["added_tokens"]}


def _knows(roles: Mapping[str, str], usual: Mapping[str, str]) -> bool:
    """Whether the class adds no token: for a role that is not stated it takes its usual one."""
    tokens = set(roles.values())
    return all(roles.get(role, token) in tokens for role, token in usual.items())
