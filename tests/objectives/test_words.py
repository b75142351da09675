"""What is special and what goes on with a word, in each family of vocabularies."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import UserError
from headwater.objectives.token_classes import continuation_tokens, ordinary_tokens, special_tokens
from headwater.text.loading import load_vocabulary
from headwater.text.special_tokens import sentinel_ids
from headwater.text.vocabulary import Vocabulary


def words(vocabulary: Vocabulary, text: str) -> list[list[str]]:
    continues = continuation_tokens(vocabulary)
    found: list[list[str]] = []
    for id in vocabulary.encode(text).ids:
        if not continues[id] or not found:
            found.append([])
        found[-1].append(vocabulary.token(int(id)))
    return found


def test_wordpiece(bert: Vocabulary) -> None:
    assert words(bert, "ab c") == [["a", "##b"], ["c"]]
    assert np.flatnonzero(special_tokens(bert)).tolist() == [0, 1, 2, 3, 4]
    assert np.flatnonzero(continuation_tokens(bert)).tolist() == list(range(41, 77))
    assert len(sentinel_ids(bert)) == 0


def test_real_vocabularies(shared: Path) -> None:
    folder = shared / "data/tokenizers"
    bert, gpt2, t5 = (
        load_vocabulary(folder / name) for name in ("bert-base-uncased", "gpt2", "t5")
    )
    text = "Untranslatable words, perhaps"
    assert words(bert, text)[0] == ["un", "##tra", "##ns", "##lat", "##able"]
    assert words(bert, text)[1:] == [["words"], [","], ["perhaps"]]
    assert words(gpt2, text)[1:] == [["Ġwords", ","], ["Ġperhaps"]]
    assert (
        words(gpt2, "one\ntwo") == [["one"], ["Ċ"], ["two"]] or words(gpt2, "one\ntwo")[1][0] == "Ċ"
    )
    assert words(t5, text)[1:] == [["▁words", ","], ["▁perhaps"]]
    assert special_tokens(gpt2).sum() == 1  # <|endoftext|>
    assert special_tokens(t5).sum() == 103
    assert sentinel_ids(t5) == list(range(32099, 31999, -1))
    assert set(ordinary_tokens(t5)) == set(range(3, 32000))


def test_a_vocabulary_without_word_marks(bare: Callable[..., Vocabulary]) -> None:
    with pytest.raises(UserError, match="does not mark where words begin"):
        continuation_tokens(bare(["[PAD]", "[UNK]", "[MASK]", "a", "b"]))
