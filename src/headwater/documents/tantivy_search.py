"""Finding passages by tantivy: BM25 over many millions of them, in a folder beside the index.

The words are those of `word_search`: folded to ASCII and stemmed. Fields are ranked apart, and
their scores added with the same weights.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from headwater.documents.engine import Entry, Ranked
from headwater.documents.question_words import question_words
from headwater.documents.word_search import WEIGHTS
from headwater.errors import UserError

if TYPE_CHECKING:
    import tantivy

_WORDS = "headwater"  # the name of how texts are cut into words
_HEAP = 100_000_000  # bytes of passages that are held before they are written
_LONGEST = 60  # bytes of a word


@final
class TantivySearch:
    """An engine whose files lie in a folder of its own."""

    at_once = 20_000

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: tantivy.Index | None = None

    def add(self, entries: Iterable[Entry]) -> None:
        import tantivy

        with self._writing() as writer:
            for entry in entries:
                writer.delete_documents_by_term("id", entry.id)
                writer.add_document(tantivy.Document.from_dict(entry._asdict(), _schema()))

    def remove(self, passages: Iterable[int]) -> None:
        with self._writing() as writer:
            for number in passages:
                writer.delete_documents_by_term("id", number)

    def clear(self) -> None:
        self._index = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def search(self, question: str, limit: int) -> list[Ranked]:
        words = question_words(question)
        if not words or limit < 1:
            return []
        if not self._folder.is_dir():
            raise UserError(
                f"{self._folder}: missing; make it again by `headwater index build` with --engine "
                "tantivy"
            )
        with self._errors():
            index = self._opened()
            index.reload()
            quoted = " ".join(f'"{word}"' for word in words)
            query, _ = index.parse_query_lenient(quoted, list(WEIGHTS), dict(WEIGHTS))
            searcher = index.searcher()
            most = max(1, min(limit, searcher.num_docs))  # memory for so many is taken at once
            hits = searcher.search(query, most, count=False).hits
            numbers = searcher.fast_field_values("id", [address for _, address in hits])
        found = zip(numbers, hits, strict=True)
        return [Ranked(int(number or 0), float(score)) for number, (score, _) in found]

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Give what changes are written to; they are safe when the block ends."""
        with self._errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            writer = self._opened().writer(_HEAP, 1)
            try:
                yield writer
                writer.commit()
            finally:
                writer.wait_merging_threads()

    def _opened(self) -> "tantivy.Index":
        if self._index is None:
            import tantivy

            self._index = tantivy.Index(_schema(), str(self._folder))
            words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            for each in (
                tantivy.Filter.remove_long(_LONGEST),
                tantivy.Filter.lowercase(),
                tantivy.Filter.ascii_fold(),
                tantivy.Filter.stemmer("english"),
            ):
                words = words.filter(each)
            self._index.register_tokenizer(_WORDS, words.build())
        return self._index

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what tantivy found wrong as a line that says what to do."""
        try:
            yield
        except (ValueError, RuntimeError) as error:
            if isinstance(error, UserError):
                raise
            said = " ".join(str(error).split())[:100]
            raise UserError(
                f"{self._folder}: tantivy cannot use it ({said}); remove it and make it again by "
                "`headwater index build` with --engine tantivy"
            ) from None


def _schema() -> "tantivy.Schema":
    import tantivy

    builder = tantivy.SchemaBuilder().add_integer_field("id", indexed=True, fast=True)
    for name in WEIGHTS:
        builder = builder.add_text_field(name, tokenizer_name=_WORDS, index_option="freq")
    return builder.build()
