"""Vectors of passages in an index: kept current, found, fused with what words find."""

import doctest
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.documents import engines, fusion, update
from headwater.documents.engine import Entry, Ranked
from headwater.documents.fusion import fused
from headwater.documents.update import build, remove
from headwater.documents.vector_search import VectorSearch, products, quantized, told
from headwater.documents.waiting import Waiting
from headwater.errors import UserError
from headwater.inference.unit_vectors import unit
from made import Opened

SETTING = {"model": "letters", "sha256": "0"}


def letters(texts: Sequence[str], prompt: str) -> Any:
    """Vectors that count letters: words of like spelling are near."""
    counts = [
        [text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts
    ]
    return np.array(counts, np.float32)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A model of letters in place of one that takes seconds to load; how much it embedded."""
    seen: list[int] = []

    def embeds(texts: Sequence[str], prompt: str) -> Any:
        seen.append(len(texts))
        return letters(texts, prompt)

    monkeypatch.setattr(engines, "vector_setting", lambda model: {**SETTING, "model": model})
    monkeypatch.setattr(engines, "embeds_of", lambda setting, index: embeds)
    return seen


def vectors_of(index: Path) -> set[int]:
    with closing(sqlite3.connect(index)) as connection:
        return {number for (number,) in connection.execute("SELECT id FROM vectors")}


def passages_of(index: Path) -> set[int]:
    with closing(sqlite3.connect(index)) as connection:
        return {number for (number,) in connection.execute("SELECT id FROM passages")}


def test_vectors_follow_the_passages(
    counted: list[int], opened: Opened, folder: Path, index: Path
) -> None:
    build([folder], index, vectors="letters")
    assert vectors_of(index) == passages_of(index) and sum(counted) == len(passages_of(index))
    summary = opened(index).summary()
    assert (summary.vectors, summary.waiting) == ("letters", 0)
    (folder / "mill.txt").write_text("A windmill.\n")
    counted.clear()
    build([folder], index)
    assert vectors_of(index) == passages_of(index) and counted == [1]
    remove(index, [folder / "below"])
    assert vectors_of(index) == passages_of(index)
    counted.clear()
    build([folder], index, vectors="letters")
    assert counted == [1]  # what was removed is back
    counted.clear()
    build([folder], index, vectors="others")
    assert sum(counted) == len(passages_of(index))
    opened(index).verify()


def test_what_is_near_is_found_without_a_shared_word(
    counted: list[int], opened: Opened, folder: Path, index: Path
) -> None:
    assert opened(index).search("lihgthosue shnies nihgt") == []
    build([folder], index, vectors="letters")
    assert Path(opened(index).search("lihgthosue shnies nihgt")[0].file).name == "book.epub"
    assert Path(opened(index).search("castle")[0].file).name == "castle.pdf"
    assert {Path(h.file).suffix for h in opened(index).search("castle", 9, "path=*.md")} == {".md"}


def test_what_was_stopped_goes_on(
    counted: list[int], opened: Opened, folder: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(setting: object, index: str) -> Callable[..., Any]:
        raise UserError("the model is missing")

    monkeypatch.setattr(VectorSearch, "at_once", 3)
    with monkeypatch.context() as patch:
        patch.setattr(engines, "embeds_of", fails)
        with pytest.raises(UserError, match="missing"):
            build([folder], index, vectors="letters")
    waiting = opened(index).summary().waiting
    assert waiting == len(passages_of(index)) and vectors_of(index) == set()
    assert opened(index).summary().vectors == "letters"

    def stops(self: Waiting, told: Any, numbers: Any, original: Any = Waiting._tell) -> None:
        original(self, told, numbers)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Waiting, "_tell", stops)
        with pytest.raises(KeyboardInterrupt):
            update.update(index)
    assert vectors_of(index) == set()  # told and undone together
    update.update(index)
    assert vectors_of(index) == passages_of(index) and opened(index).summary().waiting == 0


def test_a_reader_sees_new_vectors(
    counted: list[int], opened: Opened, folder: Path, index: Path
) -> None:
    build([folder], index, vectors="letters")
    standing = opened(index)
    assert "zygote" not in standing.search("zzyyggoottee", 1)[0].text
    (folder / "new.txt").write_text("zygote zygote")
    update.update(index)
    assert "zygote" in standing.search("zzyyggoottee", 1)[0].text


def test_int8_products_are_nearly_cosines() -> None:
    vectors = np.random.default_rng(0).normal(size=(5000, 64)).astype(np.float32)
    whole, scales = quantized(vectors)
    exact = unit(vectors) @ unit(vectors[:1])[0]
    found = products(whole, scales, unit(vectors[:1])[0])
    assert np.abs(exact - found).max() < 0.01 and found.argmax() == 0
    assert (quantized(np.zeros((1, 4), np.float32))[0] == 0).all()


def test_a_passage_is_embedded_below_its_headings() -> None:
    entry = Entry(1, "Mills", "Mills\nHistory", "Built in 1843.")
    assert told(entry) == "Mills\nHistory\nBuilt in 1843."
    assert told(Entry(1, "", "", "Alone.")) == "Alone."


def test_fusion_is_of_ranks() -> None:
    assert doctest.testmod(fusion).failed == 0
    words = [Ranked(1, 90.0), Ranked(2, 3.0)]
    vectors = [Ranked(3, 0.9), Ranked(2, 0.8)]
    found = fused([(2.0, words), (1.0, vectors)], 9)
    assert [each.id for each in found] == [2, 1, 3]
    assert found[0].score == pytest.approx(2 / 12 + 1 / 12)


def test_a_real_encoder_gives_the_vectors(
    opened: Opened, folder: Path, index: Path, minilm: Path
) -> None:
    build([folder], index, vectors=str(minilm))
    hits = opened(index).search("When did the fortress catch fire?")
    assert Path(hits[0].file).name == "castle.pdf"
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute(
            "UPDATE settings SET value = ?",
            (f'{{"model": "{minilm}", "sha256": "another"}}',),
        )
    with pytest.raises(UserError, match="of another model than"):
        opened(index).search("fortress")
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute(
            "UPDATE settings SET value = ?", ('{"model": "/nowhere", "sha256": "another"}',)
        )
    with pytest.raises(UserError, match="the model of its vectors is missing"):
        opened(index).search("fortress")
