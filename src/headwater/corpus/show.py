"""Looking into a token store: what there is, and the text of some documents."""

import re
from typing import Any

import numpy as np

from headwater.corpus.store import TokenStore
from headwater.errors import UserError

_PREVIEW = 200  # tokens of a document when several are shown
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # would move the cursor or ring the bell


def summary(store: TokenStore) -> dict[str, Any]:
    """Return what a store holds and how it was made, for JSON."""
    info = store.info.model_dump()
    del info["sha256"]
    return info | {"fingerprint": store.fingerprint}


def texts(store: TokenStore, first: int | None, count: int) -> list[dict[str, Any]]:
    """Decode documents: `count` from `first` on, or the beginnings of the first ones.

    Raises:
        UserError: there is no such document.
    """
    if first is not None and not 0 <= first < len(store):
        raise UserError(
            f"--document {first}: there is none; {store.folder} has 0 to {len(store) - 1}"
        )
    vocabulary = store.load_vocabulary()
    begin = first or 0
    found = []
    for index in range(begin, min(begin + count, len(store))):
        ids = store.document(index)
        bounds = np.searchsorted(store.sentences, store.documents[index : index + 2])
        shown = ids if first is not None else ids[:_PREVIEW]
        text = vocabulary.decode(shown.tolist(), skip_special=False)
        found.append(
            {
                "document": index,
                "tokens": len(ids),
                "sentences": int(bounds[1] - bounds[0]),
                "text": text if len(shown) == len(ids) else f"{text} ...",
            }
        )
    return found


def show(store: TokenStore, first: int | None, count: int) -> None:
    """Print the summary and some documents for a person."""
    info, found = store.info, texts(store, first, count)
    print(f"documents   {info.documents:,}")
    print(f"sentences   {info.sentences:,}")
    print(f"tokens      {info.tokens:,} ({info.dtype})")
    print(f"vocabulary  {info.vocabulary.size:,} tokens, {info.vocabulary.fingerprint[:12]}")
    if info.unknown_tokens:
        share = info.unknown_tokens / info.tokens
        print(f"            {info.unknown_tokens:,} tokens are unknown to it ({share:.2%})")
    for source in info.sources:
        print(f"from        {source.path} ({source.files:,} files, {source.bytes:,} bytes)")
    print(f"left out    {info.bad_lines:,} bad lines, {info.empty_documents:,} empty documents")
    print(f"            {info.overlapping_paragraphs:,} paragraphs that overlap with held-out text")
    for each in found:
        head = f"document {each['document']}: {each['tokens']:,} tokens"
        print(f"\n{head}, {each['sentences']:,} sentences")
        print(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", each["text"]))
