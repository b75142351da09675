"""Making an index and keeping it current: what is new, changed or gone, a transaction a file."""

import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from headwater.documents.conversion import Converted, Refused, convert_all
from headwater.documents.engine import Follower
from headwater.documents.engines import Chosen, clear, followers, tell
from headwater.documents.limits import Limits
from headwater.documents.plan import Plan, make_plan
from headwater.documents.rows import FileRow, files_of, put_file, remove_file, touch_file
from headwater.documents.selection import (
    Selection,
    absolute,
    check_sources,
    read_selection,
    write_selection,
)
from headwater.documents.store import opened_for_writing, sqlite_errors, transaction
from headwater.documents.walk import Found
from headwater.errors import UserError, listed
from headwater.files import check_writable
from headwater.lock import locked
from headwater.paths import as_path, as_text
from headwater.progress import counted_progress
from headwater.text_files import stem_of

logger = logging.getLogger(__name__)

_NAMED = 3  # reasons that are told where nothing was indexed
_WORTH = 10  # files for each process
_PROCESSES = 4  # that convert, where there are as many processors


@dataclass(frozen=True, slots=True)
class Options:
    """How an index is updated.

    verify: compare every file by its SHA-256, and try again what failed.
    limits: of each file.
    workers: processes that convert; None: one for each processor, 4 at most.
    """

    verify: bool = False
    limits: Limits = field(default_factory=Limits)
    workers: int | None = None

    def processes(self, files: int) -> int:
        """Return how many processes convert so many files; a few are not worth several."""
        most = self.workers or min(_PROCESSES, os.cpu_count() or 1)
        return max(1, min(most, files // _WORTH))


@dataclass(slots=True)
class Report:
    """What an update did, in files."""

    indexed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    skipped: int = 0


def build(
    paths: Sequence[Path],
    output: Path,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    options: Options | None = None,
    vectors: str | None = None,
    engine: str | None = None,
) -> Report:
    """Make an index of files and folders, or add them to one and update it.

    Args:
        include, exclude: globs, see `Selection`; None leaves those of the index.
        vectors: a model whose vectors passages are found by too; None leaves that of the index.
        engine: what finds words, see `engine_choice`; None leaves that of the index.
    """
    added = [absolute(path) for path in paths]
    check_sources(added)
    _check_output(output, added)
    new = not output.exists() or not output.stat().st_size
    chosen = Chosen.of(engine, vectors)
    with _made(output.absolute().parent):
        with writing(output, create=True) as connection:
            before = read_selection(connection)
            check_sources(before.sources, output)
            selection = _with_globs(before, include, exclude).adding(added)
            with transaction(connection):
                write_selection(connection, selection)
                chosen.use(connection, output)
            report = _update(connection, output, options or Options())
            reasons = _reasons_if_empty(connection)
            if new and reasons is not None:
                clear(connection, output)
        if reasons is not None:
            if new:
                output.unlink(missing_ok=True)
            raise UserError(f"{output}: nothing was indexed{reasons}")
    return report


def update(
    path: Path,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    options: Options | None = None,
) -> Report:
    """Bring an index up to date with its files and folders."""
    with writing(path) as connection:
        selection = _with_globs(read_selection(connection), include, exclude)
        check_sources(selection.sources, path)
        with transaction(connection):
            write_selection(connection, selection)
        report = _update(connection, path, options or Options())
        reasons = _reasons_if_empty(connection)
    if reasons is not None:
        raise UserError(f"{path}: nothing is indexed any more{reasons}")
    return report


def remove(path: Path, paths: Sequence[Path]) -> int:
    """Take files and folders out of an index, for good; return how many files that were."""
    gone = [absolute(each) for each in paths]
    with writing(path) as connection:
        selection = read_selection(connection)
        following = followers(connection, path)
        rows = [
            row for row in files_of(connection) if any(map(as_path(row.path).is_relative_to, gone))
        ]
        held = [*selection.sources, *(as_path(row.path) for row in rows)]
        unknown = [each for each in gone if not any(path.is_relative_to(each) for path in held)]
        if unknown:
            raise UserError(f"{as_text(unknown[0])}: not in {path}; see `headwater index show`")
        sources = tuple(
            each for each in selection.sources if not any(map(each.is_relative_to, gone))
        )
        inner = {each for each in gone if any(map(each.is_relative_to, sources))}
        with transaction(connection):
            write_selection(
                connection, replace(selection, sources=sources, removed=selection.removed | inner)
            )
        for row in rows:
            with transaction(connection):
                remove_file(connection, following, row.path)
        tell(connection, path)
    return len(rows)


@contextmanager
def writing(path: Path, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Open an index as its only writer."""
    lock = path.parent / f".{path.name}.lock"
    refusal = f"{path}: another process is changing this index; wait until it has finished"
    if not create and not path.exists():
        raise UserError(f"{path}: no such file; name an index of `headwater index build`")
    with locked(lock, refusal, remove=True):
        new = not path.exists()
        try:
            with opened_for_writing(path, create) as connection:
                yield connection
        except BaseException:
            if new and path.exists() and not path.stat().st_size:
                path.unlink()
            raise


def _check_output(output: Path, sources: Sequence[Path]) -> None:
    """Refuse a place where no index of these files and folders can be."""
    if output.is_dir():
        raise UserError(f"{output}: a folder; name a file for the index, such as X.index")
    if output.absolute() in sources:
        raise UserError(f"{output}: the index itself is no document; name files and folders")
    check_writable(output.absolute().parent)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder; if what is done inside fails, what was made goes unless it holds something."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for each in missing:
            with suppress(OSError):
                each.rmdir()
        raise


def _with_globs(
    selection: Selection, include: Sequence[str] | None, exclude: Sequence[str] | None
) -> Selection:
    return replace(
        selection,
        include=selection.include if include is None else tuple(include),
        exclude=selection.exclude if exclude is None else tuple(exclude),
    )


def _update(connection: sqlite3.Connection, path: Path, options: Options) -> Report:
    following = followers(connection, path)
    plan = make_plan(connection, path, options.verify)
    report = Report(unchanged=plan.unchanged, removed=len(plan.gone))
    for gone in plan.gone:
        with transaction(connection):
            remove_file(connection, following, gone)
    for row in plan.settled:
        with transaction(connection):
            put_file(connection, following, row)
        setattr(report, row.status, getattr(report, row.status) + 1)
    with transaction(connection):
        for row in plan.touched:
            touch_file(connection, row)
    with counted_progress(path.name, "files", logger) as progress, sqlite_errors(path):
        progress.start(total=len(plan.convert))
        files = [found.path for found in plan.convert]
        results = convert_all(files, options.limits, options.processes(len(files)))
        for done, (found, (_, result)) in enumerate(zip(plan.convert, results, strict=True), 1):
            _keep(connection, following, plan, found, result, report)
            progress.advance(done)
    with sqlite_errors(path):
        tell(connection, path)
    return report


def _keep(
    connection: sqlite3.Connection,
    following: Sequence[Follower],
    plan: Plan,
    found: Found,
    result: Converted | Refused,
    report: Report,
) -> None:
    """Keep what became of a file, in one transaction."""
    name = as_text(found.path)
    converter = plan.converters[name]
    if isinstance(result, Refused):
        if not os.path.lexists(found.path):  # it vanished meanwhile
            with transaction(connection):
                remove_file(connection, following, name)
            report.removed += 1
            return
        row = FileRow(name, found.size, found.modified, "", converter, "failed", result.reason)
        with transaction(connection):
            put_file(connection, following, row)
        report.failed += 1
        return
    row = FileRow(
        *(name, result.size, result.modified, result.sha256, converter, "indexed", result.note),
        title=result.title or as_text(stem_of(found.path)),
        characters=result.characters,
        passages=len(result.passages),
    )
    with transaction(connection):
        put_file(connection, following, row, result.passages)
    report.indexed += 1


def _reasons_if_empty(connection: sqlite3.Connection) -> str | None:
    """Return why no file is indexed, or None where one is."""
    rows = list(files_of(connection))
    if any(row.status == "indexed" for row in rows):
        return None
    reasons = [f"{row.path}: {row.reason}" for row in rows]
    return f"; {listed(reasons, _NAMED, '; ')}" if reasons else "; no file was found"
