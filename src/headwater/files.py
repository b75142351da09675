"""Reading with one clear line on failure, and writing so that nothing is half-written.

Every output is written under a temporary name in the same folder, synced to the disk and then
renamed: after a crash a reader finds the old content or the new one, never a mixture.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from headwater.errors import UserError
from headwater.paths import real
from headwater.sizes import byte_size
from headwater.streams import decode_text, read_most

SMALL = 2**27
"""The most bytes of a file beside a model, such as tokenizer.json: the largest take 40 MB."""

LARGE = 2**31
"""The most bytes, decompressed, of a file that is read whole."""

_LINE = re.compile(r", line \d+$")

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MACHINE = FULL | {
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENXIO, errno.ELOOP, errno.EILSEQ),
    *(errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EMFILE, errno.ENFILE),
}
"""The numbers of what a user can mend: no room, no right, a name that cannot be."""


def read_bytes(path: Path, most: int = LARGE) -> bytes:
    """Return the content of a file, decompressed when its name ends in `.gz` or `.zst`.

    Args:
        most: the most bytes that are taken. What is `SMALL` must be a plain file or a link to one;
            of what is large no device is read, but a pipe may be.
    """
    return read_most(path, most, plain=most <= SMALL)


def read_text(path: Path, most: int = LARGE) -> str:
    """Return the text of a UTF-8 file; a byte-order mark at its start is dropped."""
    return decode_text(read_bytes(path, most), str(path))


def read_lines(path: Path, most: int = LARGE) -> list[str]:
    """Return the lines of a UTF-8 file without their ends, be they of Unix, Windows or the old Mac.

    Other breaks, such as a form feed, stand inside lines.
    """
    text = read_text(path, most)
    lines = text.split("\n" if "\n" in text else "\r")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_json(path: Path, most: int = SMALL) -> Any:
    """Return the parsed JSON of a UTF-8 file; data may be `LARGE`."""
    return parse_json(read_text(path, most), str(path))


def whole_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON-lines log; a last line that a kill cut short is skipped."""
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError, RecursionError):
            lines.append(json.loads(text))
    return [line for line in lines if isinstance(line, dict)]


def parse_json(text: str, where: str) -> Any:
    """Parse JSON strictly; `where` (a file name, with the line for JSONL) begins every error."""

    def refuse(constant: str) -> NoReturn:
        raise UserError(f"{where}: {constant} is not JSON; write a number or null")

    if not text.strip():
        raise UserError(f"{where}: empty; JSON was expected")
    try:
        value = json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        line = "" if _LINE.search(where) else f", line {error.lineno}"
        raise UserError(f"{where}{line}, column {error.colno}: broken JSON ({error.msg})") from None
    except RecursionError:
        raise UserError(f"{where}: JSON nested too deeply") from None
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{where}: broken JSON ({error})") from None
    if "\\u" in text:  # only an escape can bring a lone surrogate into valid UTF-8
        _refuse_lone_surrogates(value, where)
    return value


def _refuse_lone_surrogates(value: Any, where: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        code, before = ord(error.object[error.start]), error.object[: error.start]
        raise UserError(
            f"{where}: holds half a character (\\u{code:04x} without its pair) near "
            f"{before[-20:]!r}"
        ) from None


def replace_file(path: Path, content: bytes | str) -> None:
    """Write a whole file so that `path` holds the old content or the new, never a part."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: not a file that can be replaced; name a file")
    path = real(path)  # a link stays a link, its target is replaced
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as error:
        raise refusal(error, path, len(data)) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise refusal(error, path, len(data)) from None
        raise
    _sync_folder(path.parent)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    replace_file(path, text + "\n")


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty temporary folder that takes the place of `path` when the block ends well.

    A rename cannot replace a folder that is not empty, so the old folder is renamed first;
    where that instant matters (training state), switch by a pointer file instead.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
    except OSError as error:
        raise refusal(error, path) from None
    try:
        yield temporary
        for item in temporary.rglob("*"):  # some writers make files that only their owner reads
            item.chmod((0o777 if item.is_dir() else 0o666) & ~_umask())
        temporary.chmod(0o777 & ~_umask())
        sync_tree(temporary)
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".old"))
            os.replace(path, old / path.name)
            os.replace(temporary, path)
            shutil.rmtree(old)
        else:
            os.replace(temporary, path)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, OSError):
            raise _of_folder(error, temporary, path) from None
        raise
    _sync_folder(path.parent)


def _of_folder(error: OSError, temporary: Path, path: Path) -> OSError:
    """Return what was refused in a temporary folder as refused in the folder it stands for."""
    if error.filename is None:
        return refusal(error, path)
    file = Path(os.fsdecode(error.filename))
    if file.is_relative_to(temporary):
        return OSError(error.errno, error.strerror, str(path / file.relative_to(temporary)))
    return error


def refusal(error: OSError, path: Path, needed: int | None = None) -> OSError:
    """Return what the system refused with the path that it was about and the room on its disk.

    Args:
        needed: the bytes that were to be written, where they are known.
    """
    number = error.errno
    if number is None:  # numpy says "9 requested and 5 written"
        number = errno.ENOSPC if "written" in str(error) else errno.EIO
    if number not in MACHINE:
        return error
    reason = os.strerror(number)
    if number == errno.ENOSPC:
        folder = next(each for each in path.absolute().parents if each.is_dir())
        free = byte_size(shutil.disk_usage(folder).free)
        reason += f"; {free} are free"
        if needed is not None:
            reason += f", {byte_size(needed)} are needed"
    return OSError(number, reason, str(path))


def told(error: OSError) -> str:
    """Return what the system refused as a line: the path, and why."""
    parts = (error.filename, error.strerror or str(error))
    return ": ".join(os.fsdecode(part) for part in parts if part)


def reserve(file: BinaryIO, length: int) -> None:
    """Claim the room of a file of that length where the system can; OSError where it is too little.

    A file with gaps takes its room only when they are filled, perhaps hours later.
    """
    if hasattr(os, "posix_fallocate") and length:
        try:
            os.posix_fallocate(file.fileno(), 0, length)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise


def sweep(folder: Path, names: Iterable[str] = ("*",)) -> None:
    """Remove the temporary forms of these names that a kill left behind.

    In a folder that may hold a user's files, the names must be given.
    """
    for pattern in (f".{name}{end}" for name in names for end in (".tmp", ".old")):
        for item in folder.glob(pattern):
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()


def check_writable(folder: Path) -> None:
    """Refuse, before any work is done, a folder in which nothing can be written."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        if existing.is_symlink():
            raise UserError(f"{existing}: a link that leads nowhere; name another folder")
        existing = existing.parent
    if not existing.is_dir():
        raise UserError(f"{existing}: a folder was expected, this is a file")
    try:
        tempfile.NamedTemporaryFile(dir=existing, prefix=".").close()
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{existing}: this folder cannot be written to ({reason})") from None


def check_free(folder: Path) -> None:
    """Refuse, before any work is done, to make a folder that holds something or cannot be made."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder}: exists already; remove it first or name another folder")
    check_writable(folder.parent)


def link(file: Path, target: Path) -> None:
    """Give a file another name, in a folder that is made if need be; where that fails, copy it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:  # a file system that knows no links
        shutil.copyfile(file, target)


def sync_tree(folder: Path) -> None:
    """Force every file below a folder to the disk."""
    for item in sorted(folder.rglob("*")):
        if item.is_file():
            with item.open("rb") as file:
                os.fsync(file.fileno())
        else:
            _sync_folder(item)
    _sync_folder(folder)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder to sync it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
