"""Passages per second as vectors: headwater beside sentence-transformers.

    OMP_NUM_THREADS=1 python benchmarks/embedding.py --model MINILM --squad dev-v1.1.json

All sides embed the same passages in turns, each turn other ones, and processor time is what is
compared, so that other work on the machine counts for none. The sides are ours, theirs, and ours in
bf16.
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np
from paired.turns import print_ratios
from sentence_transformers import SentenceTransformer

import headwater
from headwater.tasks.retrieval import RETRIEVAL, passage_numbers


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="a folder of sentence-transformers")
    parser.add_argument("--squad", type=Path, required=True)
    parser.add_argument("--passages", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    passages = list(passage_numbers(RETRIEVAL.read([options.squad])))
    random.Random(3).shuffle(passages)
    ours = headwater.load(options.model, "cpu")
    half = headwater.load(options.model, "cpu", precision="bf16")
    theirs = SentenceTransformer(options.model, device="cpu", local_files_only=True)
    sides = {
        "ours": ours.embed,
        "theirs": lambda texts: theirs.encode(texts, show_progress_bar=False),
        "ours-bf16": half.embed,
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(options.turns):
        texts = passages[turn : options.passages : options.turns]
        found = {}
        for name, embed in sides.items():
            begin = time.process_time()
            found[name] = embed(texts)
            rates[name].append(len(texts) / (time.process_time() - begin))
        print(", ".join(f"{name} {_difference(found['ours'], found[name])}" for name in sides))
    print_ratios(rates, "ours", "passages")


def _difference(first: np.ndarray, second: np.ndarray) -> str:
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1)
    cosines /= np.linalg.norm(second, axis=1)
    most = float(np.abs(first - second).max())
    return f"differs by {most:.1e} at most (cosine {float(cosines.min()):.6f})"


if __name__ == "__main__":
    main()
