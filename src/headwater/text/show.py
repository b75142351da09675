"""Looking into a vocabulary: what it is, and how it cuts a text.

headwater vocabulary show bert-base-uncased "unaffable"

kind         wordpiece
...
4 tokens
 14477  0:3  una    'una'
  4246  3:5  ##ff   'ff'
...
"""

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


def show(vocabulary: Vocabulary, text: str | None = None) -> None:
    """Print what a vocabulary is and, given a text, its tokens, for a person."""
    about = describe(vocabulary)
    print(f"kind         {about['kind'] or 'unknown'}")
    print(f"size         {about['size']}")
    for role, id in about["special"].items():
        print(f"{role:<11}  {id:<6} {vocabulary.token(id)}")
    if last := about["sentinels"]:
        ids = f"{vocabulary.sentinel(0)} down to {vocabulary.sentinel(last - 1)}"
        print(f"sentinels    {ids if last > 1 else vocabulary.sentinel(0)}")
    print(f"fingerprint  {about['fingerprint']}")
    if text is not None:
        _show_tokens(tokens(vocabulary, text), text)


def _show_tokens(found: list[dict[str, Any]], text: str) -> None:
    print(f"\n{len(found)} tokens")
    places = [f"{each['start']}:{each['end']}" for each in found]
    wide = max(map(len, places), default=0)
    long = max((len(each["token"]) for each in found), default=0)
    for each, place in zip(found, places, strict=True):
        source = text[each["start"] : each["end"]]
        print(f"{each['id']:>6}  {place:>{wide}}  {each['token']:<{long}}  {source!r}")
