"""Passages found, and answers read, by another library; run by that library's own Python.

    PEERS/bm25s/bin/python benchmarks/document_peers.py bm25s FOLDER

FOLDER has task.json with `passages` and `questions`, lists of texts, and `model`, the path of a
reader in the format of transformers. found.json is written there: for each question the numbers of
50 passages, and its answer if the library reads, and the seconds of the processor for all searches
and all reading, after a first one that is not timed.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LIMIT = 50
READ = 5
"""Passages that a reader reads, as `headwater ask` does."""

Peer = Callable[[list[str], list[str], str], dict[str, Any]]


def bm25s(passages: list[str], questions: list[str], model: str) -> dict[str, Any]:
    """Search by bm25s: its defaults, English stop words and the stemmer of Snowball."""
    import bm25s as library
    import Stemmer

    stemmer = Stemmer.Stemmer("english")

    def words(texts: Sequence[str]) -> Any:
        return library.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)

    index = library.BM25()
    index.index(words(passages), show_progress=False)

    def search(question: str) -> list[int]:
        found = index.retrieve(words([question]), k=min(LIMIT, len(passages)), show_progress=False)
        return [int(each) for each in found.documents[0]]

    return _timed(search, questions)


def tantivy(passages: list[str], questions: list[str], model: str) -> dict[str, Any]:
    """Search by tantivy: its English words, in memory."""
    import tantivy as library

    schema = library.SchemaBuilder()
    schema.add_text_field("text", stored=False, tokenizer_name="en_stem")
    schema.add_integer_field("id", stored=True)
    index = library.Index(schema.build())
    writer = index.writer()
    for number, text in enumerate(passages):
        writer.add_document(library.Document(text=[text], id=[number]))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def search(question: str) -> list[int]:
        query, _ = index.parse_query_lenient(question, ["text"])
        found = searcher.search(query, LIMIT).hits
        return [searcher.doc(address)["id"][0] for _, address in found]

    return _timed(search, questions)


def haystack(passages: list[str], questions: list[str], model: str) -> dict[str, Any]:
    """Search in memory and read by haystack, with the same reader as headwater."""
    from haystack import Document
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.readers.transformers import TransformersExtractiveReader

    store = InMemoryDocumentStore()
    store.write_documents(
        [Document(id=str(number), content=text) for number, text in enumerate(passages)]
    )
    retriever = InMemoryBM25Retriever(store, top_k=LIMIT)
    reader = TransformersExtractiveReader(model, no_answer=False, top_k=1)
    reader.warm_up()

    def search(question: str) -> Any:
        return retriever.run(query=question)["documents"]

    def read(question: str) -> str:
        documents = given[question][:READ]
        answers = reader.run(query=question, documents=documents)["answers"] if documents else []
        return answers[0].data or "" if answers else ""

    result = _timed(search, questions)
    given = dict(zip(questions, result["found"], strict=True))
    reading = _timed(read, questions)
    numbers = [[int(each.id) for each in documents] for documents in result["found"]]
    answers = {"answers": reading["found"], "reading": reading["seconds"]}
    return result | {"found": numbers} | answers


def _timed(finds: Callable[[str], Any], questions: list[str]) -> dict[str, Any]:
    finds(questions[0])
    begin = time.process_time()
    found = [finds(question) for question in questions]
    return {"found": found, "seconds": time.process_time() - begin}


PEERS: dict[str, Peer] = {"bm25s": bm25s, "tantivy": tantivy, "haystack": haystack}


def main() -> None:
    """Read the task from a folder, and write there what was found."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    given = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    found = PEERS[name](given["passages"], given["questions"], given["model"])
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
