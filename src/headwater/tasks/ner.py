"""Named entities: which words of a sentence name a person, a place, ..., as tags and as text.

An encoder gives every word a tag (Devlin et al. 2019, section 5.3). A text-to-text model writes
the entities in their order, each after its type; the T5 paper has no such task, this form is ours:

    ner: Ada Lovelace lived in London .    ->    person: Ada Lovelace; location: London
    ner: It rained .                       ->    none

Read back, each entity is searched for word by word after the one before it, and gets the tags B-
and I- where it is found first; one that is not found is left out. So the tags come back as they
were, unless an entity's words occur before it too, outside of an entity.

Scores are those of conlleval (Tjong Kim Sang and De Meulder 2003): precision, recall and F1 over
whole entities, all and by type, and the share of words with the right tag.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from headwater.data.conll_file import TABLES, USUAL, TagColumns, read_tagged
from headwater.data.example import DataSource, Example, Examples, TaggingExample, TextExample
from headwater.data.official_files import TaskFiles
from headwater.data.predictions import PredictionFile
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.data.task import Kind, Task
from headwater.errors import UserError, counted
from headwater.files import read_lines
from headwater.metrics.names import METRICS, MetricKind
from headwater.metrics.tagging import chunks, report, tagging_texts
from headwater.text_files import suffix_of

NOTHING = "none"
_TYPE = re.compile(r"(?:^|; ?)([^\s:;]+): ")


@final
class ConllPredictions:
    """The word, its gold tag where it is known, and the predicted tag, as conlleval reads them."""

    name = "predictions.conll"

    def dump(self, examples: DataSource[Example], predictions: Mapping[str, str]) -> str:
        """Return the columns, with a space between them and a blank line after each sentence."""
        lines: list[str] = []
        for example in _tagged(examples):
            golds = () if example.tags is None else (example.tags,)
            columns = (example.words, *golds, predictions[example.id].split())
            lines += (" ".join(row) for row in zip(*columns, strict=True))
            lines.append("")
        return "".join(line + "\n" for line in lines)

    def read(self, path: Path, examples: DataSource[Example]) -> dict[str, str]:
        """Read the last column; the sentences must be those of the examples, word for word."""
        lines = iter(enumerate(read_lines(path), 1))
        predictions: dict[str, str] = {}
        number = 0
        for example in _tagged(examples):
            tags = []
            for word in example.words:
                number, line = next(lines, (number + 1, ""))
                *before, tag = line.split() or [""]
                if not tag or before[: len(word.split())] != word.split():
                    raise UserError(
                        f"{path}, line {number}: the word {word!r} was expected, and its tags"
                    )
                tags.append(tag)
            number, line = next(lines, (number + 1, ""))
            if line.strip():
                raise UserError(f"{path}, line {number}: a blank line was expected")
            predictions[example.id] = " ".join(tags)
        for number, line in lines:
            if line.strip():
                raise UserError(
                    f"{path}, line {number}: expected no more than "
                    f"{counted(len(examples), 'sentence')}"
                )
        return predictions


def _tagged(examples: Iterable[Example]) -> Iterator[TaggingExample]:
    for example in examples:
        assert isinstance(example, TaggingExample)  # which this format is for
        yield example


CONLL: PredictionFile = ConllPredictions()


def words_text(words: Sequence[str]) -> str:
    """Write `ner: ` and the words."""
    return f"ner: {' '.join(words)}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NerTask(Task[TaggingExample]):
    """A task of finding entities.

    type_words: by type, the word for it in text, where that is another.
    as_text: writes the words as a text-to-text model reads them.
    """

    kind: Kind = "token"
    metric_kind: MetricKind = "token"
    metric_names: tuple[str, ...] = tuple(METRICS["token"])
    prediction_file: PredictionFile = CONLL
    type_words: Mapping[str, str] = field(default_factory=dict)
    columns: TagColumns = USUAL
    as_text: Callable[[Sequence[str]], str] = words_text

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[TaggingExample]:
        return read_tagged(paths, self.labels, answered=answered, columns=self.columns)

    def rows(self, path: Path) -> Iterator[Row]:
        """Yield the rows of a table, or of columns each sentence with its words."""
        if suffix_of(path) in TABLES:
            return read_rows(path)
        sentences = enumerate(self.read_files([path], answered=False), start=1)
        return (Row(path, n, {"words": list(each.words)}, "sentence") for n, each in sentences)

    def to_text(self, example: TaggingExample) -> TextExample:
        """Write the words; the target is the entities, or `none`."""
        inputs = self.as_text(example.words)
        if example.tags is None:
            return TextExample(example.id, inputs, ())
        written = [
            f"{self.type_words.get(kind, kind)}: {' '.join(example.words[start:end])}"
            for kind, start, end in chunks(example.tags)
        ]
        return TextExample(example.id, inputs, ("; ".join(written) or NOTHING,))

    def from_text(self, example: TaggingExample, text: str) -> str:
        """Turn entities, as `to_text` writes them, into a tag for each word, in BIO."""
        types = {word: kind for kind, word in self.type_words.items()}
        parts = _TYPE.split(text.strip())
        tags = ["O"] * len(example.words)
        begin = 0
        for word, words in zip(parts[1::2], parts[2::2], strict=True):
            found = _find(words.split(), example.words, begin)
            if found is not None:
                kind = types.get(word, word)
                start, begin = found
                tags[start:begin] = [f"B-{kind}", *[f"I-{kind}"] * (begin - start - 1)]
        return " ".join(tags)

    def golds(self, examples: DataSource[TaggingExample]) -> dict[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        for example in examples:
            if example.tags is None:
                raise UserError(f"sentence {example.id!r} has no known tags to score against")
            found[example.id] = (" ".join(example.tags),)
        return found

    def report(self, examples: DataSource[TaggingExample], predictions: Mapping[str, str]) -> str:
        """Return what conlleval prints: precision, recall and F1 of all types and of each."""
        return report(tagging_texts(self.golds(examples), predictions))


def _find(wanted: Sequence[str], words: Sequence[str], begin: int) -> tuple[int, int] | None:
    """Return where the wanted words stand one after the other, from `begin` on; None: nowhere.

    A word with spaces in it counts as the words between them.
    """
    for start in range(begin, len(words)):
        if not words[start].split():  # an entity does not begin with nothing
            continue
        found: list[str] = []
        for end in range(start, len(words)):
            found += words[end].split()
            if found != wanted[: len(found)]:
                break
            if len(found) == len(wanted):
                return start, end + 1
    return None


def _bio(*types: str) -> tuple[str, ...]:
    return ("O", *(f"{prefix}-{each}" for each in types for prefix in "BI"))


_TYPE_WORDS = {"PER": "person", "ORG": "organization", "LOC": "location", "MISC": "other"}

WNUT17 = NerTask(
    name="wnut17",
    summary="WNUT-17: emerging and rare entities of six types in noisy text",
    labels=_bio("corporation", "creative-work", "group", "location", "person", "product"),
    files=TaskFiles(
        "wnut17",
        {
            "train": ("wnut17train.conll",),
            "validation": ("emerging.dev.conll",),
            "test": ("emerging.test.annotated",),
        },
        ("leondz/wnut_17", "wnut_17"),
    ),
)

CONLL2003 = NerTask(
    name="conll2003",
    summary="CoNLL-2003: persons, organizations, locations and others in English news",
    labels=_bio("PER", "ORG", "LOC", "MISC"),
    files=TaskFiles(
        "conll2003",
        {"train": ("eng.train",), "validation": ("eng.testa",), "test": ("eng.testb",)},
        ("eriktks/conll2003", "conll2003"),
    ),
    type_words=_TYPE_WORDS,
)

BTC = NerTask(
    name="btc",
    summary="Broad Twitter Corpus: persons, organizations and locations in tweets",
    labels=_bio("PER", "ORG", "LOC"),
    # The authors' test is F; of H they would train on one half and follow the run on the other.
    # The copy on the hub keeps H whole for that, and so do we.
    files=TaskFiles(
        "btc",
        {
            "train": ("a.conll", "b.conll", "e.conll", "g.conll"),
            "validation": ("h.conll",),
            "test": ("f.conll",),
        },
    ),
    type_words=_TYPE_WORDS,
)

NER = NerTask(name="ner", summary="Entities of the types that your own CoNLL files have")
