"""Byte-level BPE: GPT-2's vocabulary and RoBERTa's (Radford et al. 2019, section 2.2).

Every byte has a printable stand-in (a space is `Ġ`), so nothing is unknown. Words take the space
before them along, and in each the pair that stands earliest in `merges.txt` is joined until none is
left; `vocab.json` gives the ids:

    " lower" -> Ġ l o w e r -> Ġ l o w er -> Ġ lo w er -> Ġlow er -> Ġlower

RoBERTa's folder holds the same two files with `<s> <pad> </s> <unk> <mask>` among the ids. So does
that of the first GPT, whose tokens are no bytes (gpt1.py).
"""

from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import SMALL, read_json, read_lines
from headwater.text.gpt1 import describe_gpt1
from headwater.text.settings import Settings
from headwater.text.special_tokens import END_OF_WORD
from headwater.text.tokenizer import TokenizerVocabulary
from headwater.text.tokenizer_classes import GPT1
from headwater.text.tokenizer_json import USUAL_TOKENS, bpe_model, describe_tokenizer


def read_bpe(folder: Path, settings: Settings) -> TokenizerVocabulary:
    """Read a folder's `vocab.json` and `merges.txt`; the settings tell of `add_prefix_space`."""
    ids = _read_ids(folder / "vocab.json")
    merges = _read_merges(folder / "merges.txt", ids)
    if settings.tokenizer_class == GPT1 or any(END_OF_WORD in pair for pair in merges):
        content = describe_gpt1(ids, merges, folder / "vocab.json")
    else:
        content = _describe(ids, merges, settings)
    return TokenizerVocabulary(content, settings, folder / "vocab.json")


def _read_ids(file: Path) -> dict[str, int]:
    content = read_json(file)
    if not isinstance(content, dict) or not content:
        raise UserError(f"{file}: an object from token to id was expected")
    seen: dict[int, str] = {}
    for token, number in content.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise UserError(f"{file}: the id of {token!r} must be a whole number from 0 on")
        if number in seen:
            raise UserError(f"{file}: {token!r} and {seen[number]!r} share the id {number}")
        seen[number] = token
    return content


def _read_merges(file: Path, ids: dict[str, int]) -> list[str]:
    merges = []
    for number, line in enumerate(read_lines(file, SMALL), start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        pair = line.split(" ")
        if len(pair) != 2 or not all(pair):
            raise UserError(f"{file}, line {number}: expected two tokens with a space between")
        for token in (*pair, "".join(pair)):
            if token not in ids:
                raise UserError(f"{file}, line {number}: {token!r} is not in vocab.json")
        merges.append(line)
    return merges


def _describe(ids: dict[str, int], merges: list[str], settings: Settings) -> dict[str, Any]:
    """Return the `tokenizer.json` of a byte-level BPE."""
    prefix = settings.flags.get("add_prefix_space", False)
    usual = {*USUAL_TOKENS["BPE"].values(), "<|endoftext|>"}
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": prefix,
        "trim_offsets": True,
        "use_regex": True,
    }
    return describe_tokenizer(
        bpe_model(ids, merges),
        (usual | {*settings.tokens.values()}) & ids.keys(),
        # RoBERTa's mask stands for a word and the space before it
        spaced=settings.tokens.get("mask", "<mask>"),
        pre_tokenizer=byte_level,
        post_processor=_describe_ends(ids, settings, prefix),
        decoder={**byte_level, "add_prefix_space": True},
    )


def _describe_ends(ids: dict[str, int], settings: Settings, prefix: bool) -> dict[str, Any] | None:
    """Return the rule by which RoBERTa's sequences begin and end; GPT-2 has none."""
    cls, sep = settings.tokens.get("cls", "<s>"), settings.tokens.get("sep", "</s>")
    if cls not in ids or sep not in ids:
        return None
    return {
        "type": "RobertaProcessing",
        "sep": [sep, ids[sep]],
        "cls": [cls, ids[cls]],
        "trim_offsets": True,
        "add_prefix_space": prefix,
    }
