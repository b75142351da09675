"""What the small files beside a vocabulary say: which tokens are special, lower case or not.

`tokenizer_config.json` and `special_tokens_map.json` are both read, and the first wins. Special
tokens are strings there, or objects with a `content`:

    {"do_lower_case": false, "mask_token": {"content": "<mask>", "lstrip": true}}

Which class reads the vocabulary is in `tokenizer_config.json`, or in the model's `config.json`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from headwater.errors import UserError
from headwater.files import read_json, write_json
from headwater.text.added_tokens import AddedToken, describe_all, read_added, read_token
from headwater.text.tokenizer_classes import Flags, TokenizerClass, followed, read_class

ROLES = ("pad", "unk", "eos", "cls", "sep", "mask", "bos")

# Settings that change what a reader of the folder gets; the others in the file are notes.
_FLAGS = (
    *("do_lower_case", "keep_accents", "strip_accents", "tokenize_chinese_chars"),
    "add_prefix_space",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings found beside a vocabulary; what is not stated is absent or None.

    tokens: role -> the token that plays it, such as `{"cls": "[CLS]"}`.
    flags: the stated ones of `do_lower_case`, `strip_accents`, `tokenize_chinese_chars` and
        `add_prefix_space`.
    max_length: the longest sequence the model was made for, where stated.
    sentinels: how many `<extra_id_n>` there are (`extra_ids`).
    added: the tokens added to the vocabulary, and the stated flags of special tokens.
    named: the class by which `transformers` opens the folder.
    own: whether v0.1.0 of this library wrote them. It did not know of a class's default flags.
    """

    tokens: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    max_length: int | None = None
    sentinels: int | None = None
    added: tuple[AddedToken, ...] = ()
    named: TokenizerClass | None = None
    own: bool = False

    @property
    def tokenizer_class(self) -> str | None:
        """The name of the class, without `Fast`."""
        return None if self.named is None else self.named.name

    @property
    def followed(self) -> Flags:
        """The flags that win over what a `tokenizer.json` says."""
        return followed(self.flags, self.tokenizer_class, defaults=not self.own)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a folder's settings."""
        by_name = _read_files(folder)
        stated: dict[str, Any] = {}
        files: dict[str, Path] = {}
        for file, content in by_name.items():
            found = {key: value for key, value in content.items() if value is not None}
            stated.update(found)
            files.update(dict.fromkeys(found, file))
        names = {role: f"{role}_token" for role in ROLES}
        tokens = {
            r: read_token(stated[n], None, n, files[n]).content
            for r, n in names.items()
            if n in stated
        }
        flags = {n: _flag(stated[n], files[n], n) for n in _FLAGS if n in stated}
        length = stated.get("model_max_length")
        limited = isinstance(length, int) and 0 < length < 10**9  # "no limit" is written as 10**30
        extra = stated.get("extra_ids")
        if extra is not None and (type(extra) is not int or not 0 <= extra <= 10_000):
            file = files["extra_ids"]
            raise UserError(f"{file}: extra_ids must be a whole number up to 10000, not {extra!r}")
        added = read_added(folder, stated, files, names.values())
        named = read_class(folder, stated.get("tokenizer_class"))
        length = length if limited else None
        return cls(tokens, flags, length, extra, added, named, _own(*by_name.values()))

    def write(
        self, folder: Path, tokenizer_class: str, more: Mapping[str, Any] | None = None
    ) -> None:
        """Write `tokenizer_config.json` and `special_tokens_map.json` for `transformers`.

        Args:
            more: by which the class builds this very tokenizer, such as flags.
        """
        tokens = {f"{role}_token": self.tokens[role] for role in ROLES if role in self.tokens}
        config: dict[str, Any] = {"tokenizer_class": tokenizer_class, **(more or {}), **tokens}
        if self.max_length is not None:
            config["model_max_length"] = self.max_length
        if self.added:
            config["added_tokens_decoder"] = describe_all(self.added)
        for name, content in (
            ("tokenizer_config.json", config),
            ("special_tokens_map.json", tokens),
        ):
            write_json(folder / name, content)


def _read_files(folder: Path) -> dict[Path, dict[str, Any]]:
    """Return the content of each of the two files; the one that wins is last."""
    found = {}
    for file in (folder / "special_tokens_map.json", folder / "tokenizer_config.json"):
        if not file.exists():
            continue
        content = read_json(file)
        if not isinstance(content, dict):
            raise UserError(f"{file}: an object was expected, such as {{}}")
        found[file] = content
    return found


def _own(tokens: Mapping[str, Any] | None = None, config: Mapping[str, Any] | None = None) -> bool:
    """Tell by their keys whether v0.1.0 wrote both files: it stated each role in both."""
    if config is None:
        return False
    roles = {f"{role}_token" for role in ROLES}
    known = {"tokenizer_class", *_FLAGS, *roles, "model_max_length", "extra_ids"}
    return set(config) <= known and tokens == {k: v for k, v in config.items() if k in roles}


def _flag(value: Any, file: Path, name: str) -> bool:
    if not isinstance(value, bool):
        raise UserError(f"{file}: {name} must be true or false, not {value!r}")
    return value
