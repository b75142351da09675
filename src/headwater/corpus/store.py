"""A token store: raw text as token ids in one flat file that is mapped into memory, never loaded.

A folder of plain arrays, so that any text of any length is a slice:

    tokens.bin      every document's ids one after the other, uint16 (uint32 above 65,536 tokens)
    documents.npy   int64 [documents + 1]: document i is tokens[documents[i] : documents[i + 1]]
    sentences.npy   int64 [sentences + 1]: the same for sentences; every document bound is in it
    store.json      what there is, by which vocabulary, with a SHA-256 of every file
    vocabulary/     that vocabulary in its own standard files

Two documents "It rained. It froze." and "Then spring came." of 4 + 3 and 4 tokens give documents
[0, 7, 11] and sentences [0, 4, 7, 11]. No special token is stored: objectives add them.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from headwater.config import Config
from headwater.corpus.sources import Source
from headwater.errors import UserError
from headwater.files import read_json, sha256, write_json
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

FORMAT: Final = 1
TOKENS, DOCUMENTS, SENTENCES = "tokens.bin", "documents.npy", "sentences.npy"
STORE, VOCABULARY = "store.json", "vocabulary"
LOCKED = "another process is building this store; wait for it or stop it, or name another folder"
_CHECKED = 1 << 20  # numbers looked at together

Tokens = NDArray[np.uint16] | NDArray[np.uint32]


class VocabularyInfo(Config):
    """The vocabulary of a store."""

    fingerprint: str
    size: int


class SourceInfo(Config):
    """An input of the build, with its number of files and their bytes."""

    path: str
    files: int
    bytes: int

    @classmethod
    def of(cls, source: Source) -> Self:
        """Describe an input."""
        return cls(path=source.name, files=len(source.files), bytes=source.size)


class StoreSummary(Config):
    """What `store.json` says of a store in either form; `sha256` is by file name.

    dtype: of the token ids.
    documents, sentences, tokens: how many are stored, in all.
    bad_lines, empty_documents, overlapping_paragraphs: how many were left out.
    unknown_tokens: how many of the tokens stand for what the vocabulary does not know.
    """

    format: int
    dtype: Literal["uint16", "uint32"]
    documents: int
    sentences: int
    tokens: int
    vocabulary: VocabularyInfo
    sources: list[SourceInfo]
    bad_lines: int
    empty_documents: int
    overlapping_paragraphs: int
    unknown_tokens: int = 0
    sha256: dict[str, str]


class StoreInfo(StoreSummary):
    """The content of `store.json` of a store in one folder."""

    format: Literal[1] = FORMAT

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the checksums of all files."""
        return hashlib.sha256(json.dumps(self.sha256, sort_keys=True).encode()).hexdigest()


@final
class TokenStore:
    """A store on the disk. The arrays are read-only and mapped: only what is looked at is read.

    tokens: uint16 or uint32 `[tokens]`.
    documents: int64 `[documents + 1]`; documents are never empty, so it rises strictly.
    sentences: int64 `[sentences + 1]`, likewise; it holds every bound in `documents`.
    """

    def __init__(self, folder: Path, info: StoreInfo) -> None:
        self.folder = folder
        self.info = info
        self.tokens: Tokens = _map_tokens(folder / TOKENS, info)
        self.documents = _map_bounds(folder / DOCUMENTS, info.documents, info.tokens)
        self.sentences = _map_bounds(folder / SENTENCES, info.sentences, info.tokens)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a store; its files must have the sizes in `store.json`."""
        file = folder / STORE
        if not file.is_file():
            raise UserError(f"{folder}: not a token store; make one with `headwater corpus build`")
        content = read_json(file)
        if not isinstance(content, dict):
            raise UserError(f"{file}: an object was expected; build the store again")
        if content.get("format") != FORMAT:
            raise UserError(
                f"{file}: format {content.get('format')!r}; this version reads format {FORMAT}, "
                "build the store again"
            )
        return cls(folder, StoreInfo.check(content, str(file)))

    def __len__(self) -> int:
        """Return the number of documents."""
        return self.info.documents

    def document(self, index: int) -> NDArray[np.int32]:
        """Return the ids of a document, int32 `[tokens of it]`; a copy."""
        if not 0 <= index < len(self):
            raise IndexError(f"document {index} of {len(self)}")
        return self.tokens[self.documents[index] : self.documents[index + 1]].astype(np.int32)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the checksums of all files: another one whenever a token differs."""
        return self.info.fingerprint

    @property
    def vocabulary_fingerprint(self) -> str:
        """The fingerprint of the vocabulary that made the ids."""
        return self.info.vocabulary.fingerprint

    def load_vocabulary(self) -> Vocabulary:
        """Load the vocabulary that made the ids."""
        return load_vocabulary_of(self.folder / VOCABULARY, self.info.vocabulary)

    def verify(self) -> None:
        """Read every file, compare it with its checksum, and check that its numbers can be."""
        for name, digest in self.info.sha256.items():
            file = self.folder / name
            if not file.is_file():
                raise UserError(f"{file}: missing; copy the store again")
            if sha256(file) != digest:
                raise UserError(f"{file}: differs from its checksum; copy the store again")
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Refuse ids that the vocabulary has not, and bounds that do not rise."""
        size = self.info.vocabulary.size
        for begin in range(0, len(self.tokens), _CHECKED):
            if (largest := int(self.tokens[begin : begin + _CHECKED].max())) >= size:
                raise UserError(
                    f"{self.folder / TOKENS}: holds id {largest:,}, and the vocabulary has "
                    f"{size:,} tokens; build the store again"
                )
        for name, bounds in ((DOCUMENTS, self.documents), (SENTENCES, self.sentences)):
            for begin in range(0, len(bounds), _CHECKED):
                part = bounds[begin : begin + _CHECKED + 1]
                there = self.sentences[
                    np.searchsorted(self.sentences, part).clip(max=len(self.sentences) - 1)
                ]
                if (np.diff(part) <= 0).any() or (there != part).any():
                    raise UserError(
                        f"{self.folder / name}: its bounds do not rise, or no sentence begins at "
                        "one; build the store again"
                    )


@final
class StoreWriter:
    """Writes the arrays of a store as they come; `finish` makes the folder a store.

    Empty documents are dropped and counted. Close the writer before moving the folder.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self._vocabulary = VocabularyInfo(fingerprint=vocabulary.fingerprint, size=vocabulary.size)
        self._dtype: Literal["uint16", "uint32"] = (
            "uint16" if vocabulary.size <= 1 << 16 else "uint32"
        )
        self._tokens = (folder / TOKENS).open("wb")
        self._documents = _BoundsFile(folder / DOCUMENTS)
        self._sentences = _BoundsFile(folder / SENTENCES)
        self._unk_id = vocabulary.unk_id
        self.tokens = 0
        self.unknown_tokens = 0
        self.empty_documents = 0

    @property
    def documents(self) -> int:
        """The number of complete documents."""
        return self._documents.count

    def add(self, ids: NDArray[np.int32], ends: NDArray[np.int64], *, last: bool) -> None:
        """Append a part of a document: its ids, and after how many of them a sentence ends."""
        self._tokens.write(ids.astype(_stored(self._dtype)).tobytes())
        self._sentences.extend(self.tokens + ends)
        self.tokens += len(ids)
        if self._unk_id is not None:
            self.unknown_tokens += int(np.count_nonzero(ids == self._unk_id))
        if last:
            now = np.array([self.tokens], np.int64)
            self.empty_documents += self._documents.latest == self.tokens
            self._documents.extend(now)
            self._sentences.extend(now)

    def finish(
        self, sources: Sequence[SourceInfo], bad_lines: int, overlapping_paragraphs: int
    ) -> StoreInfo:
        """Close the arrays, sum up every file of the folder, and write `store.json`."""
        self.close()
        files = sorted(file for file in self._folder.rglob("*") if file.is_file())
        info = StoreInfo(
            dtype=self._dtype,
            documents=self._documents.count,
            sentences=self._sentences.count,
            tokens=self.tokens,
            vocabulary=self._vocabulary,
            sources=list(sources),
            bad_lines=bad_lines,
            empty_documents=self.empty_documents,
            overlapping_paragraphs=overlapping_paragraphs,
            unknown_tokens=self.unknown_tokens,
            sha256={file.relative_to(self._folder).as_posix(): sha256(file) for file in files},
        )
        write_json(self._folder / STORE, info.model_dump())
        return info

    def close(self) -> None:
        """Flush and close the files."""
        with ExitStack() as files:  # each is closed even where another one finds the disk full
            files.callback(self._tokens.close)
            files.callback(self._documents.close)
            files.callback(self._sentences.close)


class _BoundsFile:
    """An .npy file of rising int64 bounds, from 0 on, that grows; its header is written twice."""

    def __init__(self, file: Path) -> None:
        self._file: BinaryIO = file.open("wb")
        self._size = self._header(0)
        self._file.write(bytes(8))
        self.count = 0
        self.latest = 0

    def extend(self, bounds: NDArray[np.int64]) -> None:
        """Append the bounds that lie above all before them."""
        rising = bounds[np.diff(bounds, prepend=self.latest) > 0]
        if len(rising):
            self._file.write(rising.astype("<i8").tobytes())
            self.count += len(rising)
            self.latest = int(rising[-1])

    def close(self) -> None:
        if self._file.closed:
            return
        with self._file as file:
            file.seek(0)
            size = self._header(self.count + 1)
            assert size == self._size, "numpy leaves room for a longer shape"

    def _header(self, length: int) -> int:
        header = {"descr": "<i8", "fortran_order": False, "shape": (length,)}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._file.tell()


def load_vocabulary_of(folder: Path, known: VocabularyInfo) -> Vocabulary:
    """Load the vocabulary of a store; it must be the one that made the ids."""
    vocabulary = load_vocabulary(folder)
    if (vocabulary.fingerprint, vocabulary.size) != (known.fingerprint, known.size):
        raise UserError(f"{folder}: not the vocabulary that made this store; copy the store again")
    return vocabulary


def _stored(dtype: str) -> np.dtype[np.unsignedinteger]:
    return np.dtype("<u2" if dtype == "uint16" else "<u4")


def _map_tokens(file: Path, info: StoreInfo) -> Tokens:
    stored = _stored(info.dtype)
    size = file.stat().st_size if file.is_file() else 0
    if size != info.tokens * stored.itemsize or not info.tokens:
        raise UserError(
            f"{file}: {size:,} bytes for {info.tokens:,} tokens of {info.dtype}; copy the store "
            "again"
        )
    return np.asarray(np.memmap(file, stored, mode="r"))  # still mapped; slices are faster


def _map_bounds(file: Path, count: int, tokens: int) -> NDArray[np.int64]:
    try:
        bounds = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError):
        raise UserError(f"{file}: missing or cut short; copy the store again") from None
    if bounds.dtype != np.int64 or bounds.shape != (count + 1,):
        raise UserError(f"{file}: not the {count + 1:,} bounds of this store; copy it again")
    if bounds[0] != 0 or bounds[-1] != tokens:
        raise UserError(f"{file}: does not run from 0 to {tokens:,} tokens; copy the store again")
    return bounds
