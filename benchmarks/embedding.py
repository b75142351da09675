"""Passages per second as vectors: headwater beside sentence-transformers.

    python benchmarks/embedding.py --model MINILM --squad dev-v1.1.json --passages 1000 --turns 3

All sides embed the same passages in turns; the vectors must be equal to 1e-5 in float32. `--sides`
names some of them: ours, theirs, and ours in bf16.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from paired.turns import Side, print_ratios, take_turns
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
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--sides", default="ours,theirs,ours-bf16")
    options = parser.parse_args()
    passages = list(passage_numbers(RETRIEVAL.read([options.squad])))
    random.Random(3).shuffle(passages)
    passages = passages[: options.passages]
    ours = headwater.load(options.model, "cpu")
    half = headwater.load(options.model, "cpu", precision="bf16")
    theirs = SentenceTransformer(options.model, device="cpu", local_files_only=True)
    found: dict[str, np.ndarray] = {}

    def side(name: str) -> int:
        match name:
            case "theirs":
                found[name] = theirs.encode(passages, show_progress_bar=False)
            case "ours":
                found[name] = ours.embed(passages)
            case _:
                found[name] = half.embed(passages)
        return len(passages)

    def run(name: str) -> Side:
        return lambda: side(name)

    names = options.sides.split(",")
    print(f"{len(passages)} passages, {torch.get_num_threads()} threads")
    print_ratios(
        take_turns({name: run(name) for name in names}, options.turns), names[0], "passage"
    )
    first = found[names[0]]
    for name in names[1:]:
        cosine = (first * found[name]).sum(1) / np.linalg.norm(first, axis=1)
        cosine /= np.linalg.norm(found[name], axis=1)
        most = float(np.abs(first - found[name]).max())
        print(f"{name}: differs by {most:.1e} at most, lowest cosine {float(cosine.min()):.6f}")


if __name__ == "__main__":
    main()
