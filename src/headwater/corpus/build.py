"""Building a token store: files -> documents -> tokens -> arrays, each step streamed.

    build([Path("books")], load_vocabulary("t5-small"), Path("books.store"))

Memory holds one batch of chunks and the longest line of JSON, whatever the size of the input. The
store gets its name only once it is whole: it is written to a hidden folder next to it, which
a build that was killed leaves behind and the next one removes before it starts afresh.
"""

import logging
import shutil
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from headwater.corpus.encode import chunks, encode
from headwater.corpus.held_out import HeldOut, without_overlaps
from headwater.corpus.read import DocumentReader
from headwater.corpus.report import report
from headwater.corpus.sources import Source, find_sources
from headwater.corpus.store import LOCKED, VOCABULARY, SourceInfo, StoreInfo, StoreWriter
from headwater.errors import UserError
from headwater.files import check_free, replacing_folder
from headwater.lock import locked
from headwater.paths import real
from headwater.progress import Display, Progress
from headwater.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

DISPLAY = Display(
    "building",
    logger,
    line="{done:.1f}/{total:.1f} MB  {tokens:,} tokens  {rate:.2f} MB/s  {left} left",
    every=10.0,
    count="{done:.1f}/{total:.1f} MB",
    rate="{rate:.2f} MB/s",
    fields="{tokens:,} tokens",
)
_MB = 1e6


def build(
    inputs: Sequence[Path],
    vocabulary: Vocabulary,
    output: Path,
    *,
    field: str = "text",
    excluded: Sequence[Path] = (),
) -> StoreInfo:
    """Make a token store of raw text.

    Args:
        inputs: files and folders, as `headwater.corpus.sources` finds them.
        output: the folder to make; it must not exist yet, or be empty.
        field: the field of JSON lines, or the Parquet column, with the text.
        excluded: held-out files; paragraphs that overlap with them are dropped.

    Raises:
        OSError: the disk is full; nothing is left behind.
    """
    output = real(output)
    check_free(output)
    sources = find_sources(inputs)
    held_out = HeldOut(excluded) if excluded else None
    reader = DocumentReader(sources.files, field)
    lock = output.parent / f".{output.name}.lock"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock, f"{output}: {LOCKED}", remove=True):
            _remove_leftovers(output)
            with replacing_folder(output) as folder:
                info = _write(folder, reader, held_out, vocabulary, sources.sources)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), error.filename or output) from None
    for line in report(info, reader.bad.named, sources.passed_over):
        logger.info(line)
    return info


def _write(
    folder: Path,
    reader: DocumentReader,
    held_out: HeldOut | None,
    vocabulary: Vocabulary,
    sources: Iterable[Source],
) -> StoreInfo:
    vocabulary.save(folder / VOCABULARY)
    parts = without_overlaps(reader, held_out) if held_out else iter(reader)
    with closing(StoreWriter(folder, vocabulary)) as writer, Progress(DISPLAY) as progress:
        progress.start(reader.total / _MB)
        for ids, ends, last in encode(vocabulary, chunks(parts)):
            writer.add(ids, ends, last=last)
            progress.advance(reader.position / _MB, tokens=writer.tokens)
        if not writer.documents:
            hint = f"; {reader.bad.named[0]}" if reader.bad.named else "; all of it is empty"
            raise UserError(f"nothing to store was found in the input{hint}")
        return writer.finish(
            [SourceInfo.of(source) for source in sources],
            reader.bad.count,
            held_out.dropped if held_out else 0,
        )


def _remove_leftovers(output: Path) -> None:
    """Remove what killed builds of this store left."""
    for item in output.parent.iterdir():
        if item.is_dir() and item.name.startswith(f".{output.name}.") and item.suffix == ".tmp":
            shutil.rmtree(item, ignore_errors=True)
