"""Continuous bag of words beside gensim's, at equal settings, on equal words.

Both have the same width, window and texts. gensim has `sample=0`, `shrink_windows=False` and 5
negatives of its own for each word; ours has candidates that a batch shares. How good the vectors
become is measured by `python -m benchmarks.quality.cbow`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from benchmarks.harness.operations import TRAINING, linear
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, Context, Facts, Side, Work
from benchmarks.works.pretraining_text import words
from benchmarks.works.training import train
from headwater.models.build import build_model
from headwater.models.cbow.family import CBOWConfig
from headwater.models.families import FAMILIES
from headwater.objectives.cbow import WordWindows, WordWindowsConfig
from headwater.training.config import TrainingConfig

WIDTH, WINDOW, SAMPLES, BATCH = 100, 5, 256, 8192
STEPS = 30  # of a turn: about 240,000 words
LONGEST = 10_000  # words: gensim passes over what follows in one text


def prepare(context: Context) -> None:
    """Make the store."""
    words(context)


def headwaters(turns: Turns, context: Context) -> Facts:
    """Train by the Trainer, with the family's own settings."""
    store = words(context)
    features = WordWindows(store, WordWindowsConfig(window=WINDOW))
    size = store.info.vocabulary.size
    config = TrainingConfig.check(
        {"steps": 10**6, "batch": {"tokens": BATCH}, **FAMILIES["cbow"].training}, "benchmark"
    )
    model = build_model(CBOWConfig(vocab_size=size, vector_size=WIDTH, samples=SAMPLES))
    lengths = features.lengths
    found = train(
        *(turns, model, features, config),
        pad_id=0,
        steps=context.some(STEPS),
        size=lambda index: int(lengths[index]) - 2 * WINDOW,
    )
    return {**found, OPERATIONS: TRAINING * linear(1, WIDTH, SAMPLES)}


def gensims(turns: Turns, context: Context) -> Facts:
    """Train by gensim, an epoch in each turn."""
    store = words(context)
    vocabulary = store.load_vocabulary()
    texts = texts_of(store, [vocabulary.token(id) for id in range(vocabulary.size)])
    model = word2vec(texts, workers=context.threads)
    for _ in turns:
        model.train(texts, total_examples=model.corpus_count, epochs=1)
        turns.count(sum(map(len, texts)))
    return {}


def word2vec(texts: list[list[str]], *, workers: int, seed: int = 0, **sizes: int) -> Any:
    """Return gensim's model with fresh vectors of the words of texts."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        sg=0, hs=0, cbow_mean=1, negative=5, sample=0, min_count=1, workers=workers,
        shrink_windows=False, seed=seed, **{"vector_size": WIDTH, "window": WINDOW, **sizes},
    )  # fmt: skip
    model.build_vocab(texts)
    return model


def texts_of(store: Any, known: Sequence[str]) -> list[list[str]]:
    """Return the words of a store, in texts that gensim reads to their ends.

    Args:
        known: the words by their ids.
    """
    return [
        [known[id] for id in store.tokens[begin : min(begin + LONGEST, end)].tolist()]
        for first, end in pairwise(store.documents.tolist())
        for begin in range(first, end, LONGEST)
    ]


WORK = Work(
    "cbow",
    "CBOW, width 100, window 5",
    "words/s",
    (Side("headwater", headwaters), Side("gensim", gensims, ("gensim",))),
    prepare=prepare,
)
