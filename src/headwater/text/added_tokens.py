"""Tokens that were added to a vocabulary: they are found in a text as they are written.

Whatever defines the vocabulary, the small files beside it may add to it:

    added_tokens.json       {"<speaker>": 50257}
    tokenizer_config.json   "added_tokens_decoder": {"50257": {"content": "<speaker>"}}
                            "additional_special_tokens": ["<speaker>"], or "extra_special_tokens"

The last two lists, which `special_tokens_map.json` may hold too, name no ids: what the vocabulary
does not have gets the next one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import read_json

FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
_LISTS = ("additional_special_tokens", "extra_special_tokens")


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is looked for before a text is normalized and cut.

    id: None for the next free one.
    single_word: only where no letter or digit touches it.
    lstrip, rstrip: it takes the white space before it, or after it, along.
    normalized: it is looked for in the normalized text, in lower case if that is.
    special: it stands for no text, and is left out of decoded text.
    file: what states it; an error names it.
    """

    content: str
    id: int | None = None
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False
    special: bool = True
    file: Path = field(default=Path(), compare=False, repr=False)

    @property
    def described(self) -> dict[str, Any]:
        """How `added_tokens_decoder` lists it."""
        return {"content": self.content} | {name: getattr(self, name) for name in FLAGS}

    @property
    def listed(self) -> dict[str, Any]:
        """How `tokenizer.json` lists it."""
        return {"id": self.id, **self.described}


def read_added(
    folder: Path, stated: Mapping[str, Any], files: Mapping[str, Path], roles: Iterable[str]
) -> tuple[AddedToken, ...]:
    """Return the added tokens that a folder's small files state, each once.

    Args:
        stated: the content of `tokenizer_config.json` and `special_tokens_map.json`.
        files: which of them states a key.
        roles: the keys of tokens with a role, such as `mask_token`; their flags count too.
    """
    found: dict[str, AddedToken] = {}
    for key in (*roles, *_LISTS):
        for value in _values(stated.get(key), key, files):
            if not key.endswith("_token") or isinstance(value, dict):  # a plain name has no flags
                token = read_token(value, None, key, files[key], special=True)
                found.setdefault(token.content, token)
    special = {*found, *(str(stated[key]) for key in roles if key in stated)}
    file = folder / "added_tokens.json"
    legacy = _legacy(file, special) if file.exists() else ()
    for token in legacy:  # it has no flags: those stated elsewhere are the token's
        known = found.get(token.content)
        found[token.content] = replace(known, id=token.id, file=file) if known else token
    return merged(found.values(), _decoder(stated, files))


def read_token(
    value: Any, id: int | None, key: str, file: Path, *, special: bool = False
) -> AddedToken:
    """Read one token, a string or an object; what it does not state is as `tokenizers` has it."""
    stated = value if isinstance(value, dict) else {"content": value}
    content = stated.get("content")
    if not isinstance(content, str) or not content:
        raise UserError(
            f"{file}: {key}: a string or an object with a content was expected, not {value!r:.40}"
        )
    flags = {name: stated[name] for name in FLAGS if name in stated}
    if any(type(flag) is not bool for flag in flags.values()):
        raise UserError(f"{file}: the flags of {content!r} must be true or false")
    flags["special"] = special or flags.get("special", False)
    return AddedToken(content, id, **{"normalized": not flags["special"], **flags}, file=file)


def merged(first: Iterable[AddedToken], second: Iterable[AddedToken]) -> tuple[AddedToken, ...]:
    """Return the tokens of both, each once; the flags of the second win, and the ids must agree."""
    found = {token.content: token for token in first}
    for token in second:
        known = found.get(token.content, token)
        if known.id != token.id and known.id is not None and token.id is not None:
            raise UserError(
                f"{known.file}: {token.content!r} has the id {known.id}, and {token.id} in "
                f"{token.file.name}; keep the file that belongs to the model"
            )
        found[token.content] = replace(token, id=known.id if token.id is None else token.id)
    _refuse_shared_ids(found.values())
    return tuple(found.values())


def describe_all(tokens: Iterable[AddedToken]) -> dict[str, Any]:
    """Return an `added_tokens_decoder`."""
    return {str(token.id): token.described for token in tokens}


def listed_tokens(content: Mapping[str, Any], file: Path) -> Iterator[AddedToken]:
    """Yield the added tokens that a `tokenizer.json` lists."""
    values = content.get("added_tokens") or []
    if not isinstance(values, list):
        raise UserError(f"{file}: added_tokens must be a list")
    for value in values:
        id = value.get("id") if isinstance(value, dict) else None
        yield read_token(value, _id(id, file, value), "added_tokens", file)


def placed(
    added: Iterable[AddedToken], ids: Mapping[str, int], roles: Iterable[str] = ()
) -> list[AddedToken]:
    """Return the tokens with their ids, in order, those in the vocabulary among them.

    Args:
        ids: those of the vocabulary without them.
        roles: tokens that must be in the vocabulary already; nobody adds them here.
    """
    taken = {id: token for token, id in ids.items()}
    end = max(taken, default=-1) + 1
    stated = sorted((each for each in added if each.id is not None), key=lambda each: each.id or 0)
    result = []
    for token in stated:
        assert token.id is not None
        known = ids.get(token.content, token.id)
        if known != token.id:
            raise UserError(
                f"{token.file}: {token.content!r} has the id {token.id}, and {known} in the "
                "vocabulary; keep the files that belong to the model"
            )
        if taken.get(token.id, token.content) != token.content:
            raise UserError(
                f"{token.file}: {token.content!r} has the id {token.id}, which the vocabulary "
                f"gives to {taken[token.id]!r}; keep the files that belong to the model"
            )
        if token.id > end:
            raise UserError(
                f"{token.file}: {token.content!r} has the id {token.id}, and the vocabulary ends "
                f"at {end - 1}; no token has the ids between"
            )
        end = max(end, token.id + 1)
        result.append(token)
    absent = set(roles) - set(ids)
    for token in added:
        if token.id is None and token.content not in absent:
            id = ids.get(token.content, end)
            end = max(end, id + 1)
            result.append(replace(token, id=id))
    return sorted(result, key=lambda each: each.id or 0)


def _legacy(file: Path, special: set[str]) -> Iterator[AddedToken]:
    """`added_tokens.json` has no flags: what else is special there is so here, and as written."""
    content = read_json(file)
    if not isinstance(content, dict):
        raise UserError(f"{file}: an object from token to id was expected")
    for token, id in content.items():
        known = token in special
        number = _id(id, file, token)
        yield AddedToken(token, number, normalized=not known, special=known, file=file)


def _decoder(stated: Mapping[str, Any], files: Mapping[str, Path]) -> Iterator[AddedToken]:
    key = "added_tokens_decoder"
    if key not in stated:
        return
    if not isinstance(stated[key], dict):
        raise UserError(f"{files[key]}: {key} must be an object from id to token")
    for id, value in stated[key].items():
        number = int(id) if id.isascii() and id.isdigit() else id
        yield read_token(value, _id(number, files[key], value), key, files[key])


def _values(value: Any, key: str, files: Mapping[str, Path]) -> Iterator[Any]:
    """Yield tokens from a list, from an object by name, or one alone."""
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict) and key == "extra_special_tokens":
        yield from value.values()
    elif value is not None and key in _LISTS:
        raise UserError(f"{files[key]}: {key} must be a list of tokens")
    elif value is not None:
        yield value


def _id(value: Any, file: Path, token: Any) -> int:
    if type(value) is not int or value < 0:
        raise UserError(
            f"{file}: the id of {token!r:.60} must be a whole number from 0 on, not {value!r:.40}"
        )
    return value


def _refuse_shared_ids(tokens: Iterable[AddedToken]) -> None:
    seen: dict[int, AddedToken] = {}
    for token in tokens:
        if token.id is None:
            continue
        if token.id in seen:
            other = seen[token.id]
            raise UserError(
                f"{token.file}: {token.content!r} has the id {token.id}, and so has "
                f"{other.content!r}"
                + (f" of {other.file.name}" if other.file != token.file else "")
            )
        seen[token.id] = token
