"""Continuous bag of words beside gensim's: words a second, and what the vectors know.

    headwater vocabulary train BOOKS --kind word --lower-case --size 20000 --output words
    headwater corpus build BOOKS --vocabulary words --output store
    python -m benchmarks.quality.cbow --store store    (gensim must be installed)

Both read the same words (of the same vocabulary, `[UNK]` among them), with the same width, window
and epochs, each on one core; gensim with `sample=0`, `shrink_windows=False` and 5 negatives of its
own for each word, we with candidates that a batch shares. They take turns, an epoch each, and
processor time is what is compared, so that other work on the machine counts for neither. What the
vectors know is told by `word_pairs.txt`:

    first, among ten    share of analogies a : b = c : d in which d is the nearest to b - a + c, or
                        one of the ten nearest
    area                chance that a related pair is nearer than a wrong one; 0.5 by chance
"""

import argparse
import statistics
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from benchmarks.harness.report import quartiles
from benchmarks.works.cbow import texts_of, word2vec
from headwater.corpus.store import TokenStore
from headwater.data.batching import collate, plan_epoch
from headwater.errors import UserError
from headwater.inference.unit_vectors import unit
from headwater.inference.word_vectors import WordVectors
from headwater.models.build import build_model
from headwater.models.cbow.family import CBOWConfig
from headwater.models.families import FAMILIES
from headwater.objectives.cbow import WordWindows, WordWindowsConfig
from headwater.training.config import TrainingConfig
from headwater.training.optimizers import build_optimizer, set_learning_rate
from headwater.training.schedules import learning_rate
from headwater.training.step import Stepper

PAIRS = Path(__file__).with_name("word_pairs.txt")


def ours(store: SimpleNamespace, words: int, options: argparse.Namespace):
    """Yield the table of vectors, fresh and after each epoch of training."""
    torch.manual_seed(options.seed)
    rows = WordWindows(store, WordWindowsConfig(window=options.window))
    model = build_model(
        CBOWConfig(vocab_size=words, vector_size=options.width, samples=options.samples)
    ).train()
    plans = [
        plan_epoch(rows.lengths, tokens=options.batch, seed=options.seed, epoch=epoch)
        for epoch in range(options.epochs)
    ]
    total = sum(map(len, plans))
    config = TrainingConfig.check(
        {"steps": total, **FAMILIES["cbow"].training}
        | ({"learning_rate": options.rate} if options.rate else {}),
        "benchmark",
    )
    optimizer = build_optimizer(model, config)
    device, dtype = torch.device("cpu"), getattr(torch, options.dtype)
    stepper = Stepper(model, optimizer, config, device, dtype)
    step = 0
    yield model.token.weight.detach().numpy()
    for epoch, plan in enumerate(plans):
        for parts in plan:
            step += 1
            set_learning_rate(optimizer, learning_rate(config, step, total))
            batches = [collate(rows.features(part, epoch), 0) for part in parts]
            stepper.run(batches, options.seed * total + step, step)
        yield model.token.weight.detach().numpy()


def gensims(texts: list[list[str]], words: list[str], options: argparse.Namespace):
    """The same by gensim, with rows by our ids."""
    sizes = {"vector_size": options.width, "window": options.window}
    model = word2vec(texts, workers=1, seed=options.seed, **sizes)
    yield _table(model, words)
    falling = np.linspace(options.alpha, 1e-4, options.epochs + 1)
    for start, end in pairwise(falling.tolist()):
        model.train(
            texts, total_examples=model.corpus_count, epochs=1, start_alpha=start, end_alpha=end
        )
        yield _table(model, words)


def _table(model: Any, words: list[str]) -> np.ndarray:
    table = np.zeros((len(words), model.vector_size), np.float32)
    for id, word in enumerate(words):
        if word in model.wv:
            table[id] = model.wv[word]
    return table


def groups() -> dict[str, list[tuple[str, str]]]:
    """Read the word pairs by group."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in PAIRS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found[line[1:-1]] = []
        elif line and not line.startswith("#"):
            first, second = line.split()
            found[list(found)[-1]].append((first, second))
    return found


def judge(vectors: WordVectors) -> dict[str, float]:
    """Return the shares of `analogies`, among 1 and 10, and the area of `related`."""
    known = {
        name: [pair for pair in pairs if _knows(vectors, *pair)] for name, pairs in groups().items()
    }
    related = known.pop("related")
    ranks = []
    for pairs in known.values():
        for (a, b), (c, d) in pairwise([*pairs, pairs[0]]):
            near = [each.word for each in vectors.nearest([b, c], [a], 10)]
            ranks.append(near.index(d) if d in near else 10)
    units = unit(vectors.vectors)
    first, second = (units[[vectors.index(pair[side]) for pair in related]] for side in (0, 1))
    cosines = first @ second.T
    right, wrong = np.diag(cosines), cosines[~np.eye(len(related), dtype=bool)]
    return {
        "analogies": len(ranks),
        "first": float(np.mean(np.array(ranks) == 0)),
        "among ten": float(np.mean(np.array(ranks) < 10)),
        "related pairs": len(related),
        "area": float((right[:, None] > wrong).mean()),
    }


def _knows(vectors: WordVectors, *words: str) -> bool:
    try:
        return all(vectors.index(word) >= 0 for word in words)
    except UserError:
        return False


def cut(store: TokenStore, words: int) -> SimpleNamespace:
    """Take the first documents of a store, about so many words of them."""
    count = int(np.searchsorted(store.documents, words, side="left"))
    bounds = np.asarray(store.documents[: count + 1])
    return SimpleNamespace(
        tokens=store.tokens[: bounds[-1]], documents=bounds, sentences=bounds, fingerprint="cut"
    )


def main() -> None:
    """Take turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--words", type=int, default=2_000_000, help="so much of the store")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--rate", type=float, help="our learning rate [the default]")
    parser.add_argument("--alpha", type=float, default=0.025, help="gensim's learning rate")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    opened = TokenStore.open(options.store)
    vocabulary = opened.load_vocabulary()
    store = cut(opened, options.words)
    words = [vocabulary.token(id) for id in range(vocabulary.size)]
    texts = texts_of(store, words)
    count = len(store.tokens)
    print(
        f"{count:,} words, {options.epochs} epochs, width {options.width}, window {options.window}"
    )
    learners = {
        "headwater": ours(store, vocabulary.size, options),
        "gensim": gensims(texts, words, options),
    }
    for learner in learners.values():
        next(learner)  # neither is timed while it is built
    speeds: dict[str, list[float]] = {name: [] for name in learners}
    for epoch in range(options.epochs):
        for name, learner in learners.items():
            begin = time.process_time()
            table = next(learner)
            speeds[name].append(count / (time.process_time() - begin))
            found = judge(WordVectors(vocabulary, table))
            shown = "  ".join(f"{key} {value:.3g}" for key, value in found.items())
            print(
                f"epoch {epoch + 1}  {name:9}  {speeds[name][-1]:9,.0f} words/s  {shown}",
                flush=True,
            )
    low, middle, high = quartiles([a / b for a, b in zip(*speeds.values(), strict=True)])
    for name, each in speeds.items():
        spread = f"({min(each):,.0f} to {max(each):,.0f})"
        print(f"{name:9}  {statistics.median(each):9,.0f} words/s {spread}")
    print(f"headwater / gensim  {middle:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
