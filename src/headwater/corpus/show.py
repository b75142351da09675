"""Looking into a token store: what there is, and the text of some documents."""

from typing import Any

import numpy as np

from headwater.corpus.store import TokenStore
from headwater.errors import UserError

_PREVIEW = 200  # tokens of a document when several are shown


def summary(store: TokenStore) -> dict[str, Any]:
    """Return what a store holds and how it was made, for JSON."""
    info = store.info.model_dump()
    del info["sha256"]
    return info | {"fingerprint": store.fingerprint}


def texts(store: TokenStore, first: int | None, count: int) -> list[dict[str, Any]]:
    """Decode documents: `count` from `first` on, or the beginnings of the first ones."""
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
