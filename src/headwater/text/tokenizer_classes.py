"""The classes of `transformers` that read vocabularies, and which of their files are read here.

A `tokenizer.json` says all that its class does, so that any class will do; unless the class is
Python code that no such file can hold. The older files say less: `vocab.txt` is cut otherwise by
BertJapaneseTokenizer than by BertTokenizer. Those are read for the classes below alone.

A class that is named is looked up, and it builds its own normalizer from flags, those that are not
stated by default, whatever a `tokenizer.json` says. One that takes the file as it is follows none:

    BertTokenizer              do_lower_case (true if not stated), strip_accents, ...
    RobertaTokenizer           add_prefix_space (false if not stated)
    PreTrainedTokenizerFast    none, and so does a class that `transformers` does not know
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import read_json

GENERIC = "PreTrainedTokenizerFast"
"""Takes `tokenizer.json` as it is, in every version of `transformers`."""

_GENERIC = (GENERIC, "PreTrainedTokenizer", "PythonBackend", "TokenizersBackend")
"""Classes of no family: what the files say is all there is."""

_BERTS = (  # `transformers` looks these up by name
    *("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"),
    *("SqueezeBertTokenizer", "LayoutLMTokenizer", "DPRQuestionEncoderTokenizer"),
    *("DPRContextEncoderTokenizer", "DPRReaderTokenizer"),
)
ROBERTAS = ("RobertaTokenizer", "LongformerTokenizer", "BartTokenizer", "LEDTokenizer")
GPT1 = "OpenAIGPTTokenizer"
ALBERT = "AlbertTokenizer"
BYTES = "ByT5Tokenizer"
"""Reads no file: its tokens are bytes."""

READERS: dict[str, tuple[str, ...]] = {
    "spiece.model": ("T5Tokenizer", "MT5Tokenizer", ALBERT),
    "sentencepiece.bpe.model": ("XLMRobertaTokenizer", "CamembertTokenizer"),
    "spm.model": ("DebertaV2Tokenizer",),
    "vocab.txt": (*_BERTS, "ConvBertTokenizer", "RetriBertTokenizer"),
    "vocab.json": ("GPT2Tokenizer", *ROBERTAS, GPT1),
}
"""By the file: the classes that are read from it here."""

PYTHON_ONLY = (
    *("BartphoTokenizer", "BertJapaneseTokenizer", "BertweetTokenizer", "BioGptTokenizer"),
    *("BlenderbotSmallTokenizer", "CTRLTokenizer", "CanineTokenizer", "CpmAntTokenizer"),
    *("EsmTokenizer", "FSMTTokenizer", "FlaubertTokenizer"),
    *("GPTNeoXJapaneseTokenizer", "LukeTokenizer", "MLukeTokenizer", "MyT5Tokenizer"),
    *("PerceiverTokenizer", "PhobertTokenizer", "ProphetNetTokenizer", "RoCBertTokenizer"),
    *("RoFormerTokenizer", "TapasTokenizer", "TransfoXLTokenizer", "XLMTokenizer"),
)
"""They are code, beside which a `tokenizer.json` would not give their ids."""

_OF_MODELS = {
    **dict.fromkeys(("bert", "electra", "mobilebert", "nezha"), "BertTokenizer"),
    "distilbert": "DistilBertTokenizer",
    **dict.fromkeys(("roberta", "roberta-prelayernorm", "xlm-roberta-prelayernorm"), ROBERTAS[0]),
    **dict.fromkeys(("longformer", "camembertv2", "bart"), ROBERTAS[0]),
    "modernbert": GENERIC,
    **dict.fromkeys(("gpt2", "gpt_neo", "gptj"), "GPT2Tokenizer"),
    "openai-gpt": GPT1,
    **dict.fromkeys(("t5", "mt5", "switch_transformers", "umt5"), "T5Tokenizer"),
    "albert": ALBERT,
    "bertweet": "BertweetTokenizer",
    "bert-japanese": "BertJapaneseTokenizer",
    "big_bird": "BigBirdTokenizer",
    "byt5": BYTES,
    "camembert": "CamembertTokenizer",
    "canine": "CanineTokenizer",
    "ctrl": "CTRLTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "flaubert": "FlaubertTokenizer",
    "mbart": "MBartTokenizer",
    "mpnet": "MPNetTokenizer",
    "pegasus": "PegasusTokenizer",
    "phobert": "PhobertTokenizer",
    "roformer": "RoFormerTokenizer",
    "xlm": "XLMTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "xlnet": "XLNetTokenizer",
}
"""By the `model_type`: the class where none is named, as `transformers` has it."""

Flags = Mapping[str, bool | None]

_BERT: Flags = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}
_BYTES: Flags = {"add_prefix_space": False}
_FLAGS = {
    **dict.fromkeys(_BERTS, _BERT),
    **dict.fromkeys(("LxmertTokenizer", "MPNetTokenizer", "SplinterTokenizer"), _BERT),
    **dict.fromkeys(("GPT2Tokenizer", *ROBERTAS, "MvpTokenizer"), _BYTES),
    **dict.fromkeys(("CodeGenTokenizer", "DebertaTokenizer", "GPTNeoXTokenizer"), _BYTES),
}
"""By the class: the flags that it follows, with their defaults."""


@dataclass(frozen=True, slots=True)
class TokenizerClass:
    """A class by its name, without `Fast` at its end, and the file that names it.

    by_model: that file does not name it: it is what the `model_type` there goes with.
    """

    name: str
    file: Path
    by_model: bool = False

    @property
    def generic(self) -> bool:
        """Whether it adds nothing to what the files say."""
        return self.name in _GENERIC

    def __str__(self) -> str:
        verb = "goes with" if self.by_model else "names"
        return f"{self.file}: {verb} {self.name}"


def read_class(folder: Path, stated: Any) -> TokenizerClass | None:
    """Return the class of a folder's vocabulary, where anything tells it.

    Args:
        stated: the `tokenizer_class` of its `tokenizer_config.json`.
    """
    if stated is not None:
        return _named(stated, folder / "tokenizer_config.json")
    file = folder / "config.json"
    content = read_json(file) if file.is_file() else None
    if not isinstance(content, dict):
        return None
    if content.get("tokenizer_class") is not None:
        return _named(content["tokenizer_class"], file)
    model_type = content.get("model_type")
    name = _OF_MODELS.get(model_type) if isinstance(model_type, str) else None
    return TokenizerClass(name, file, by_model=True) if name else None


def followed(flags: Mapping[str, bool], tokenizer_class: str | None, *, defaults: bool) -> Flags:
    """Return the flags that win over `tokenizer.json`: those stated, and a class's `defaults`."""
    if tokenizer_class is None:
        return flags
    known = _FLAGS.get(tokenizer_class, {})
    return {
        name: flags.get(name, value) for name, value in known.items() if defaults or name in flags
    }


def check_class(found: TokenizerClass | None, file: Path) -> None:
    """Refuse a file that the class does not read as it is read here."""
    if found is None:
        return
    kind = "spiece.model" if file.suffix == ".model" and file.name not in READERS else file.name
    if found.name in PYTHON_ONLY:
        raise UserError(f"{found}, which is not supported; {_SUPPORTED}")
    if kind in READERS and not found.generic and not reads(found, kind):
        raise UserError(
            f"{found}, which is not supported with {file.name}; save its tokenizer.json beside "
            f"it, or take a vocabulary of {', '.join(READERS[kind])}"
        )


def reads(found: TokenizerClass | None, kind: str) -> bool:
    """Tell whether the class reads that kind of file as it is read here.

    A network of one family may have the vocabulary of another, if none is named.
    """
    names = READERS.get(kind, ())
    return found is None or found.name in names or (found.by_model and _supported(found))


def refuse_unread(found: TokenizerClass | None) -> None:
    """Refuse a folder whose class reads files of other names."""
    if found is not None and not found.generic and not _supported(found):
        raise UserError(f"{found}, which is not supported; {_SUPPORTED}")


def _supported(found: TokenizerClass) -> bool:
    return any(found.name in names for names in READERS.values())


def _named(value: Any, file: Path) -> TokenizerClass:
    if not isinstance(value, str) or not value:
        raise UserError(f"{file}: tokenizer_class must be a name, not {value!r:.40}")
    name = value if value in _GENERIC else value.removesuffix("Fast")
    return TokenizerClass(name, file)


_SUPPORTED = (
    "take a vocabulary of BertTokenizer, RobertaTokenizer, GPT2Tokenizer, OpenAIGPTTokenizer or "
    "T5Tokenizer, or the tokenizer.json of another class"
)
