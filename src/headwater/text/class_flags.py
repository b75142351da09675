"""The flags that a class of `transformers` follows, whatever a `tokenizer.json` says.

A class that is named is looked up, and it builds its own normalizer from the flags, those that are
not stated by default. A class that takes `tokenizer.json` as it is follows no flag:

    BertTokenizer              do_lower_case (true if not stated), strip_accents, ...
    RobertaTokenizer           add_prefix_space (false if not stated)
    PreTrainedTokenizerFast    none, and so does a class that `transformers` does not know
"""

from collections.abc import Mapping

GENERIC = "PreTrainedTokenizerFast"
"""Takes `tokenizer.json` as it is, in every version of `transformers`."""

Flags = Mapping[str, bool | None]

_BERT: Flags = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}
_BYTES: Flags = {"add_prefix_space": False}
_BERT_CLASSES = (
    *("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"),
    *("DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer", "DPRReaderTokenizer"),
    *("LayoutLMTokenizer", "LxmertTokenizer", "MPNetTokenizer", "SplinterTokenizer"),
    "SqueezeBertTokenizer",
)
_BYTE_CLASSES = (
    *("GPT2Tokenizer", "RobertaTokenizer", "BartTokenizer", "CodeGenTokenizer"),
    *("DebertaTokenizer", "GPTNeoXTokenizer", "LEDTokenizer", "LongformerTokenizer"),
    "MvpTokenizer",
)
_DEFAULTS = {**dict.fromkeys(_BERT_CLASSES, _BERT), **dict.fromkeys(_BYTE_CLASSES, _BYTES)}


def followed(flags: Mapping[str, bool], tokenizer_class: str | None, *, defaults: bool) -> Flags:
    """Return the flags that win over `tokenizer.json`: those stated, and a class's `defaults`."""
    if tokenizer_class is None:
        return flags
    known = _DEFAULTS.get(tokenizer_class, {})
    return {
        name: flags.get(name, value) for name, value in known.items() if defaults or name in flags
    }
