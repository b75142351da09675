"""Prepare a BERT trained on short sequences for longer ones: its positions are repeated.

python recipes/lengthen.py runs/bodies/bert-short 32 runs/bodies/bert-longer

Positions from 32 on have not been trained. They begin as copies of 1 to 31 (0 is that of [CLS]), as
the Longformer's begin as RoBERTa's (Beltagy et al. 2020, section 5).
"""

import argparse
from pathlib import Path

import torch

from headwater.checkpoints.folder import load_model, read_extra, save_model
from headwater.checkpoints.hub import resolve
from headwater.models.heads import ModelWithHead
from headwater.text.loading import load_vocabulary


def main() -> None:
    """Read the run's model and write the folder."""
    parser = argparse.ArgumentParser(description="Prepare a BERT for longer sequences.")
    parser.add_argument("model")
    parser.add_argument("known", type=int, help="the positions that were trained")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    source, known = resolve(options.model), options.known
    model = load_model(source).model
    assert isinstance(model, ModelWithHead)
    positions = model.body.embeddings.position.weight
    new = torch.arange(known, len(positions))
    with torch.no_grad():
        positions[new] = positions[1 + (new - known) % (known - 1)]
    save_model(options.output, model, vocabulary=load_vocabulary(source), extra=read_extra(source))


if __name__ == "__main__":
    main()
