"""What a build of a token store says in the end."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from headwater.corpus.read import SHOWN
from headwater.corpus.shards import ShardIndex
from headwater.corpus.store import StoreSummary


def report(info: StoreSummary, named: Sequence[str], passed_over: Sequence[Path]) -> Iterator[str]:
    """Yield the lines.

    Args:
        named: the first bad lines.
        passed_over: files of no known kind.
    """
    files = sum(source.files for source in info.sources)
    shards = f", shards: {len(info.shards):,}" if isinstance(info, ShardIndex) else ""
    yield (
        f"documents: {info.documents:,}, sentences: {info.sentences:,}, tokens: {info.tokens:,}, "
        f"from files: {files:,}{shards}"
    )
    if info.bad_lines:
        yield f"bad lines passed over: {info.bad_lines:,}"
        yield from (f"  {line}" for line in named)
        if info.bad_lines > len(named):
            yield f"  and {info.bad_lines - len(named):,} more"
    if info.empty_documents:
        yield f"empty documents dropped: {info.empty_documents:,}"
    if info.overlapping_paragraphs:
        yield f"paragraphs dropped that overlap with held-out text: {info.overlapping_paragraphs:,}"
    if info.unknown_tokens:
        share = info.unknown_tokens / info.tokens
        yield f"tokens that the vocabulary does not know: {info.unknown_tokens:,} ({share:.2%})"
    if passed_over:
        yield f"files of other kinds passed over: {len(passed_over):,}"
        yield from (f"  {file}" for file in passed_over[:SHOWN])
        if len(passed_over) > SHOWN:
            yield f"  and {len(passed_over) - SHOWN:,} more"
