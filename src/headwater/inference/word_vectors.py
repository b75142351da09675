"""The word vectors of a continuous bag of words: which are near, and files that others read.

Near means a large cosine; sums and differences of unit vectors carry relations over (Mikolov et al.
2013, "Efficient Estimation of Word Representations in Vector Space", section 4):

    vectors = load_vectors("runs/cbow")
    vectors.nearest(["king", "woman"], ["man"], count=1)        # perhaps queen
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from headwater.checkpoints.folder import load_model
from headwater.checkpoints.hub import resolve
from headwater.errors import UserError
from headwater.files import replace_file
from headwater.inference.unit_vectors import unit
from headwater.models.body import WordBody
from headwater.objectives.token_classes import ordinary_tokens
from headwater.text.loading import load_vocabulary
from headwater.text.special_tokens import all_tokens
from headwater.text.vocabulary import Vocabulary, absent_token, check_fits


class Near(NamedTuple):
    """A word and its cosine with the query."""

    word: str
    cosine: float


@final
class WordVectors:
    """Words with their vectors; special tokens are left out.

    words: as the vocabulary writes them, the commonest first.
    vectors: float32 `[words, width]`.
    """

    def __init__(self, vocabulary: Vocabulary, table: NDArray[np.float32]) -> None:
        self._vocabulary = vocabulary
        ids = ordinary_tokens(vocabulary)
        self.words = [vocabulary.token(id) for id in ids.tolist()]
        self.vectors = table[ids]
        self._special = {token for token in all_tokens(vocabulary) if token} - {*self.words}
        self._index_of = np.full(vocabulary.size, -1)
        self._index_of[ids] = np.arange(len(ids))
        self._units = unit(self.vectors)

    def index(self, word: str) -> int:
        """Return the index of a word in `words`; the error names the nearest in spelling."""
        if word in self._special:
            raise UserError(f"{word!r}: a special token and no word; give a word")
        ids = self._vocabulary.encode(word).ids
        if len(ids) != 1 or self._index_of[ids[0]] < 0:
            raise absent_token(word, self.words)
        return int(self._index_of[ids[0]])

    def nearest(
        self, plus: Sequence[str], minus: Sequence[str] = (), count: int = 10
    ) -> list[Near]:
        """Return the words nearest to a sum of words less others, without those themselves."""
        added, removed = ([self.index(word) for word in words] for words in (plus, minus))
        direction = self._units[added].sum(0) - self._units[removed].sum(0)
        length = float(np.linalg.norm(direction))
        if length < 1e-6:
            raise UserError("the words cancel out, so that nothing is near; give other ones")
        cosines = self._units @ (direction / length)
        cosines[[*added, *removed]] = -np.inf
        best = np.argsort(-cosines, kind="stable")[
            : min(count, len(cosines) - len({*added, *removed}))
        ]
        return [Near(self.words[index], float(cosines[index])) for index in best.tolist()]

    def export(self, file: Path, *, binary: bool = False) -> None:
        """Write the format of the published word2vec, which gensim's KeyedVectors reads too.

        The first line has the numbers of words and of columns. Each word follows: its letters, a
        space and its numbers, as text that gives float32 back exactly, or as little-endian float32.
        """
        for word in self.words:
            if any(letter.isspace() for letter in word):
                raise UserError(f"{word!r} holds white space, which word2vec's format cannot write")
        words, width = self.vectors.shape
        write = _binary if binary else _text
        lines = (write(word, vector) for word, vector in zip(self.words, self.vectors, strict=True))
        replace_file(file, b"".join([f"{words} {width}\n".encode(), *lines]))


def load_vectors(model: str) -> WordVectors:
    """Load the vectors of a folder, a run folder or a hub id."""
    folder = resolve(model)
    loaded = load_model(folder)
    network = loaded.model
    table = network.word_table if isinstance(network, WordBody) else None
    if table is None:
        raise UserError(
            f"{model} is of family {loaded.config.model_type}; word vectors are those of a CBOW, "
            "which `headwater pretrain --objective cbow` trains"
        )
    vocabulary = load_vocabulary(folder)
    check_fits(vocabulary, network.config.vocab_size, str(folder))
    return WordVectors(vocabulary, table.detach().numpy())


def _text(word: str, vector: NDArray[np.float32]) -> bytes:
    return " ".join([word, *(f"{value:.9g}" for value in vector.tolist())]).encode() + b"\n"


def _binary(word: str, vector: NDArray[np.float32]) -> bytes:
    return word.encode() + b" " + vector.astype("<f4").tobytes() + b"\n"
