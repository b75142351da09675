"""Whether training text held the test: which items, which words, and the score without them.

    overlap([Path("books"), Path("train.json")], test=Path("dev.json"), task="squad")

Training text is a folder or files of raw text (`.txt`, `.jsonl`, `.parquet`), a task's files
(`.json`, `.csv`, `.tsv`, or `.conll`, whose first column is read), or a run, whose recipe names its
files. It is streamed: memory holds the test alone. See `data.matches` for what overlaps.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headwater.corpus.json_texts import JSON_KINDS, json_texts
from headwater.corpus.read import DocumentReader
from headwater.corpus.sources import find_sources, kind_of
from headwater.data.conll_file import column_lines
from headwater.data.example import Example, Examples, TextExample, texts_of
from headwater.data.matches import Match, TestGrams
from headwater.data.overlap import GRAM
from headwater.data.task import Task
from headwater.errors import UserError, counted
from headwater.evaluation.recipe_files import tasks_of_recipe
from headwater.evaluation.scoring import read_files, read_predictions
from headwater.metrics.items import item_sums, score_intervals
from headwater.streams import read_stream
from headwater.tasks.names import task as find_task
from headwater.text_files import suffix_of

logger = logging.getLogger(__name__)

_TABLES = (".json", ".csv", ".tsv")
_COLUMNS = ".conll"


@dataclass(frozen=True, slots=True)
class Found:
    """A text of an item of which training text holds some words; `part` is its field."""

    id: str
    part: str
    match: Match


@dataclass(frozen=True, slots=True)
class Part:
    """The texts of one field: how many, too short to tell, with a match, overlapping.

    Equal texts, such as the context of several questions, count once.
    """

    texts: int
    short: int
    matched: int
    overlapping: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of some examples, in percent, with 95% intervals."""

    examples: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What of a test the training text holds.

    test, train: the files and folders, as they were given.
    items, words: of the test; read in training text.
    parts: by field of the examples.
    matched: the ids of items with a text of which 8 neighbouring words stand in training text.
    overlapping: the ids of items with a text that overlaps.
    found: every text with a match, the largest share first.
    scores: of `all` items, of the `clean` ones, which do not overlap, of the `unmatched` ones and
        of the `overlapping` ones, where there are predictions.
    """

    test: str
    train: tuple[str, ...]
    items: int
    words: int
    parts: dict[str, Part]
    matched: tuple[str, ...]
    overlapping: tuple[str, ...]
    found: tuple[Found, ...]
    scores: dict[str, Scores]

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return asdict(self)


def overlap(
    train: Sequence[Path],
    test: Path,
    task: str | None = None,
    predictions: Path | None = None,
    *,
    text_field: str = "text",
) -> Overlap:
    """Look for the test's texts in training text.

    Args:
        train: see above.
        task: whose file the test is; None: each line is an item; of JSON lines the text in
            `text_field`, or else every string.
        predictions: of the test, in the task's official format.
        text_field: also the column of a Parquet file with the text.
    """
    if predictions is not None and task is None:
        raise UserError("--predictions: their task is not known; give --task")
    files = training_files(train)
    declared = find_task(task) if task is not None else None
    examples = read_files(declared, [test]) if declared is not None else _lines(test, text_field)
    texts = {each.id: texts_of(each) for each in examples}
    grams = TestGrams({text for parts in texts.values() for text in parts.values()})
    _read(files, text_field, grams)
    matches = {text: grams.match(text) for each in texts.values() for text in each.values()}
    matched, overlapping = _ids(texts, matches)
    scores: dict[str, Scores] = {}
    if declared is not None and predictions is not None:
        said = read_predictions(declared, examples, predictions)
        scores = dict(_scores(declared, examples, said, {*matched}, {*overlapping}))
    return Overlap(
        *(str(test), tuple(map(str, train)), len(examples), grams.words, _parts(texts, matches)),
        *(matched, overlapping, _found(texts, matches), scores),
    )


def _read(files: Sequence[Path], text_field: str, grams: TestGrams) -> None:
    """Let training text go by; where there is no word in it, nothing could be told."""
    for file in files:
        before = grams.words
        for blocks in _texts_in(file, text_field):
            grams.read(blocks, str(file))
        logger.info(f"{file}: {grams.words - before:,} words")
    if not grams.words:
        raise UserError(f"{', '.join(map(str, files))}: no word could be read; nothing is told")


def training_files(given: Sequence[Path]) -> list[Path]:
    """Return the files of training text; a run stands for those that its recipe names."""
    inputs: list[Path] = []
    of_runs: set[Path] = set()
    for path in given:
        recipe = path / "config.toml"
        if not recipe.is_file():
            inputs.append(path)
            continue
        named = [file for _, files in tasks_of_recipe(recipe, "train") for file in files]
        if not named:
            raise UserError(f"{recipe}: names no task's files; give the raw text of its corpus")
        inputs += dict.fromkeys(named)
        of_runs.update(named)  # also of other names, such as train.bio
    wanted = (*_TABLES, _COLUMNS)

    def also(file: Path) -> bool:
        return suffix_of(file) in wanted or file in of_runs

    return find_sources(inputs, also, ", ".join(wanted)).files


def _texts_in(file: Path, text_field: str) -> Iterator[Iterator[str]]:
    """Yield the texts of a file, each in blocks cut between words."""
    if suffix_of(file) in JSON_KINDS or kind_of(file) == ".jsonl":
        yield from (iter((text,)) for text in json_texts(file))
    elif suffix_of(file) in _TABLES:
        yield read_stream(file)
    elif kind_of(file) is None:
        for sentence in column_lines(file):
            yield iter((" ".join(cells[0] for _, cells in sentence),))
    else:
        reader = DocumentReader([file], text_field)
        parts = iter(reader)
        for first in parts:
            yield _document(first.text, first.last, parts)
        if reader.bad.count:
            logger.warning(
                f"{counted(reader.bad.count, 'line')} passed over, the first: {reader.bad.named[0]}"
            )


def _document(text: str, last: bool, parts: Iterator[Any]) -> Iterator[str]:
    """Yield the parts of one document."""
    yield text
    while not last:
        text, last = next(parts)
        yield text


def _lines(test: Path, text_field: str) -> Examples[Example]:
    """Read a file without a task: its lines, or the texts of its JSON, numbered from 1."""
    lines = json_texts(test, text_field) if suffix_of(test) in JSON_KINDS else read_stream(test)
    found = [
        TextExample(str(number), line, ()) for number, line in enumerate(lines, 1) if line.strip()
    ]
    if not found:
        raise UserError(f"{test}: no text in it")
    return Examples(found)


def _ids(
    texts: Mapping[str, Mapping[str, str]], matches: Mapping[str, Match]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the items with a text that has a match, and those with one that overlaps."""
    found = {id: [matches[text] for text in parts.values()] for id, parts in texts.items()}
    matched = (id for id, each in found.items() if any(one.matched for one in each))
    overlapping = (id for id, each in found.items() if any(one.overlaps for one in each))
    return tuple(matched), tuple(overlapping)


def _parts(texts: Mapping[str, Mapping[str, str]], matches: Mapping[str, Match]) -> dict[str, Part]:
    by_part: dict[str, dict[str, Match]] = {}
    for parts in texts.values():
        for name, text in parts.items():
            by_part.setdefault(name, {})[text] = matches[text]
    return {
        name: Part(
            len(found),
            sum(each.words < GRAM for each in found.values()),
            sum(bool(each.matched) for each in found.values()),
            sum(each.overlaps for each in found.values()),
        )
        for name, found in by_part.items()
    }


def _found(
    texts: Mapping[str, Mapping[str, str]], matches: Mapping[str, Match]
) -> tuple[Found, ...]:
    found = [
        Found(id, name, matches[text])
        for id, parts in texts.items()
        for name, text in parts.items()
        if matches[text].matched
    ]
    return tuple(sorted(found, key=lambda each: -each.match.share))


def _scores(
    task: Task[Any],
    examples: Examples[Any],
    said: Mapping[str, str],
    matched: set[str],
    overlapping: set[str],
) -> Iterator[tuple[str, Scores]]:
    """Yield the scores of each group of examples that has any (see `Overlap`)."""
    groups = {
        "all": [*examples],
        "clean": [each for each in examples if each.id not in overlapping],
        "unmatched": [each for each in examples if each.id not in matched],
        "overlapping": [each for each in examples if each.id in overlapping],
    }
    for name, group in groups.items():
        if not group:
            logger.info(f"{counted(0, 'example')} {name}: no score of these")
            continue
        chosen = Examples(group)
        items = item_sums(task.metric_kind, task.metric_names, task.scored(chosen, said))
        yield name, Scores(len(group), task.score(chosen, said), score_intervals(items))
