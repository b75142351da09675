"""The sequence layout of a saved `tokenizer.json`, so that `transformers` lays out as we do.

What the file says stands. To one that says nothing of special tokens the layout is added that a
model of this library reads, in a `Sequence` by which it is known again: opened here, the file is as
it was.

    no post_processor, with [CLS] and [SEP]    [CLS] first [SEP] second [SEP]
    no post_processor, Unigram with </s>       first </s> second </s>

A GPT with a head asks for tokens around each text (`with_ends`), which its published tokenizer adds
only where the file says so:

    <|endoftext|> first <|endoftext|> <|endoftext|> second <|endoftext|>
"""

from collections.abc import Mapping
from typing import Any

from headwater.text.pair_layout import PairLayout

Json = dict[str, Any]


def with_layout(
    content: Json, roles: Mapping[str, str], ids: Mapping[str, int], pairs: PairLayout
) -> Json:
    """Return the content of a `tokenizer.json` with a layout."""
    found = content.get("post_processor")
    layout = layout_of(roles, ids, pairs)
    if content["model"]["type"] == "Unigram":
        layout = layout or layout_of(roles, ids, None)
    if layout is None or (found is not None and found.get("type") != "ByteLevel"):
        return content
    processors = [layout] if found is None else [found, layout]
    return {**content, "post_processor": {"type": "Sequence", "processors": processors}}


def without_layout(
    content: Json, roles: Mapping[str, str], ids: Mapping[str, int], pairs: PairLayout
) -> Json:
    """Return the content without a layout that `with_layout` added."""
    found = content.get("post_processor")
    processors = found.get("processors") if isinstance(found, dict) else None
    if not isinstance(processors, list) or not 1 <= len(processors) <= 2:
        return content
    bare = {**content, "post_processor": processors[0] if len(processors) == 2 else None}
    return bare if with_layout(bare, roles, ids, pairs) == content else content


def with_ends(content: Json, first: str, last: str, ids: Mapping[str, int]) -> Json:
    """Return the content with these two tokens around each text, in place of what stood there."""
    single, second = ([_token(first, 0), _text(side, 0), _token(last, 0)] for side in "AB")
    return {**content, "post_processor": _template(single, single + second, (first, last), ids)}


def tokens_around(processor: Any) -> tuple[list[str], list[str]]:
    """Return the tokens that a `post_processor` puts before and after one text."""
    if not isinstance(processor, Mapping):
        return [], []
    several = processor.get("processors")
    for inner in several if isinstance(several, list) else ():
        if any(found := tokens_around(inner)):
            return found
    single = processor.get("single")
    if not isinstance(single, list) or not all(isinstance(each, Mapping) for each in single):
        return [], []
    texts = [index for index, each in enumerate(single) if "Sequence" in each]
    if len(texts) != 1:
        return [], []
    names = [_named(each) for each in single]
    return names[: texts[0]], names[texts[0] + 1 :]


def _named(part: Mapping[str, Any]) -> str:
    """Return the special token that a part of a template names; no token's name if none."""
    special = part.get("SpecialToken")
    name = special.get("id") if isinstance(special, Mapping) else None
    return name if isinstance(name, str) else ""


def layout_of(
    roles: Mapping[str, str], ids: Mapping[str, int], pairs: PairLayout | None
) -> Json | None:
    """Return the layout of an encoder, or without `pairs` T5's; None where its tokens lack."""
    if pairs is not None and {"cls", "sep"} <= roles.keys():
        first, last, segment = roles["cls"], roles["sep"], int(pairs.segments)
        single = [_token(first, 0), _text("A", 0), _token(last, 0)]
        between = [_token(last, 0)] * (pairs.separators - 1)
        pair = [*single, *between, _text("B", segment), _token(last, segment)]
        return _template(single, pair, (first, last), ids)
    if pairs is None and "eos" in roles:
        single, second = ([_text(side, 0), _token(roles["eos"], 0)] for side in "AB")
        return _template(single, single + second, (roles["eos"],), ids)
    return None


def _template(
    single: list[Json], pair: list[Json], names: tuple[str, ...], ids: Mapping[str, int]
) -> Json:
    known = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in names}
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": pair,
        "special_tokens": known,
    }


def _text(side: str, segment: int) -> Json:
    return {"Sequence": {"id": side, "type_id": segment}}


def _token(token: str, segment: int) -> Json:
    return {"SpecialToken": {"id": token, "type_id": segment}}
