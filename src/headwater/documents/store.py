"""The SQLite file of an index: opening it, its tables, and what may be wrong with it.

Writing is by one process, in a transaction for each file. Reading goes on meanwhile, since changes
are written beside the file first (SQLite's WAL).
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from headwater.documents.intact import DamagedRow
from headwater.documents.settings import read_setting
from headwater.documents.word_search import TABLE
from headwater.errors import UserError

_APPLICATION = 0x68776478  # "hwdx", so that other files of SQLite are told from an index
_VERSION = 2
_PAGE = 16384  # bytes: passages fill small pages badly
_PATIENCE = 10.0  # seconds until another's short write is over
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR)
_TOO_SHORT = (  # what was read; other faults of reading and writing are the machine's
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_DATA,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
)
_TABLES = f"""
CREATE TABLE sources (path TEXT PRIMARY KEY, removed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE globs (glob TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (glob, kind));
CREATE TABLE files (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL, modified INTEGER NOT NULL, sha256 TEXT NOT NULL,
    converter TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    title TEXT NOT NULL, characters INTEGER NOT NULL, passages INTEGER NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES files (id),
    headings TEXT NOT NULL, text TEXT NOT NULL, page INTEGER,
    first INTEGER NOT NULL, last INTEGER NOT NULL, edits BLOB
);
CREATE INDEX passages_of_file ON passages (file);
{TABLE}
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE waiting (id INTEGER PRIMARY KEY);
CREATE TABLE vectors (id INTEGER PRIMARY KEY, scale REAL NOT NULL, vector BLOB NOT NULL);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""


def opened_for_reading(path: Path) -> sqlite3.Connection:
    """Open an index that exists."""
    with sqlite_errors(path):
        connection = _connected(path, _reading_mode(path))
        with closed_on_error(connection):
            connection.execute("PRAGMA query_only = 1")
            _check_made(connection, path)
        return connection


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """Close a connection if what is done inside fails."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


@contextmanager
def opened_for_writing(path: Path, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Open an index to change it, checked for damage first; made where it is missing."""
    if path.exists() and not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    with sqlite_errors(path):
        connection = _connected(path, "rwc" if create else "rw")
        try:
            if not create:
                _check_made(connection, path)
            elif not _is_index(connection, path):
                _make(connection)
            check(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
            connection.executescript("PRAGMA incremental_vacuum")  # every page of it
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write what is done inside whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def check(connection: sqlite3.Connection, path: Path, *, words: bool = False) -> None:
    """Refuse a damaged index.

    Args:
        words: compare what is searched with the passages too, which takes longer.
    """
    found = connection.execute(f"PRAGMA {'integrity' if words else 'quick'}_check(1)").fetchone()
    if found[0] != "ok":
        raise _damaged(path, str(found[0]))
    if words and read_setting(connection, "engine").get("name", "sqlite") == "sqlite":
        connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Say what SQLite found wrong as a line that names the file and what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        extended = getattr(error, "sqlite_errorcode", 0)
        code = extended & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
            refusal = f"cannot be opened or written ({error})"
            raise OSError(errno.EACCES, refusal, str(path)) from None
        if code == sqlite3.SQLITE_IOERR and extended not in _TOO_SHORT:
            refusal = f"cannot be read or written ({error}); the disk, its quota or a limit"
            raise OSError(errno.EIO, refusal, str(path)) from None
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise UserError(f"{path}: another program is writing it; try again later") from None
        if code == sqlite3.SQLITE_NOTADB:
            raise UserError(f"{path}: not an index; name one of `headwater index build`") from None
        if (
            code in (*_DAMAGE, sqlite3.SQLITE_IOERR)
            or isinstance(error, DamagedRow)
            or _is_undecodable(error)
        ):
            raise _damaged(path, str(error)) from None
        raise
    except UnicodeDecodeError:  # of what SQLite itself says of the damage
        raise _damaged(path, "it holds no text where text should be") from None


def _is_undecodable(error: sqlite3.DatabaseError) -> bool:
    """Tell whether Python found no text where SQLite has text, which has no number."""
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith("Could not decode")


def _damaged(path: Path, what: str) -> UserError:
    said = " ".join(what.split())[:100]
    return UserError(
        f"{path}: this index is damaged ({said}); remove it and make it again by "
        "`headwater index build`"
    )


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    if not path.is_file() and (mode != "rwc" or path.exists()):
        raise UserError(f"{path}: {_no_file(path)}; name an index of `headwater index build`")
    options = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    name = quote(os.fsencode(path.absolute()))
    return sqlite3.connect(
        f"file:{name}?{options}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_PATIENCE,
    )


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    return "not a plain file (a device or a pipe)" if path.exists() else "no such file"


def _check_made(connection: sqlite3.Connection, path: Path) -> None:
    if not _is_index(connection, path):
        raise UserError(f"{path}: empty; make an index by `headwater index build`")


def _is_index(connection: sqlite3.Connection, path: Path) -> bool:
    """Tell an index from a new file; what is neither is refused."""
    application, version, pages, tables = (
        connection.execute(query).fetchone()[0]
        for query in (
            "PRAGMA application_id",
            "PRAGMA user_version",
            "PRAGMA page_count",
            "SELECT count(*) FROM sqlite_schema",
        )
    )
    if not application and not tables and pages <= 1:
        return False
    if application != _APPLICATION:
        raise UserError(f"{path}: not an index; name one of `headwater index build`")
    if version != _VERSION:
        raise UserError(
            f"{path}: an index of another version of headwater ({version}, not {_VERSION}); remove "
            "it and make it again by `headwater index build`"
        )
    return True


def _make(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {_PAGE}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")


def _reading_mode(path: Path) -> str:
    """Return how to open for reading: the last one that may write clears the files beside it."""
    if os.access(path.absolute().parent, os.W_OK):
        return "rw" if os.access(path, os.W_OK) else "ro"
    return "ro" if Path(f"{path}-wal").exists() else "immutable"
