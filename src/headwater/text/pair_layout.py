"""What stands between two texts that a model reads together, as the files of a vocabulary say.

    BertTokenizer        [CLS] first [SEP] second [SEP]      the second text is segment 1
    RobertaTokenizer     <s> first </s></s> second </s>      there are no segments

The post-processor of `tokenizer.json` tells it. Where there is none the class does.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater.text.tokenizer_classes import READERS, ROBERTAS

_TWO = (*ROBERTAS, "CamembertTokenizer", "MPNetTokenizer", "XLMRobertaTokenizer")
_KNOWN = (*_TWO, *READERS["vocab.txt"])


class PairLayout(NamedTuple):
    """How many separators stand between two texts, and whether segments tell the two apart."""

    separators: int
    segments: bool


BERT = PairLayout(1, segments=True)
ROBERTA = PairLayout(2, segments=False)


def pair_layout(described: Any, tokenizer_class: str | None, cls: str | None) -> PairLayout:
    """Return how pairs are laid out.

    Args:
        described: the `post_processor` of a `tokenizer.json`, or None.
        cls: the token that begins a sequence; its name decides where nothing else does.
    """
    found = _described(described)
    if found is not None:  # a class of BERT's family counts segments whatever the file says
        bert = found.separators == 1 and tokenizer_class in READERS["vocab.txt"]
        return BERT if bert else found
    two = tokenizer_class in _TWO if tokenizer_class in _KNOWN else cls == "<s>"
    return ROBERTA if two else BERT


def _described(processor: Any) -> PairLayout | None:
    if not isinstance(processor, Mapping):
        return None
    kind = processor.get("type")
    if kind == "Sequence":
        inner = map(_described, processor.get("processors") or ())
        return next((each for each in inner if each is not None), None)
    if kind == "TemplateProcessing":
        return _template(processor.get("pair"))
    return {"BertProcessing": BERT, "RobertaProcessing": ROBERTA}.get(str(kind))


def _template(pair: Any) -> PairLayout | None:
    """Read `[{"SpecialToken": ...}, {"Sequence": {"id": "A", ...}}, ...]`."""
    if not isinstance(pair, list) or not all(isinstance(each, Mapping) for each in pair):
        return None
    texts = [index for index, each in enumerate(pair) if "Sequence" in each]
    if len(texts) != 2 or texts[1] == texts[0] + 1:  # nothing parts them there
        return None
    second = pair[texts[1]]["Sequence"]
    segments = isinstance(second, Mapping) and second.get("type_id") == 1
    return PairLayout(texts[1] - texts[0] - 1, segments)
