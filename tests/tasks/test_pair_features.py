"""Texts and pairs as features: laid out as the published tokenizers do, cut as BERT's code does."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.config import Config
from headwater.data.batching import collate
from headwater.data.config import SequenceConfig
from headwater.data.example import PairExample, TaggingExample
from headwater.errors import UserError
from headwater.tasks.glue import RTE, STSB
from headwater.tasks.ner import NER
from headwater.tasks.pair_features import encode_pairs
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

LABELS = ("no", "yes")


def pair(a: str, b: str | None = None, **known: Any) -> PairExample:
    return PairExample("7", a, b, **known)


def tokens(vocabulary: Vocabulary, ids: Any) -> str:
    return " ".join(vocabulary.token(id) for id in ids.tolist())


def test_layouts_of_both_families(
    bert_vocabulary: Vocabulary, roberta_vocabulary: Vocabulary
) -> None:
    examples = [pair("the north", "flowing rhine"), pair("river")]
    rows = encode_pairs(bert_vocabulary, examples, SequenceConfig(), LABELS, labelled=False)
    two, one = rows[0], rows[1]
    assert tokens(bert_vocabulary, two["input_ids"]) == (
        "[CLS] the north [SEP] flow ##ing rhine [SEP]"
    )
    assert two["token_type_ids"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert tokens(bert_vocabulary, one["input_ids"]) == "[CLS] river [SEP]"
    assert one["token_type_ids"].tolist() == [0, 0, 0]
    assert rows.lengths.tolist() == [8, 3] and "labels" not in two
    examples = [pair("ab", "c"), pair("ab")]
    rows = encode_pairs(roberta_vocabulary, examples, SequenceConfig(), LABELS, labelled=False)
    assert tokens(roberta_vocabulary, rows[0]["input_ids"]) == "<s> a b </s> </s> c </s>"
    assert tokens(roberta_vocabulary, rows[1]["input_ids"]) == "<s> a b </s>"
    assert not rows[0]["token_type_ids"].any()
    assert rows.lengths.tolist() == [7, 4]


def as_bert_cuts(first: list[str], second: list[str], room: int) -> tuple[int, int]:
    """The loop of BERT's run_classifier.py."""
    first, second = list(first), list(second)
    while len(first) + len(second) > room:
        (first if len(first) > len(second) else second).pop()
    return len(first), len(second)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(8, 40))
def test_the_longer_text_is_cut(
    bert_vocabulary: Vocabulary, first: int, second: int, longest: int
) -> None:
    example = pair("a " * first, "b " * second)
    config = SequenceConfig(max_length=longest)
    rows = encode_pairs(bert_vocabulary, [example], config, (), labelled=False)
    ids = tokens(bert_vocabulary, rows[0]["input_ids"]).split()
    assert (ids.count("a"), ids.count("b")) == as_bert_cuts(
        ["a"] * first, ["b"] * second, longest - 3
    )
    assert ids.count("[SEP]") == 2 and len(ids) == rows.lengths[0] <= longest
    assert rows.cut == (first + second > longest - 3)


def test_equals_the_published_tokenizer_on_real_pairs(shared: Path) -> None:
    transformers = pytest.importorskip("transformers")
    folder = shared / "data" / "tokenizers" / "bert-base-uncased"
    published = transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    vocabulary = load_vocabulary(folder)
    lines = (shared / "data" / "glue" / "RTE" / "dev.tsv").read_text("utf-8").splitlines()
    texts = [line.split("\t")[1:3] for line in lines[1:120]]
    rows = encode_pairs(
        vocabulary, [pair(*each) for each in texts], SequenceConfig(max_length=512), LABELS,
        labelled=False,
    )  # fmt: skip
    for row, (first, second) in enumerate(texts):
        expected = published(first, second)
        assert rows[row]["input_ids"].tolist() == expected["input_ids"]
        assert rows[row]["token_type_ids"].tolist() == expected["token_type_ids"]


def test_labels_are_class_numbers_or_numbers(vocabulary: Vocabulary) -> None:
    rows = encode_pairs(
        vocabulary, [pair("a", label="yes"), pair("b", label="no")], SequenceConfig(), LABELS
    )
    batch = collate(rows.features(np.arange(2), 0), 0)
    assert batch["labels"].tolist() == [1, 0] and not batch["labels"].is_floating_point()
    rows = encode_pairs(vocabulary, [pair("a", score=2.5)], SequenceConfig(), ())
    labels = collate(rows.features(np.arange(1), 0), 0)["labels"]
    assert labels.tolist() == [2.5] and labels.is_floating_point()


@pytest.mark.parametrize(
    ("example", "labels", "match"),
    [
        (pair("a"), LABELS, "example '7' has no label to train on"),
        (pair("a", label="maybe"), LABELS, "example '7': label 'maybe' is none of no, yes"),
        (pair("a", label="yes"), (), "example '7' has no score to train on"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    vocabulary: Vocabulary, example: PairExample, labels: tuple[str, ...], match: str
) -> None:
    with pytest.raises(UserError, match=match):
        encode_pairs(vocabulary, [example], SequenceConfig(), labels)


def test_the_fingerprint_follows_texts_pairs_and_labels(vocabulary: Vocabulary) -> None:
    sets = [
        [pair("a", label="no")],
        [pair("b", label="no")],
        [pair("a", label="yes")],
        [pair("a", "", label="no")],
        [pair("a", "b", label="no")],
    ]
    built = [encode_pairs(vocabulary, each, SequenceConfig(), LABELS) for each in sets]
    assert len({each.fingerprint for each in built}) == len(sets)
    again = encode_pairs(vocabulary, sets[0], SequenceConfig(), LABELS)
    assert again.fingerprint == built[0].fingerprint


def test_no_examples_are_no_features(vocabulary: Vocabulary) -> None:
    rows = encode_pairs(vocabulary, [], SequenceConfig(), LABELS)
    assert len(rows) == 0 and rows.cut == 0


def test_labels_of_a_task_or_of_its_data() -> None:
    tagged = [
        TaggingExample("1", ("Ada", "sat"), ("B-per", "O")),
        TaggingExample("2", ("x",), ("B-Loc",)),
        TaggingExample("3", ("y",), None),
    ]
    assert NER.head_labels(tagged) == ("O", "B-Loc", "B-per")
    labelled = [pair("a", label="z"), pair("a"), pair("b", label="y")]
    assert replace(RTE, labels=()).head_labels(labelled) == ("y", "z")
    assert replace(RTE, labels=("b", "a")).head_labels(labelled) == ("b", "a")
    assert STSB.head_labels([pair("a", score=1.0)]) == ()


def test_sizes_are_checked() -> None:
    assert issubclass(SequenceConfig, Config)
    assert SequenceConfig().max_length == 128
    assert SequenceConfig().fitting(64).max_length == 64
    assert SequenceConfig(max_length=32).fitting(64).max_length == 32
    with pytest.raises(UserError, match=r"recipe.*max_length"):
        SequenceConfig.check({"max_length": 7}, "recipe")
