"""`token-classification`: the tags of a text's tokens, or the entities that they make.

The five ways to join tokens are those of `transformers`: "none" joins nothing; "simple" joins
neighbours with the same tag; "first", "average" and "max" give all tokens of a word one tag before
that: of its first token, of the mean of their probabilities, or of the likeliest one.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from headwater.config import Config
from headwater.inference.loaded import LoadedModel
from headwater.pipelines.task import first_or_all, texts_of
from headwater.text.vocabulary import Encoding, Vocabulary

Strategy = Literal["none", "simple", "first", "average", "max"]
Scores = NDArray[np.float64]

_JOINED = "##"  # begins a WordPiece token inside a word


class TaggingOptions(Config):
    """What a caller may set.

    aggregation_strategy: how tokens are joined.
    ignore_labels: the labels that are left out of the answer.
    stride: accepted, and changes nothing: windows of a long text share half.
    """

    aggregation_strategy: Strategy = "none"
    ignore_labels: list[str] = Field(default=["O"])
    stride: PositiveInt | None = None


class _Part(NamedTuple):
    """A token or a word: its scores `[labels]`, its position in the sequence, where it stands."""

    scores: Scores
    position: int
    word: str
    ids: tuple[int, ...]
    start: int
    end: int
    inside: bool


@final
class TokenClassification:
    """Tags texts of any length."""

    options = TaggingOptions

    def __init__(self, model: LoadedModel) -> None:
        self._tagger = model.predictors.tagger("simple")
        self._vocabulary = model.vocabulary
        self._marked = any(token.startswith(_JOINED) for token in model.vocabulary.ids)

    def items(self, inputs: Any) -> tuple[list[str], bool]:
        return texts_of(inputs)

    def characters(self, item: str) -> int:
        return len(item)

    def run(self, items: Sequence[str], options: TaggingOptions) -> list[Any]:
        found = zip(items, self._tagger.token_logits(items), strict=True)
        return [self._one(text, *each, options) for text, each in found]

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)

    def _one(
        self, text: str, encoding: Encoding, logits: NDArray[np.float32], options: TaggingOptions
    ) -> list[dict[str, Any]]:
        parts = _tokens(text, encoding, _softmax(logits), self._vocabulary, self._marked)
        labels, strategy = self._tagger.labels, options.aggregation_strategy
        if strategy not in ("none", "simple"):
            parts = [_word(each, strategy, self._vocabulary) for each in _words(parts)]
        tagged = [(each, labels[int(each.scores.argmax())]) for each in parts]
        if strategy == "none":
            shaped = [_entity(part, label) for part, label in tagged]
        else:
            shaped = [_group(each, self._vocabulary) for each in _runs(tagged)]
        ignored = options.ignore_labels
        return [
            each
            for each in shaped
            if each.get("entity") not in ignored and each.get("entity_group") not in ignored
        ]


def _softmax(logits: NDArray[np.float32]) -> Scores:
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    scores: Scores = odds / odds.sum(axis=-1, keepdims=True)
    return scores


def _tokens(
    text: str, encoding: Encoding, scores: Scores, vocabulary: Vocabulary, marked: bool
) -> list[_Part]:
    """Return the tokens; `index` counts the special token before them, as `transformers` does.

    Args:
        marked: whether tokens inside a word are marked; else one is where no space is before it.
    """
    found = []
    spans = zip(
        encoding.ids.tolist(), encoding.starts.tolist(), encoding.ends.tolist(), strict=True
    )
    for number, (id, start, end) in enumerate(spans):
        word = vocabulary.token(id)
        inside = word.startswith(_JOINED)
        if not marked:
            inside = start > 0 and " " not in text[start - 1 : start + 1]
        if id == vocabulary.unk_id:
            word, inside = text[start:end], False
        found.append(_Part(scores[number], number + 1, word, (id,), start, end, inside))
    return found


def _words(parts: Sequence[_Part]) -> list[list[_Part]]:
    """Group tokens by their words."""
    found: list[list[_Part]] = []
    for part in parts:
        if found and part.inside:
            found[-1].append(part)
        else:
            found.append([part])
    return found


def _word(parts: Sequence[_Part], strategy: Strategy, vocabulary: Vocabulary) -> _Part:
    """Give the tokens of a word the scores that the strategy says."""
    table = np.stack([part.scores for part in parts])
    scores = {
        "first": lambda: table[0],
        "average": lambda: table.mean(axis=0),
        "max": lambda: table[table.max(axis=1).argmax()],
    }[strategy]()
    ids = tuple(id for part in parts for id in part.ids)
    word = vocabulary.decode(ids)
    return _Part(scores, parts[0].position, word, ids, parts[0].start, parts[-1].end, False)


def _runs(tagged: Sequence[tuple[_Part, str]]) -> list[list[tuple[_Part, str]]]:
    """Join neighbours of one type, but before a tag that begins another (B-)."""
    found: list[list[tuple[_Part, str]]] = [[each] for each in tagged[:1]]
    for (_, before), (part, label) in pairwise(tagged):
        same = _parts_of(label)[1] == _parts_of(before)[1] and _parts_of(label)[0] != "B"
        if same:
            found[-1].append((part, label))
        else:
            found.append([(part, label)])
    return found


def _parts_of(label: str) -> tuple[str, str]:
    """Return the prefix and the type of a label; one without a prefix counts as inside."""
    if label.startswith(("B-", "I-")):
        return label[0], label[2:]
    return "I", label


def _entity(part: _Part, label: str) -> dict[str, Any]:
    return {
        "entity": label,
        "score": float(part.scores.max()),
        "index": part.position,
        "word": part.word,
        "start": part.start,
        "end": part.end,
    }


def _group(run: Sequence[tuple[_Part, str]], vocabulary: Vocabulary) -> dict[str, Any]:
    parts = [part for part, _ in run]
    ids = [id for part in parts for id in part.ids]
    return {
        "entity_group": _parts_of(run[0][1])[1],
        "score": float(np.mean([part.scores.max() for part in parts])),
        "word": vocabulary.decode(ids),
        "start": parts[0].start,
        "end": parts[-1].end,
    }
