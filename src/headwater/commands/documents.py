"""The texts that `ask` answers from: a file, standard input, or the files of a folder."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import final

from headwater.documents.walk import walk
from headwater.errors import UserError, listed
from headwater.files import read_text
from headwater.streams import decode_text
from headwater.text_files import suffix_of

ENDINGS = (".txt", ".md")
GLOBS = ("*.[tT][xX][tT]", "*.[mM][dD]")
"""Files that end so, whatever their case."""

CONVERTED = (".pdf", ".docx", ".epub")  # no text as they stand: an index converts them
_NAMED = 3  # faults that are told; of the others how many there are


@final
class FolderTexts(Mapping[str, str]):
    """The texts below a folder by the names of their files, each read when it is asked for.

    Hidden files and folders are left out. What cannot be read is "", and is told by `faults`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        """The bytes of all files."""
        self._faults: dict[str, str] = {}
        self._others: Counter[str] = Counter()
        self._files = sorted(self._find())
        self.empty = True
        """Whether every text read so far is empty."""
        if not self._files:
            other = (
                "no {} file in this folder; for other files make an index: `headwater index build`"
            )
            raise UserError(self._all_faults(other.format(" or ".join(ENDINGS))))

    def __getitem__(self, name: str) -> str:
        try:
            text = read_text(Path(name))
        except UserError as error:
            self._faults[name] = str(error)
            return ""
        self.empty = self.empty and not text.strip()
        return text

    def __iter__(self) -> Iterator[str]:
        return map(str, self._files)

    def __len__(self) -> int:
        return len(self._files)

    def check(self) -> None:
        """Refuse a folder of which every file was read and no text was found."""
        if self.empty:
            raise UserError(self._all_faults("every text in this folder is empty"))

    @property
    def faults(self) -> str:
        """What could not be read and why, or ""."""
        return faults_line(self._faults.values())

    @property
    def others(self) -> str:
        """What only an index reads, as `3 .pdf, 1 .csv`, or ""."""
        return listed(f"{count} {kind}" for kind, count in self._others.most_common())

    def _all_faults(self, otherwise: str) -> str:
        if not self._faults:
            return f"{self.folder}: {otherwise}"
        return f"{self.folder}: nothing in this folder could be read: {self.faults}"

    def _find(self) -> Iterator[Path]:
        from headwater.documents.converters.names import converter_of

        for found in walk(self.folder):
            if found.folder:
                self._faults[str(found.path)] = f"{found.path}: {found.fault}"
            elif found.path.suffix.lower() in ENDINGS:
                if found.fault:
                    self._faults[str(found.path)] = f"{found.path}: {found.fault}"
                else:
                    self.size += found.size
                    yield found.path
            elif not found.fault and converter_of(found.path) is not None:
                self._others[suffix_of(found.path)] += 1


def faults_line(faults: Iterable[str]) -> str:
    """Return what could not be read and why in a line, or ""."""
    return listed(faults, _NAMED, "; ")


def read_context(context: str) -> str | Mapping[str, str]:
    """Read a file or standard input (`-`), or find the .txt and .md files below a folder."""
    if context == "-":
        return _standard_input()
    if "://" in context:
        raise UserError(f"{context}: ask reads files and folders here; fetch the text first")
    path = _path(context)
    if path.is_dir():
        return FolderTexts(path)
    if path.suffix.lower() in CONVERTED and path.exists():
        raise UserError(
            f"{path}: ask reads text; `headwater index build` makes an index of this file, which "
            "is asked by --context X.index"
        )
    text = read_text(path)
    if not text.strip():
        raise UserError(f"{path}: empty; a text to answer from was expected")
    return {str(path): text}


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


def _standard_input() -> str:
    if sys.stdin is None:
        raise UserError("standard input: closed; a text to answer from was expected")
    text = decode_text(sys.stdin.buffer.read(), "standard input")
    if not text.strip():
        raise UserError("standard input: empty; a text to answer from was expected")
    return text
