"""Tiny models of random weights, one for each kind of task."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tiny
from headwater.inference.loaded import LoadedModel

WORDS = ["the", "mill", "river", "is", "old", "who", "by", "ada", "built"]
LETTERS = tiny.LETTERS + "?.,"
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]

Model = Callable[[str], LoadedModel]
HEADS: Mapping[str, tuple[str | None, Sequence[str]]] = {
    "reader": ("span", ()),
    "tagger": ("token", TAGS),
    "classifier": ("sequence", ["bad", "good", "neither"]),
    "nli": ("sequence", ["entailment", "neutral", "contradiction"]),
    "filler": ("masked_lm", ()),
    "encoder": (None, ()),
}


def made(folder: Path, name: str) -> Path:
    """Save the model of a name."""
    if name in HEADS:
        head, labels = HEADS[name]
        vocabulary = tiny.wordpiece(folder / "vocabulary", WORDS, LETTERS)
        extra = {
            "spans": {"max_length": 64, "max_query_length": 20},
            "no_answer_threshold": -1000.0,
        }
        given = {"extra": extra} if head == "span" else {}
        return tiny.model_folder(folder / name, vocabulary, head, labels=labels, **given)
    if name == "t5":
        unigram = tiny.unigram(folder / "vocabulary", WORDS, LETTERS)
        return tiny.model_folder(folder / name, unigram, family="t5", d_model=32)
    vocabulary = tiny.example_words(folder / "words")
    return tiny.model_folder(folder / name, vocabulary, family="gpt", n_positions=64)
