"""What a vocabulary is, and how it cuts a text."""

from typing import Any

from headwater.text.settings import ROLES
from headwater.text.special_tokens import all_tokens, kind_of, sentinel_ids
from headwater.text.vocabulary import Vocabulary


def describe(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return what a vocabulary is, for JSON.

    `kind` (None where nothing tells it), `size`, `special` (role to id), `sentinels` (how many
    `<extra_id_n>` there are) and `fingerprint`.
    """
    roles = {role: getattr(vocabulary, f"{role}_id", None) for role in ROLES}
    return {
        "kind": "word" if vocabulary.whole_words else kind_of(all_tokens(vocabulary)),
        "size": vocabulary.size,
        "special": {role: id for role, id in roles.items() if id is not None},
        "sentinels": len(sentinel_ids(vocabulary)),
        "fingerprint": vocabulary.fingerprint,
    }


def tokens(vocabulary: Vocabulary, text: str) -> list[dict[str, Any]]:
    """Return each token of a text: `token`, `id`, and where it came from, `text[start:end]`."""
    found = vocabulary.encode(text)
    return [
        {"token": vocabulary.token(id), "id": id, "start": start, "end": end}
        for id, start, end in zip(
            found.ids.tolist(), found.starts.tolist(), found.ends.tolist(), strict=True
        )
    ]
