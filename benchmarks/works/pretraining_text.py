"""Token stores to pre-train on, made once in a run: of passages, or of words of books."""

import gzip
from itertools import islice
from pathlib import Path

from benchmarks.harness.work import Context
from benchmarks.works.reader_peers import FOLDER
from headwater.corpus.build import build
from headwater.corpus.read import documents
from headwater.corpus.store import TokenStore
from headwater.text.loading import load_vocabulary
from headwater.text.training import VocabularyPlan, train_vocabulary
from headwater.text.vocabulary import Vocabulary

PASSAGES, FIRST_PASSAGES = "text/wikipedia_passages_cc_by_sa/wikipedia_passages.jsonl.gz", 3000
BOOKS, FIRST_BOOKS = "text/books_public_domain/books-00-of-17.jsonl.gz", 700
WORDS = 20_000
BERT, GPT2, T5 = FOLDER, "tokenizers/gpt2", "tokenizers/t5/spiece.model"


def vocabulary_of(context: Context, name: str) -> Vocabulary:
    """Return the vocabulary that a model of that name reads."""
    return load_vocabulary(BERT if name == "bert" else context.file({"gpt2": GPT2, "t5": T5}[name]))


def passages(context: Context, name: str) -> TokenStore:
    """Return a store of short passages with the vocabulary of that name."""
    folder = context.scratch / f"passages-{name}"
    if not folder.exists():
        text = _first(context, PASSAGES, FIRST_PASSAGES)
        build([text], vocabulary_of(context, name), folder)
    return TokenStore.open(folder)


def words(context: Context) -> TokenStore:
    """Return a store of whole words of books, in lower case."""
    folder = context.scratch / "words"
    if not folder.exists():
        text = _first(context, BOOKS, FIRST_BOOKS)
        plan = VocabularyPlan(kind="word", size=WORDS, lower_case=True)
        known = train_vocabulary(plan, documents([text]), context.scratch / "vocabulary-words")
        build([text], known, folder)
    return TokenStore.open(folder)


def _first(context: Context, name: str, count: int) -> Path:
    """Write the first documents of a file."""
    output = context.scratch / f"{Path(name).name.removesuffix('.gz')}"
    if not output.exists():
        with gzip.open(context.file(name), "rt", encoding="utf-8") as lines:
            output.write_text("".join(islice(lines, count)), encoding="utf-8")
    return output
