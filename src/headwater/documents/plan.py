"""What an update has to do: files to convert, files that are gone, and what needs no conversion."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from headwater.documents.converters.library import check_library
from headwater.documents.converters.names import CONVERTERS, converter_of, version_of
from headwater.documents.engine_choice import tantivy_folder
from headwater.documents.rows import FileRow, files_of
from headwater.documents.selection import Selection, read_selection
from headwater.documents.walk import Found
from headwater.errors import UserError
from headwater.files import sha256
from headwater.paths import as_path, as_text


@dataclass(slots=True)
class Plan:
    """What an update has to do.

    convert: files that are new or changed.
    converters: of these, by their path: what will convert them, with its version.
    settled: rows that are known without converting: a file of no known kind, a link to nothing.
    touched: rows of files that have another time and hold the same.
    gone: paths of files that are there no more.
    unchanged: how many files stay as they are.
    """

    convert: list[Found] = field(default_factory=list)
    converters: dict[str, str] = field(default_factory=dict)
    settled: list[FileRow] = field(default_factory=list)
    touched: list[FileRow] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unchanged: int = 0


def make_plan(connection: sqlite3.Connection, index: Path, verify: bool) -> Plan:
    """Compare the files of an index with those of the folders."""
    known = {row.path: row for row in files_of(connection)}
    plan, seen, unreadable = Plan(), set[str](), list[Path]()
    for found, row in _found(read_selection(connection), index):
        seen.add(row.path)
        if found.folder:
            unreadable.append(found.path)
        _decide(plan, found, row, known.get(row.path), verify)
    plan.gone = [
        path
        for path in known
        if path not in seen and not any(map(as_path(path).is_relative_to, unreadable))
    ]
    return plan


def _found(selection: Selection, index: Path) -> Iterator[tuple[Found, FileRow]]:
    """Yield each file once, with the row that it has as long as it is not converted."""
    versions = {id(each): version_of(each) for each in CONVERTERS.values()}
    names, identities = set[str](), dict[tuple[int, int], str]()
    own = {f"{index.absolute()}{end}" for end in ("", "-wal", "-shm", "-journal")}
    engine = tantivy_folder(index.absolute())
    for found in selection.files():
        name = as_text(found.path)
        if name in names or name in own or found.path.is_relative_to(engine):
            continue
        names.add(name)
        converter = converter_of(found.path)
        row = FileRow(name, found.size, found.modified, "", "", "failed", found.fault)
        if found.folder:
            row = replace(row, reason=f"this folder cannot be read ({found.fault})")
        elif found.fault:
            row = replace(row, status="failed" if converter else "skipped")
        elif converter is None:
            what = f"no converter for {as_text(found.path.suffix) or 'names without an end'}"
            row = replace(row, status="skipped", reason=what)
        elif found.identity in identities:
            what = f"the same file as {identities[found.identity]}"
            row = replace(row, status="skipped", reason=what)
        else:
            row = replace(row, converter=versions[id(converter)])
            if found.identity is not None:
                identities[found.identity] = name
            try:
                check_library(converter.LIBRARY)
            except UserError as error:
                row = replace(row, reason=str(error))
        yield found, row


def _decide(plan: Plan, found: Found, row: FileRow, old: FileRow | None, verify: bool) -> None:
    """Put a file into the plan."""
    same = old is not None and old.converter == row.converter
    still = same and old is not None and (old.size, old.modified) == (row.size, row.modified)
    if row.reason:  # not to be converted
        if still and old is not None and (old.status, old.reason) == (row.status, row.reason):
            plan.unchanged += 1
        else:
            plan.settled.append(row)
    elif still and not verify:
        plan.unchanged += 1
    elif same and old is not None and old.sha256 and old.sha256 == _digest(found.path):
        plan.touched += [] if still else [replace(old, size=row.size, modified=row.modified)]
        plan.unchanged += 1
    else:
        plan.convert.append(found)
        plan.converters[row.path] = row.converter


def _digest(file: Path) -> str:
    """Return the SHA-256 of a file; "" where it cannot be read."""
    try:
        return sha256(file)
    except OSError:
        return ""
