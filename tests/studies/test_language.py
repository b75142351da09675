"""The made-up language: its text tells a noun's kind, its tasks do not."""

from collections import Counter
from itertools import pairwise

import pytest

from headwater.studies.language import KINDS, TASKS, Language

LANGUAGE = Language()


def _words(texts: list[str]) -> set[str]:
    return {word for text in texts for word in text.split()}


def test_the_same_seed_is_the_same_text() -> None:
    assert Language().documents(3, seed=1) == LANGUAGE.documents(3, seed=1)
    assert LANGUAGE.documents(3, seed=1) != LANGUAGE.documents(3, seed=2)


@pytest.mark.parametrize("task", TASKS)
def test_parts_and_seeds_are_other_draws_in_the_words_of_the_text(task: str) -> None:
    examples = LANGUAGE.examples(task, 300, 0, "train")
    assert examples == Language().examples(task, 300, 0, "train")
    assert examples != LANGUAGE.examples(task, 300, 0, "test")
    assert examples != LANGUAGE.examples(task, 300, 1, "train")
    known = _words(LANGUAGE.documents(400, seed=0)) | {*KINDS, "what", "?", ","}
    texts = ["text", "first", "second", "question", "context", "words"]
    used = {
        word
        for example in examples
        for key in texts
        for word in (
            example.get(key, "").split() if isinstance(example.get(key, ""), str) else example[key]
        )
    }
    assert len(used - known) <= 0.02 * len(used)  # the rarest nouns may be missing


def test_a_clear_nouns_neighbors_are_of_its_kind() -> None:
    """In running text a noun stands with verbs of its own kind alone."""
    verbs = {verb: kind for kind, own in LANGUAGE.verbs.items() for verb in own}
    nouns = {
        example["text"].split()[3]: example["label"]
        for example in LANGUAGE.examples("kind", 2000, 0, "a")
    }
    seen: Counter[bool] = Counter()
    for text in LANGUAGE.documents(200, seed=0):
        words = text.split()
        for noun, verb in pairwise(words):
            if noun in nouns and verb in verbs:
                seen[nouns[noun] == verbs[verb]] += 1
    assert seen[True] > 300
    assert seen[False] == 0


def test_no_one_sense_is_right_for_an_ambiguous_noun() -> None:
    """The best single answer for each noun is right about half the time."""
    found: dict[str, Counter[str]] = {}
    for example in LANGUAGE.examples("sense", 4000, 0, "train"):
        (context,) = [context for context, tag in enumerate(example["tags"]) if tag != "O"]
        found.setdefault(example["words"][context], Counter())[example["tags"][context]] += 1
    assert all(len(senses) == 2 for senses in found.values())
    best = sum(max(senses.values()) for senses in found.values())
    assert 0.5 <= best / 4000 < 0.6


def test_kinds_and_labels_are_balanced() -> None:
    for task, least in (("kind", 0.22), ("either", 0.45), ("mood", 0.45)):
        labels = Counter(example["label"] for example in LANGUAGE.examples(task, 2000, 0, "train"))
        assert set(labels) == set(TASKS[task]["labels"])
        assert min(labels.values()) / 2000 > least


def test_an_answer_stands_once_in_its_context() -> None:
    for example in LANGUAGE.examples("find", 500, 0, "train"):
        assert example["context"].split().count(example["answer"]) == 1
