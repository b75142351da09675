"""Word vectors: near words, sums of words, and files that gensim reads with equal numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

import tiny
from headwater.errors import UserError
from headwater.inference.word_vectors import WordVectors, load_vectors
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

TEXT = [
    "the king and the queen saw the man and the woman by the river , Übermut tut selten gut"
] * 2


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    folder = tmp_path_factory.mktemp("vectors") / "vocabulary"
    return tiny.words(folder, TEXT, 17, lower_case=True)


@pytest.fixture(scope="module")
def folder(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("vectors") / "model"
    return tiny.model_folder(target, vocabulary, family="cbow", vector_size=12, samples=4)


def _with(vocabulary: Vocabulary, **rows: list[float]) -> WordVectors:
    """Every word stands alone on an axis of its own, but those given."""
    table = np.eye(vocabulary.size, vocabulary.size + 3, k=3, dtype=np.float32)
    for word, row in rows.items():
        table[vocabulary.id_of(word)] = 0
        table[vocabulary.id_of(word), : len(row)] = row
    return WordVectors(vocabulary, table)


def test_the_nearest_is_the_largest_cosine_of_another_word(vocabulary: Vocabulary) -> None:
    vectors = _with(vocabulary, king=[3, 0], queen=[1, 1], man=[50, 60])
    near = vectors.nearest(["King"], count=2)  # the vocabulary is in lower case
    assert [each.word for each in near] == ["queen", "man"]
    assert near[0].cosine == pytest.approx(0.5**0.5, abs=1e-6)
    assert near[1].cosine == pytest.approx(5 / 61**0.5, abs=1e-6)


def test_words_that_cancel_out_are_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(UserError, match="the words cancel out"):
        _with(vocabulary).nearest(["king"], ["king"])


def test_sums_are_of_unit_vectors_and_hold_none_of_their_words(vocabulary: Vocabulary) -> None:
    royal = {"king": [20, 0, 20], "queen": [0, 1, 1], "man": [7, 0, 0], "woman": [0, 2, 0]}
    near = _with(vocabulary, **royal).nearest(["king", "woman"], ["man"], count=100)
    assert near[0].word == "queen" and near[0].cosine > 0.9
    assert len(near) == vocabulary.size - 3 - 3  # all but the special tokens and the three
    assert not {"king", "woman", "man", "[UNK]", "[PAD]", "[EOS]"} & {each.word for each in near}


def test_unknown_words_are_named(vocabulary: Vocabulary) -> None:
    vectors = _with(vocabulary)
    for word in ("[UNK]", "[PAD]", "[EOS]"):
        with pytest.raises(UserError, match="a special token and no word"):
            vectors.index(word)
    for word in ("kinng", "the king", ""):
        with pytest.raises(UserError, match="no such token in the vocabulary"):
            vectors.index(word)
    with pytest.raises(UserError, match="the nearest is 'king'"):
        vectors.nearest(["man"], ["kinng"])


@pytest.mark.parametrize("binary", [False, True])
def test_gensim_opens_the_export_with_equal_vectors(
    folder: Path, vocabulary: Vocabulary, tmp_path: Path, binary: bool
) -> None:
    vectors = load_vectors(str(folder))
    vectors.export(tmp_path / "vectors", binary=binary)
    read = KeyedVectors.load_word2vec_format(str(tmp_path / "vectors"), binary=binary)
    assert read.index_to_key == vectors.words
    assert vectors.words == [vocabulary.token(id) for id in range(3, vocabulary.size)]
    assert "ubermut" in read and np.array_equal(read.vectors, vectors.vectors)
    theirs = read.most_similar(positive=["king", "woman"], negative=["man"], topn=3)
    ours = vectors.nearest(["king", "woman"], ["man"], 3)
    assert [each.word for each in ours] == [word for word, _ in theirs]
    assert [each.cosine for each in ours] == pytest.approx([cosine for _, cosine in theirs])


def test_the_format_is_the_published_one(folder: Path, tmp_path: Path) -> None:
    vectors = load_vectors(str(folder))
    vectors.export(tmp_path / "text")
    vectors.export(tmp_path / "binary", binary=True)
    lines = (tmp_path / "text").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "14 12" and len(lines) == 15
    rows = np.array([line.split(" ")[1:] for line in lines[1:]], np.float64).astype(np.float32)
    assert np.array_equal(rows, vectors.vectors)
    content = (tmp_path / "binary").read_bytes()
    expected = b"".join(
        word.encode() + b" " + row.tobytes() + b"\n"
        for word, row in zip(vectors.words, vectors.vectors, strict=True)
    )
    assert content == b"14 12\n" + expected


def test_words_with_spaces_cannot_be_written(vocabulary: Vocabulary, tmp_path: Path) -> None:
    vocabulary.save(tmp_path / "v")
    file = tmp_path / "v" / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    ids = content["model"]["vocab"]
    ids["the king"] = ids.pop("king")
    file.write_text(json.dumps(content), encoding="utf-8")
    spaced = WordVectors(load_vocabulary(tmp_path / "v"), np.zeros((17, 2), np.float32))
    with pytest.raises(UserError, match="'the king' holds white space"):
        spaced.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_models_are_refused(minilm: Path) -> None:
    with pytest.raises(UserError, match="is of family bert; word vectors are those of a CBOW"):
        load_vectors(str(minilm))
