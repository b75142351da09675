"""Reading CoNLL columns: a word and its tag on each line, a blank line after each sentence.

The format (Tjong Kim Sang and De Meulder 2003): the word stands first, the tag last, with a tab or
spaces between; columns between them (part of speech, chunk) are passed over, and so are lines that
begin with `-DOCSTART-`, and comments (`# id 7`) before a sentence. Tags are kept as they stand, in
any of the usual schemes:

    word      BIO           BIOES         BILOU         IO
    Ada       B-person      B-person      B-person      I-person
    Lovelace  I-person      E-person      L-person      I-person
    in        O             O             O             O
    Paris     B-location    S-location    U-location    I-location

A tag that cannot be is an error with file and line: one of another form, one that the task does
not have, or, in a file with E-, S-, L- or U- tags, one that breaks off an entity.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater.data.example import Examples, TaggingExample
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.errors import MissingField, UserError, counted, did_you_mean
from headwater.streams import check_held, read_stream
from headwater.text_files import suffix_of

_TAG = re.compile(r"O|[BIESLU]-\S+")
_COMMENT = re.compile("#(?:[ \t]|begin |end )")
TABLES = (".jsonl", ".json", ".parquet")
_LAST = "EL"  # of several words, in BIOES and BILOU
_SINGLE = "SU"

Line = tuple[int, list[str]]  # its number, and what stands in its columns


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Words and tags, and where they stand: in a row, or in a file from the line `first` on."""

    words: tuple[str, ...]
    tags: tuple[str, ...] | None
    where: str
    first: int | None = None


@dataclass(frozen=True, slots=True)
class TagColumns:
    """Where words and tags stand: in tables by names, of which the first that is there counts.

    `index` and `word_index` are the columns of tag and word in CoNLL files, as Python counts.
    """

    words: tuple[str, ...] = ("tokens", "words")
    tags: tuple[str, ...] = ("ner_tags", "tags")
    index: int = -1
    word_index: int = 0


USUAL = TagColumns()


def read_tagged(
    paths: Sequence[Path],
    labels: Sequence[str] = (),
    *,
    answered: bool = True,
    columns: TagColumns = USUAL,
) -> Examples[TaggingExample]:
    """Read sentences in the order given; an id is a sentence's number, from "0" over all files.

    Beside CoNLL columns, `.jsonl` and `.parquet` files as the hub has them are read: with a list of
    words and one of tags, which are texts or indices in `labels`.

    Args:
        labels: the tags there are; empty for any of a known form.
        answered: False reads sentences to predict: tags may be absent and are ignored.
        columns: where words and tags stand.
    """
    found: list[_Sentence] = []
    for path in paths:
        if suffix_of(path) in TABLES:
            own = [_table_sentence(row, labels, answered, columns) for row in read_rows(path)]
        else:
            check_held(path)
            own = list(_sentences(path, labels, answered, columns))
        if not own:
            raise UserError(f"{path}: no sentence; a word and its tag on each line was expected")
        _check_ends(own)
        found += own
    if not found:
        raise UserError("no file given; sentences were expected")
    numbered = enumerate(found)
    return Examples([TaggingExample(str(key), each.words, each.tags) for key, each in numbered])


def check_tag(tag: str, labels: Sequence[str], where: str) -> None:
    """Refuse a tag that is none of `labels` or, where these are not known, of no known form."""
    if labels and tag not in labels:
        raise UserError(
            f"{where}: unknown tag {tag!r}; {did_you_mean(tag, labels, 'the tags are')}"
        )
    if not _TAG.fullmatch(tag):
        raise UserError(
            f"{where}: {tag!r} is no tag; expected O, or a type after B-, I-, E-, "
            "S-, L- or U-, as B-person"
        )


def column_lines(path: Path, index: int | None = None) -> Iterator[list[Line]]:
    """Yield each sentence's lines, cut at tabs where the first one has a tab, else at spaces.

    Args:
        index: the column of the tags, by which a word `#` is told from a comment; None: there is
            none.
    """
    sentence: list[Line] = []
    tabs, expected = False, 0
    for number, line in enumerate(read_stream(path), 1):
        text = line.rstrip(" \t\r\n")  # words of real files are white space of other kinds
        if not text.strip() or text.startswith("-DOCSTART-"):
            if sentence:
                yield sentence
            sentence = []
            continue
        by_tabs = tabs if expected else "\t" in text
        cells = text.split("\t") if by_tabs else re.split(" +", text.strip(" "))
        if not sentence and _COMMENT.match(text) and not _is_word(cells, expected, index):
            continue
        tabs, expected = by_tabs, expected or len(cells)
        if len(cells) != expected:
            raise UserError(
                f"{path}, line {number}: {counted(len(cells), 'column')}, but the lines before "
                f"have {expected}; {'tabs' if tabs else 'spaces'} stand between columns here"
            )
        sentence.append((number, cells))
    if sentence:
        yield sentence


def _is_word(cells: Sequence[str], expected: int, index: int | None) -> bool:
    """Whether a line that may be a comment has the columns of the others, and a tag."""
    if expected and len(cells) != expected:
        return False
    if index is None:
        return expected > 0
    return -len(cells) <= index < len(cells) and bool(_TAG.fullmatch(cells[index]))


def _sentences(
    path: Path, labels: Sequence[str], answered: bool, columns: TagColumns
) -> Iterator[_Sentence]:
    for lines in column_lines(path, columns.index if answered else None):
        number, cells = lines[0]
        word = _position(columns.word_index, cells)
        index = _position(columns.index, cells)
        if word is None or (answered and index in (None, word)):
            raise MissingField(
                f"{path}, line {number}: {counted(len(cells), 'column')}; a word was expected in "
                f"{_ordinal(columns.word_index)} and its tag in {_ordinal(columns.index)}"
            )
        tags = None
        if answered and index is not None:
            tags = tuple(cells[index] for _, cells in lines)
            for (number, _), tag in zip(lines, tags, strict=True):
                check_tag(tag, labels, f"{path}, line {number}")
        words = tuple(cells[word].strip() for _, cells in lines)
        yield _Sentence(words, tags, str(path), lines[0][0])


def _position(index: int, cells: Sequence[str]) -> int | None:
    """Return a column as counted from 0; None: there are not so many."""
    index = index if index >= 0 else len(cells) + index
    return index if 0 <= index < len(cells) else None


def _ordinal(index: int) -> str:
    return {0: "the first", -1: "the last"}.get(index, f"number {index}")


def _check_ends(file: Sequence[_Sentence]) -> None:
    """In BIOES and BILOU an entity goes on until its end tag; other schemes say less."""
    first = {tag[0] for each in file for tag in each.tags or ()}
    if not first.intersection(_LAST + _SINGLE):
        return
    scheme = "BILOU" if first.intersection("LU") else "BIOES"
    for each in file:
        open_type = ""
        for number, tag in enumerate((*(each.tags or ()), "O")):
            inside = tag[0] in "I" + _LAST
            if inside != bool(open_type) or (inside and tag[2:] != open_type):
                problem = f"B-{open_type} is not ended" if open_type else "no entity is open"
                word = min(number, len(each.words) - 1)
                line = "" if each.first is None else f", line {each.first + word}"
                raise UserError(
                    f"{each.where}{line}: tag {tag!r} cannot stand here: {problem} ({scheme})"
                )
            open_type = tag[2:] if tag[0] in "BI" else ""


def _table_sentence(
    row: Row, labels: Sequence[str], answered: bool, columns: TagColumns
) -> _Sentence:
    words = _list(row, columns.words)
    if not all(isinstance(word, str) for word in words):
        raise UserError(f"{row.where}: the words must be texts")
    tags = None
    if answered:
        given = _list(row, columns.tags)
        name = next(each for each in columns.tags if row.cells.get(each) is given)
        tags = tuple(_named(row.named(name, tag, labels), labels, row.where) for tag in given)
        if len(tags) != len(words):
            raise UserError(f"{row.where}: {len(tags)} tags for {len(words)} words")
    return _Sentence(tuple(map(str.strip, words)), tags, row.where)


def _list(row: Row, names: Iterable[str]) -> list[str]:
    for name in names:
        if isinstance(value := row.cells.get(name), list) and value:
            return value
    raise MissingField(f"{row.where}: a list was expected in one of the columns {', '.join(names)}")


def _named(tag: object, labels: Sequence[str], where: str) -> str:
    """Return a tag that is given by name or by its index among the labels."""
    if type(tag) is int:
        if not labels:
            raise UserError(f"{where}: tags by number need a task that knows their names")
        if not 0 <= tag < len(labels):
            raise UserError(f"{where}: tag {tag}; expected 0 to {len(labels) - 1}")
        return labels[tag]
    if not isinstance(tag, str):
        raise UserError(f"{where}: a tag must be a text or a number, not {tag!r:.40}")
    check_tag(tag, labels, where)
    return tag
