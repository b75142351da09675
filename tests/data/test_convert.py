"""Text to text as an encoder-decoder's features; ragged arrays."""

from pathlib import Path

import numpy as np
import pytest

import tiny
from headwater.data.convert import EncodedPairs, encode_text_pairs
from headwater.data.example import TextExample
from headwater.data.token_arrays import Ragged, encode_ids, encode_tokens
from headwater.errors import UserError
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def t5(shared: Path) -> Vocabulary:
    return load_vocabulary(shared / "data/tokenizers/t5/spiece.model")


def pairs(vocabulary: Vocabulary, *texts: tuple[str, str], inputs: int = 9) -> EncodedPairs:
    examples = [TextExample(str(n), a, (b, "unused")) for n, (a, b) in enumerate(texts)]
    return encode_text_pairs(vocabulary, examples, inputs, 4)


def test_both_sides_end_with_eos(t5: Vocabulary) -> None:
    rows = pairs(t5, ("question: Who?", "Ann"), ("one " * 50, ""))
    first, second = rows[0], rows[1]
    assert t5.decode(first["input_ids"].tolist()) == "question: Who?"
    assert (first["input_ids"][-1], first["labels"][-1]) == (t5.eos_id, t5.eos_id)
    assert t5.decode(first["labels"].tolist()) == "Ann"
    assert (len(second["input_ids"]), second["input_ids"][-1]) == (9, t5.eos_id)
    assert second["labels"].tolist() == [t5.eos_id]
    for index, row in enumerate((first, second)):
        assert rows.lengths[index] == len(row["input_ids"]) + len(row["labels"])
        assert {each.dtype for each in row.values()} == {np.dtype(np.int32)}


def test_what_is_cut_is_counted(t5: Vocabulary) -> None:
    fits = TextExample("a", "one one one", ("one",))
    long = TextExample("b", "one " * 50, ("one",))
    both = TextExample("c", "one " * 50, ("one " * 9,))
    short = encode_text_pairs(t5, [fits], 4, 3)
    assert len(short[0]["input_ids"]) == 4
    assert short.cut == (0, 0)
    rows = encode_text_pairs(t5, [fits, long, both], 4, 3)
    assert rows.cut == (2, 1)
    assert [len(rows[i]["input_ids"]) for i in range(3)] == [4, 4, 4]
    assert rows.target_lengths.tolist() == [2, 2, 3]
    assert rows.lengths.tolist() == [6, 6, 7]


def test_the_fingerprint_follows_either_side_and_the_cut(t5: Vocabulary) -> None:
    base = ("the Rhine flows to the north sea", "Rhine")
    prints = [
        pairs(t5, base).fingerprint,
        pairs(t5, (base[0], "Elbe")).fingerprint,
        pairs(t5, ("The" + base[0], base[1])).fingerprint,
        pairs(t5, base, inputs=5).fingerprint,
    ]
    assert len(set(prints)) == 4
    assert pairs(t5, base).fingerprint == prints[0]


def test_what_cannot_be_encoded_is_reported(t5: Vocabulary, shared: Path) -> None:
    with pytest.raises(UserError, match="'q' has no target"):
        encode_text_pairs(t5, [TextExample("q", "x", ())])
    bert = load_vocabulary(shared / "data/tokenizers/bert-base-uncased")
    [found] = encode_text_pairs(bert, [TextExample("q", "x", ("y",))]).features(np.array([0]), 0)
    cls, sep = bert.cls_id, bert.sep_id
    assert found["input_ids"].tolist() == [cls, bert.id_of("x"), sep]
    assert found["labels"].tolist() == [bert.id_of("y"), sep]
    bert.sep_id = None
    with pytest.raises(UserError, match="no end-of-sequence token"):
        encode_text_pairs(bert, [TextExample("q", "x", ("y",))])


def test_ragged_arrays() -> None:
    rows = [np.array(row, np.int32) for row in ([3, 1, 4], [], [1])]
    ragged = Ragged.of(rows)
    assert [ragged[index].tolist() for index in range(len(ragged))] == [[3, 1, 4], [], [1]]
    assert ragged.lengths.tolist() == [3, 0, 1]
    assert (len(Ragged.of([])), Ragged.of([]).values.dtype) == (0, np.int32)


def test_texts_in_chunks_equal_texts_alone(t5: Vocabulary) -> None:
    texts = [f"number {n} né 🙂" for n in range(1100)]
    ids, tokens = encode_ids(t5, texts, 3), encode_tokens(t5, texts)
    for index in (0, 511, 512, 1099):
        alone = t5.encode(texts[index])
        assert ids[index].tolist() == alone.ids[:3].tolist()
        cut = slice(tokens.ids.bounds[index], tokens.ids.bounds[index + 1])
        assert tokens.starts[cut].tolist() == alone.starts.tolist()
        assert tokens.ends[cut].tolist() == alone.ends.tolist()


def test_what_the_vocabulary_does_not_know_in_targets_is_named(t5: Vocabulary) -> None:
    known, json = ("x", "a b"), ("x {", '{"a": {1}}')
    assert pairs(t5, known, ("x {", "no brace")).unknown is None
    assert pairs(t5, known, json, json).unknown == (
        "2 of 3 targets hold what the vocabulary does not know, which is learned as <unk>: '{', '}'"
    )
    many = "".join(chr(0x4E00 + n) for n in range(14))
    assert str(pairs(t5, known, ("x", many)).unknown).endswith("'万', '丈', '三' and 4 more")


def test_words_that_are_unknown_as_a_whole_are_named(tmp_path: Path) -> None:
    vocabulary = tiny.words(tmp_path / "words", ["the mill the mill a b"] * 2, 6)
    assert vocabulary.unk_id is not None
    examples = [TextExample("a", "the", ("the brook the b",))]
    found = encode_text_pairs(vocabulary, examples).unknown
    assert found is not None
    assert found.endswith("learned as [UNK]: 'brook', 'b'")
