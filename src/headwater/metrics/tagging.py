"""Entity-level precision, recall and F1, equal to those of the script conlleval.

An entity counts when its first word, its last word and its type are right (Tjong Kim Sang and
De Meulder 2003, section 2.3). A tag is a prefix and a type: `B-person` begins an entity, `I-` is
inside, `E-` ends one, `S-` is one of a single word (in BILOU `L-` and `U-`), `O` is outside. So
BIO, IO (an entity is a run of `I-` of one type), BIOES and BILOU are read by the same rules.
Sequences that break their scheme are read as conlleval reads them: an `I-` after `O` or after
another type begins an entity.

>>> chunks(["I-person", "I-person", "B-person", "O", "S-place"])
[Chunk(type='person', start=0, end=2), Chunk(type='person', start=2, end=3), \
Chunk(type='place', start=4, end=5)]
>>> scores = tagging([["B-person", "I-person", "O"]], [["B-person", "O", "O"]])
>>> scores.overall.f1, round(scores.accuracy, 2)
(0.0, 66.67)

The script itself (version 2004-01-26) knows no `S-` and joins an `E-` with a `B-` after it; for
BIOES the rules here are those of its extended copies, which agree with it on BIO and IO.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from headwater.errors import UserError, counted

Tag = tuple[str, str]

_ALWAYS_FIRST = frozenset("BSU")
_ALWAYS_LAST = frozenset("ESLU")
_FIRST_AFTER_AN_END = frozenset("IEL")
_BETWEEN = frozenset("OESLU")


class Chunk(NamedTuple):
    """An entity: the words from `start` to the one before `end`."""

    type: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EntityScores:
    """Entities counted: in the gold tags, in the predicted ones, in both."""

    golds: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float:
        """Percent of the predicted entities that are right; 0 where there are none."""
        return 100.0 * self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Percent of the gold entities that were found; 0 where there are none."""
        return 100.0 * self.correct / self.golds if self.golds else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, in percent."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class TaggingScores:
    """Scores over all entities and by type, in the types' alphabetical order.

    `accuracy` is the percent of the words whose tag is right, `words` their number.
    """

    accuracy: float
    words: int
    overall: EntityScores
    by_type: dict[str, EntityScores]


def chunks(tags: Iterable[str]) -> list[Chunk]:
    """Read the entities of one sentence."""
    found: list[Chunk] = []
    start: int | None = None
    last: Tag = ("O", "")
    index = -1
    for index, tag in enumerate(map(_split, tags)):
        if start is not None and _ends(last, tag):
            found.append(Chunk(last[1], start, index))
            start = None
        if _begins(last, tag):
            start = index
        last = tag
    if start is not None:
        found.append(Chunk(last[1], start, index + 1))
    return found


def right_tags(golds: Sequence[str], tags: Sequence[str]) -> int:
    """Count the words of a sentence whose tag is right."""
    return sum(_split(a) == _split(b) for a, b in zip(golds, tags, strict=True))


def tagging(golds: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> TaggingScores:
    """Score the predicted tags of sentences."""
    right = words = 0
    counts = {side: Counter[str]() for side in ("golds", "predicted", "correct")}
    for number, (gold, tags) in enumerate(zip(golds, predictions, strict=True), 1):
        if len(gold) != len(tags):
            raise UserError(
                f"sentence {number} of {len(golds)} has {counted(len(gold), 'word')} but "
                f"{counted(len(tags), 'predicted tag')}; one for each word was expected"
            )
        words += len(gold)
        right += right_tags(gold, tags)
        expected, predicted = set(chunks(gold)), set(chunks(tags))
        for side, entities in zip(
            counts.values(), (expected, predicted, expected & predicted), strict=True
        ):
            side.update(entity.type for entity in entities)
    if not words:
        raise UserError("there is no word to score")
    types = sorted(counts["golds"] | counts["predicted"])
    return TaggingScores(
        accuracy=100.0 * right / words,
        words=words,
        overall=EntityScores(**{side: count.total() for side, count in counts.items()}),
        by_type={
            each: EntityScores(**{side: count[each] for side, count in counts.items()})
            for each in types
        },
    )


def tagging_texts(
    golds: Mapping[str, Sequence[str]], predictions: Mapping[str, str]
) -> TaggingScores:
    """Score tags written as texts, by sentence id; a sentence without any has no entities."""
    return tagging(*read_texts(golds, predictions))


def read_texts(
    golds: Mapping[str, Sequence[str]], predictions: Mapping[str, str]
) -> tuple[list[list[str]], list[list[str]]]:
    """Return the gold and the predicted tags of each sentence."""
    expected, predicted = [], []
    for id, (gold,) in golds.items():
        tags = gold.split(" ") if gold else []
        found = predictions.get(id, " ".join("O" for _ in tags)).split()
        if len(found) != len(tags):
            raise UserError(
                f"sentence {id!r}: {counted(len(found), 'tag')} for {counted(len(tags), 'word')}"
            )
        expected.append(tags)
        predicted.append(found)
    return expected, predicted


def report(scores: TaggingScores) -> str:
    """Return what conlleval prints: one line for all, one for each type."""
    overall = scores.overall
    lines = [
        f"processed {scores.words} tokens with {overall.golds} phrases; "
        f"found: {overall.predicted} phrases; correct: {overall.correct}.",
        f"accuracy: {scores.accuracy:6.2f}%; {_line(overall)}",
    ]
    lines += [
        f"{name:>17}: {_line(each)}  {each.predicted}" for name, each in scores.by_type.items()
    ]
    return "".join(f"{line}\n" for line in lines)


def _line(scores: EntityScores) -> str:
    return (
        f"precision: {scores.precision:6.2f}%; recall: {scores.recall:6.2f}%; FB1: {scores.f1:6.2f}"
    )


def _split(tag: str) -> Tag:
    """Split at the first hyphen: types may have hyphens of their own."""
    prefix, _, kind = tag.partition("-")
    return prefix, kind


def _begins(last: Tag, tag: Tag) -> bool:
    """Whether an entity begins with `tag` when the word before has `last`."""
    if tag[0] in _ALWAYS_FIRST or (tag[0] != "O" and tag[1] != last[1]):
        return True
    return tag[0] in _FIRST_AFTER_AN_END and last[0] in _BETWEEN


def _ends(last: Tag, tag: Tag) -> bool:
    """Whether the entity that the word before is in, with tag `last`, ends before `tag`."""
    return tag[0] == "O" or tag[0] in _ALWAYS_FIRST or last[0] in _ALWAYS_LAST or tag[1] != last[1]
