"""A vocabulary turns text into token ids, remembers where each token came from, and turns ids back.

Every family of subword vocabularies answers the same calls, so that the code above never asks
which one it has:

    vocabulary = load_vocabulary(Path("bert-base-uncased"))
    encoding = vocabulary.encode("Café au lait")
    [vocabulary.token(i) for i in encoding.ids]            # cafe, au, lai, ##t
    "Café au lait"[encoding.starts[0] : encoding.ends[0]]  # Café: normalization is undone

Offsets count Python characters (code points). The white space that a token carries as its word
mark (`Ġthe`, `▁the`) is left out of its offsets; a token made of nothing but white space keeps it.
"""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt

from headwater.errors import UserError
from headwater.text.pair_layout import BERT, PairLayout


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """The tokens of one text.

    ids: int32 `[tokens]`.
    starts, ends: int32 `[tokens]`; `text[starts[i]:ends[i]]` is what token `i` came from. Where
        one character gives several tokens, each of them names the whole character; a token that
        came from no character of the text has an empty span where it stands.
    """

    ids: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def joined(cls, parts: "Sequence[Encoding]") -> "Encoding":
        """Return one after the other what stands in one text; there is at least one part."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.ends for part in parts]),
        )


class Vocabulary(ABC):
    """Text to ids with offsets, and back. Every method may be called from many threads at once.

    ids: the id of each token.
    size: one more than the largest id: the rows an embedding needs.
    whole_words: whether no word is cut: each is a token of its own, or unknown.
    pairs: what stands between two texts that a model reads together.
    around: the special tokens that its files put before and after each text.
    pad_id, unk_id, eos_id, cls_id, sep_id, mask_id: the special tokens by their roles; None: no
        token has it.
    """

    ids: Mapping[str, int]
    size: int
    whole_words: bool
    pairs: PairLayout = BERT
    around: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    pad_id: int | None
    unk_id: int | None
    eos_id: int | None
    cls_id: int | None
    sep_id: int | None
    mask_id: int | None

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides which ids a text gets."""

    @abstractmethod
    def encode(self, text: str) -> Encoding:
        """Return the tokens of a text; nothing is added at its ends.

        A special token written out in the text (`[SEP]`, `<extra_id_0>`) becomes that token, as
        in the published tokenizers.
        """

    @abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> list[Encoding]:
        """Return `[encode(text) for text in texts]`, faster."""

    @abstractmethod
    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        """Return the text of the tokens, by default without the special tokens.

        A model may have more rows than its vocabulary has tokens: their ids add nothing.
        """

    @abstractmethod
    def token(self, id: int) -> str:
        """Return a token as the vocabulary writes it (`##ing`, `Ġthe`, `▁the`)."""

    @final
    def id_of(self, token: str) -> int:
        """Return the id of a token."""
        if token not in self.ids:
            raise absent_token(token, self.ids)
        return self.ids[token]

    @final
    def sentinel(self, n: int) -> int:
        """Return the id of `<extra_id_n>`, a sentinel (Raffel et al. 2020, section 3.1.4)."""
        if not self.has_sentinel(n):
            raise UserError(f"sentinel {n}: this vocabulary has no <extra_id_{n}>")
        plain = f"<extra_id_{n}>"
        return self.ids[plain if plain in self.ids else f"▁{plain}"]

    def has_sentinel(self, n: int) -> bool:
        """Tell whether there is a sentinel of that number; in mT5 they begin with a space."""
        return f"<extra_id_{n}>" in self.ids or f"▁<extra_id_{n}>" in self.ids

    def _set_roles(self, ids: Mapping[str, int]) -> None:
        """Keep the ids of the special tokens by their roles; None of a role that none plays."""
        self.pad_id, self.unk_id, self.eos_id = map(ids.get, ("pad", "unk", "eos"))
        self.cls_id, self.sep_id, self.mask_id = map(ids.get, ("cls", "sep", "mask"))

    def with_ends(self) -> "Vocabulary":
        """Return the same tokens, those that begin and end a document around each text.

        It is itself where its files cannot say so, have no such tokens, or lay out pairs.
        """
        return self

    @abstractmethod
    def save(self, folder: Path, *, segments: bool = True) -> None:
        """Write the family's standard files, which `transformers` opens too.

        Args:
            segments: whether the model beside them tells two texts apart by segment ids.
        """


def check_fits(vocabulary: Vocabulary, rows: int, where: str) -> None:
    """Refuse a vocabulary with more tokens than a model's embedding has rows."""
    if vocabulary.size > rows:
        raise UserError(
            f"{where}: the vocabulary has {vocabulary.size} tokens, the model's vocab_size is "
            f"{rows}; they are not of the same model"
        )


def absent_token(token: str, tokens: Iterable[str]) -> UserError:
    """Return the error for a token that is not in the vocabulary, naming the nearest."""
    near = difflib.get_close_matches(token, tokens, n=1, cutoff=0.5)  # too many to name them all
    hint = f"; the nearest is {near[0]!r}" if near else ""
    return UserError(f"{token!r}: no such token in the vocabulary{hint}")
