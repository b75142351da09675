"""The class by which `transformers` opens a folder, and the flags that this class follows.

A class that is named is looked up, and it builds its own normalizer from the flags, those that are
not stated by default. A class that takes `tokenizer.json` as it is follows no flag:

    BertTokenizer              do_lower_case (true if not stated), strip_accents, ...
    RobertaTokenizer           add_prefix_space (false if not stated)
    PreTrainedTokenizerFast    none, and so does a class that `transformers` does not know
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import read_json

GENERIC = "PreTrainedTokenizerFast"
"""Takes `tokenizer.json` as it is, in every version of `transformers`."""

CLASS_BY_MODEL_TYPE = {
    "bert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "electra": "BertTokenizer",
    "gpt2": "GPT2Tokenizer",
    "mt5": "T5Tokenizer",
    "openai-gpt": "OpenAIGPTTokenizer",
    "roberta": "RobertaTokenizer",
    "t5": "T5Tokenizer",
}
"""Where no class is named, the `model_type` of config.json decides."""

Flags = Mapping[str, bool | None]

_BERT: Flags = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}
_BYTES: Flags = {"add_prefix_space": False}
_BERT_CLASSES = (
    *("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"),
    *("MPNetTokenizer", "FunnelTokenizer", "LayoutLMTokenizer", "SplinterTokenizer"),
)
_BYTE_CLASSES = ("GPT2Tokenizer", "RobertaTokenizer", "BartTokenizer", "DebertaTokenizer")
_DEFAULTS = {**dict.fromkeys(_BERT_CLASSES, _BERT), **dict.fromkeys(_BYTE_CLASSES, _BYTES)}


def read_class(folder: Path, stated: Mapping[str, Any], file: Path) -> str | None:
    """Return the class that a folder asks for, without `Fast`; None where nothing tells it.

    Args:
        stated: the content of `file`, a `tokenizer_config.json`. Where it names no class, the
            folder's config.json does, or its `model_type`.
    """
    name = stated.get("tokenizer_class")
    if name is None and (folder / "config.json").is_file():
        config = read_json(folder / "config.json")
        if isinstance(config, dict):
            name = config.get("tokenizer_class")
            name = name or CLASS_BY_MODEL_TYPE.get(str(config.get("model_type")))
            file = folder / "config.json"
    if name is None:
        return None
    if not isinstance(name, str):
        raise UserError(f"{file}: tokenizer_class must be a name, not {name!r:.40}")
    return name if name == GENERIC else name.removesuffix("Fast")


def followed(flags: Mapping[str, bool], tokenizer_class: str | None, *, defaults: bool) -> Flags:
    """Return the flags that win over `tokenizer.json`: those stated, and a class's `defaults`."""
    if tokenizer_class is None:
        return flags
    known = _DEFAULTS.get(tokenizer_class, {})
    return {
        name: flags.get(name, value) for name, value in known.items() if defaults or name in flags
    }
