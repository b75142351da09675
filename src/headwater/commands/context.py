"""The text that `headwater ask --context` answers from."""

import sys
from pathlib import Path

from headwater.errors import UserError
from headwater.files import decode_text, read_text

ENDINGS = (".txt", ".md")


def read_context(context: str) -> str | dict[str, str]:
    """Read a file, standard input (`-`), or the .txt and .md files below a folder, by name.

    Hidden files and folders are left out.
    """
    if context == "-":
        return _standard_input()
    path = _path(context)
    texts = {str(file): read_text(file) for file in _files(path)}
    if any(text.strip() for text in texts.values()):
        return texts
    if path.is_dir():
        raise UserError(f"{path}: every text in this folder is empty")
    raise UserError(f"{path}: empty; a text to answer from was expected")


def _path(context: str) -> Path:
    """Return the path of a context, refusing what can be none, such as the text itself."""
    if not context:
        raise UserError("--context is empty; give a file, a folder or - for standard input")
    try:
        path = Path(context).expanduser()
        path.stat()
    except FileNotFoundError:
        pass  # reading says so
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{context[:40]!r}: not a file name ({reason}); give a file, a folder or - for "
            "standard input"
        ) from None
    return path


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in ENDINGS
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not files:
        raise UserError(f"{path}: no {' or '.join(ENDINGS)} file in this folder")
    return [file for file in files if file.is_file()]


def _standard_input() -> str:
    if sys.stdin is None:
        raise UserError("standard input: closed; a text to answer from was expected")
    text = decode_text(sys.stdin.buffer.read(), "standard input")
    if not text.strip():
        raise UserError("standard input: empty; a text to answer from was expected")
    return text
