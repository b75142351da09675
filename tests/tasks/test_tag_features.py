"""Sentences as features: a tag at the first token of each word, and no word is lost."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.data.config import SequenceConfig
from headwater.data.convert import IGNORED
from headwater.data.example import TaggingExample
from headwater.errors import UserError
from headwater.tasks.tag_features import encode_tags
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

LABELS = ("O", "B-x", "I-x")


def sentence(words: str, tags: str | None = None, id: str = "1") -> TaggingExample:
    return TaggingExample(
        id, tuple(words.split(" ")), None if tags is None else tuple(tags.split())
    )


def test_first_tokens_carry_the_tags(bert_vocabulary: Vocabulary) -> None:
    example = sentence("flowing rhine a", "B-x I-x O")
    row = encode_tags(bert_vocabulary, [example], SequenceConfig(), LABELS)[0]
    names = [bert_vocabulary.token(id) for id in row["input_ids"].tolist()]
    assert names == ["[CLS]", "flow", "##ing", "rhine", "a", "[SEP]"]
    assert row["labels"].tolist() == [IGNORED, 1, IGNORED, 2, 0, IGNORED]
    assert row["token_type_ids"].tolist() == [0] * 6


def test_a_space_mark_belongs_to_the_word_after_it(roberta_vocabulary: Vocabulary) -> None:
    """`Ġth` begins `the`; a lone `Ġ` before another letter is of no word."""
    example = sentence("ab the cd", "B-x I-x O")
    rows = encode_tags(roberta_vocabulary, [example], SequenceConfig(), LABELS)
    names = [roberta_vocabulary.token(id) for id in rows[0]["input_ids"].tolist()]
    asked = {
        name: label
        for name, label in zip(names, rows[0]["labels"].tolist(), strict=True)
        if label != IGNORED
    }
    assert names[1:3] == ["a", "b"] and "Ġth" in names
    assert asked == {"a": 1, "Ġth": 2, "c": 0}
    assert rows.word_positions(0).words.tolist() == [0, 1, 2]


def test_words_without_tokens_are_not_asked_for(bert_vocabulary: Vocabulary) -> None:
    example = sentence("rhine \u200d river", "B-x I-x O")
    rows = encode_tags(bert_vocabulary, [example], SequenceConfig(), LABELS)
    first_tokens = rows.word_positions(0)
    assert first_tokens.words.tolist() == [0, 2]
    assert rows[0]["labels"][first_tokens.positions].tolist() == [1, 0]
    nothing = encode_tags(
        bert_vocabulary, [sentence("\u200d", "O"), sentence("a", "B-x")], SequenceConfig(), LABELS
    )
    assert nothing.lengths.tolist() == [2, 3]
    assert nothing.word_positions(1).words.tolist() == [0]


def test_equals_the_published_tokenizer_on_real_sentences(shared: Path) -> None:
    """Word by word, with the first token of each word as `transformers` finds it."""
    transformers = pytest.importorskip("transformers")
    folder = shared / "data" / "tokenizers" / "bert-base-uncased"
    published = transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    text = (shared / "data" / "ner" / "wnut17" / "emerging.dev.conll").read_text("utf-8")
    blocks = [block.splitlines() for block in text.replace("\t\n", "\n").split("\n\n")[:200]]
    split = [[line.split("\t")[0] for line in block if line.strip()] for block in blocks]
    examples = [TaggingExample(str(n), tuple(words)) for n, words in enumerate(split) if words]
    assert len(examples) > 100
    rows = encode_tags(
        load_vocabulary(folder), examples, SequenceConfig(max_length=512), LABELS, labelled=False
    )
    assert rows.continued == 0
    for number, example in enumerate(examples):
        expected = published(list(example.words), is_split_into_words=True)
        assert rows[number]["input_ids"].tolist() == expected["input_ids"]
        words: list[Any] = expected.word_ids()
        first = [at for at, word in enumerate(words) if word is not None and words[at - 1] != word]
        assert rows.word_positions(number).positions.tolist() == first


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(st.text("abz", min_size=1, max_size=30), min_size=0, max_size=12), max_size=5
    ),
    st.integers(8, 24),
)
def test_no_word_is_lost_and_no_feature_is_too_long(
    bert_vocabulary: Vocabulary, sentences: list[list[str]], longest: int
) -> None:
    examples = [
        TaggingExample(str(n), tuple(words), ("B-x",) * len(words))
        for n, words in enumerate(sentences)
    ]
    config = SequenceConfig(max_length=longest)
    rows = encode_tags(bert_vocabulary, examples, config, LABELS)
    seen: list[list[int]] = [[] for _ in sentences]
    tokens: list[list[int]] = [[] for _ in sentences]
    for row in range(len(rows)):
        features, first_tokens = rows[row], rows.word_positions(row)
        assert len(features["input_ids"]) == rows.lengths[row] <= longest
        seen[rows.example_of[row]] += first_tokens.words.tolist()
        tokens[rows.example_of[row]] += features["input_ids"][1:-1].tolist()
        asked = np.flatnonzero(features["labels"] != IGNORED)
        assert asked.tolist() == first_tokens.positions.tolist()
    assert seen == [list(range(len(words))) for words in sentences]
    whole = [bert_vocabulary.encode(" ".join(words)).ids.tolist() for words in sentences]
    assert tokens == whole
    assert rows.continued == sum(len(ids) > longest - 2 for ids in whole)


def test_long_sentences_are_cut_before_a_word(bert_vocabulary: Vocabulary) -> None:
    """Seven words of two tokens, room for six tokens: three words a sequence."""
    example = sentence(" ".join(["flowing"] * 7), " ".join(["O"] * 7))
    rows = encode_tags(bert_vocabulary, [example], SequenceConfig(max_length=9), LABELS)
    words = [rows.word_positions(row).words.tolist() for row in range(3)]
    assert words == [
        [0, 1, 2],
        [3, 4, 5],
        [6],
    ]
    assert rows.lengths.tolist() == [8, 8, 4] and rows.continued == 1


def test_what_cannot_be_learned_is_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(UserError, match="example '1' has no tags"):
        encode_tags(vocabulary, [sentence("a")], SequenceConfig(), LABELS)
    with pytest.raises(UserError, match="example '9': label 'B-y' is none of O, B-x, I-x"):
        encode_tags(vocabulary, [sentence("a", "B-y", "9")], SequenceConfig(), LABELS)


def test_the_fingerprint_follows_words_and_tags(vocabulary: Vocabulary) -> None:
    sets = [sentence("a b", "O O"), sentence("ab b", "O O"), sentence("a b", "O B-x")]
    built = {encode_tags(vocabulary, [each], SequenceConfig(), LABELS).fingerprint for each in sets}
    assert len(built) == 3
