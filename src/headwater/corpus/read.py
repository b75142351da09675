"""Reading raw text one document at a time, however large the files are.

A document is a whole `.txt` file, the text of one line of a `.jsonl` file, or of one row of a
`.parquet` file. A long `.txt` file comes in parts, so that memory does not grow with it:

    {"text": "One."}         Part("One.", last=True)
    {"text": "Two."}         Part("Two.", last=True)
    a big.txt of 400 kB      Part(256 kB of lines, last=False), Part(the rest), Part("", last=True)

What cannot be read is counted, named and passed over: a bad line among millions must not end the
work of hours. Line ends are `\\n` in what is yielded, whatever they were in the file.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, final

from headwater.corpus.sources import find_sources, kind_of
from headwater.errors import listed
from headwater.text_files import opened, reading_errors, text_fault

if TYPE_CHECKING:
    import pyarrow

SHOWN = 10  # bad lines that are named; the others are counted
_BLOCK = 1 << 18  # bytes of a .txt file in a part
_LONGEST_LINE = 1 << 28  # bytes of a line of JSON; one longer is binary rubbish or a mistake
_LOOKED_AT = 8192  # bytes by which a binary file is recognized
_ROWS = 256
_STRANGE = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\ufffd]")  # what no text has many of


class DocumentPart(NamedTuple):
    """A document's text or, where it is long, the next part of it; `last` ends the document."""

    text: str
    last: bool


class BadLines:
    """Counts what could not be read; the first SHOWN are named with file, line and reason."""

    def __init__(self) -> None:
        self.count = 0
        self.named: list[str] = []
        self._latest = ("", "")

    def add(self, file: Path, where: str, reason: str) -> None:
        """Note a bad line; `where` is such as `line 3`. Parts of one line count once."""
        if self._latest == (str(file), where):
            return
        self._latest = (str(file), where)
        self.count += 1
        if len(self.named) < SHOWN:
            self.named.append(f"{file}, {where}: {reason}")


@final
class DocumentReader:
    """The documents of many files, in order, with how far they are read.

    Args:
        files: as `find_sources` found them.
        field: the field of a JSON line, or the column of a Parquet file, with the text.

    `bad` fills while it is read; `position` of `total` bytes on the disk have been read.
    """

    def __init__(self, files: Sequence[Path], field: str = "text") -> None:
        self._files = files
        self._field = field
        self.bad = BadLines()
        self.position = 0
        self.total = sum(file.stat().st_size for file in files)

    def __iter__(self) -> Iterator[DocumentPart]:
        read = {".txt": self._text, ".jsonl": self._json_lines, ".parquet": self._parquet}
        before = 0
        for file in self._files:
            kind = kind_of(file)
            assert kind is not None
            try:
                for part, position in read[kind](file):
                    self.position = before + position
                    yield part
            except reading_errors() as error:
                reason = getattr(error, "strerror", None) or error
                self.bad.add(file, "to its end", f"cannot be read ({reason})")
                if kind == ".txt":
                    yield DocumentPart("", last=True)
            before += file.stat().st_size if file.exists() else 0
            self.position = before

    def _text(self, file: Path) -> Iterator[tuple[DocumentPart, int]]:
        line = 1
        with opened(file) as (stream, raw):
            for count, block in enumerate(_blocks(stream)):
                if count == 0 and _is_binary(block):
                    self.bad.add(file, "line 1", "not text; save it as UTF-8")
                    break
                if count == 0:
                    block = block.removeprefix(BOM_UTF8)
                text = self._decode(block, file, line).replace("\r\n", "\n")
                yield DocumentPart(text, last=False), raw.tell()
                line += block.count(b"\n")
            yield DocumentPart("", last=True), raw.tell()

    def _decode(self, block: bytes, file: Path, first: int) -> str:
        """Decode some lines, leaving out those that are no text."""
        if (text := _decoded(block)) is not None:
            return text
        kept = []
        for number, line in enumerate(block.split(b"\n"), first):
            text = _decoded(line)
            if text is None:
                self.bad.add(file, f"line {number}", _fault(line))
            else:
                kept.append(text)
        return "\n".join(kept)

    def _json_lines(self, file: Path) -> Iterator[tuple[DocumentPart, int]]:
        number = 0
        with opened(file) as (stream, raw):
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                    _skip_line(stream)
                    self.bad.add(file, f"line {number}", f"longer than {_LONGEST_LINE:,} bytes")
                    continue
                if number == 1:
                    line = line.removeprefix(BOM_UTF8)
                if line.isspace():
                    continue
                text, fault = _text_of(line, self._field)
                if fault:
                    self.bad.add(file, f"line {number}", fault)
                else:
                    yield DocumentPart(text.replace("\r\n", "\n"), last=True), raw.tell()

    def _parquet(self, file: Path) -> Iterator[tuple[DocumentPart, int]]:
        from pyarrow.parquet import ParquetFile

        size, row = file.stat().st_size, 0
        with ParquetFile(file) as rows:
            if fault := _column_fault(rows.schema_arrow, self._field):
                self.bad.add(file, "schema", fault)
                return
            for group in range(rows.num_row_groups):
                position = size * (group + 1) // rows.num_row_groups
                for batch in rows.iter_batches(_ROWS, [group], [self._field]):
                    for value in _bytes_of(batch.column(0)):
                        row += 1
                        text = None if value is None else _decoded(value)
                        if text is not None:
                            yield DocumentPart(text.replace("\r\n", "\n"), last=True), position
                            continue
                        fault = _fault(value) if value else f"no text in {self._field!r}"
                        self.bad.add(file, f"row {row}", fault)


def documents(inputs: Sequence[Path], field: str = "text") -> Iterator[str]:
    """Yield the texts of the inputs, a long `.txt` file in parts; bad lines are ignored."""
    for part in DocumentReader(find_sources(inputs).files, field):
        if part.text and not part.text.isspace():
            yield part.text


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a text in blocks of about _BLOCK, cut at a line end or else a space."""
    rest = b""
    while data := stream.read(_BLOCK):
        rest += data
        if len(rest) < _BLOCK:
            continue
        cut = rest.rfind(b"\n") + 1 or max(0, rest.rfind(b" ")) or _last_character(rest)
        yield rest[:cut]
        rest = rest[cut:]
    if rest:
        yield rest


def _last_character(block: bytes) -> int:
    """Return where the last character of UTF-8 begins, which may not be whole."""
    index = len(block) - 1
    while index > len(block) - 4 and block[index] & 0xC0 == 0x80:
        index -= 1
    return index


def _skip_line(stream: BinaryIO) -> None:
    while (more := stream.readline(_BLOCK)) and not more.endswith(b"\n"):
        pass


def _is_binary(block: bytes) -> bool:
    """Return whether it is a picture, an archive or UTF-16, not UTF-8 with some faults."""
    start = block[:_LOOKED_AT].decode("utf-8", "replace")
    return len(_STRANGE.findall(start)) > 0.3 * len(start)


def _decoded(line: bytes) -> str | None:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _fault(line: bytes) -> str:
    """Say why a line could not be decoded."""
    fault = text_fault(line)
    return fault[0] if fault else ""


def _text_of(line: bytes, field: str) -> tuple[str, str]:
    """Return the text of a line of JSON, or "" and the fault of the line."""
    try:
        record: Any = json.loads(line.decode())
    except UnicodeDecodeError:
        return "", _fault(line)
    except json.JSONDecodeError as error:
        return "", f"broken JSON ({error.msg}, column {error.colno})"
    except (RecursionError, ValueError):
        return "", "broken JSON (nested too deeply, or a number with too many digits)"
    if not isinstance(record, dict):
        return "", f'not an object; {{"{field}": "..."}} was expected'
    text = record.get(field)
    if not isinstance(text, str):
        return "", f"no text in the field {field!r}"
    if "\0" in text:
        return "", "holds a NUL character; this is not text"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return "", f"half a character (\\u{ord(text[error.start]):04x} without its pair)"
    return text, ""


def _column_fault(schema: "pyarrow.Schema", field: str) -> str | None:
    import pyarrow

    if field not in schema.names:
        return f"no column {field!r}; it has {listed(schema.names)}"
    kind = schema.field(field).type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
        return f"the column {field!r} holds {kind}, not text"
    return None


def _bytes_of(column: "pyarrow.Array") -> list[bytes | None]:
    """Return the values as bytes: as text, one that is not UTF-8 would spoil the whole batch."""
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    found: list[bytes | None] = column.cast(pyarrow.large_binary()).to_pylist()
    return found
