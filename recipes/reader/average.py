"""Average the weights of models that were trained from the same one (Wortsman et al. 2022).

    python recipes/reader/average.py OUTPUT MODEL[=WEIGHT]...

A model's weight is 1 where none is given. Runs that began with the same weights and saw their data
in another order, or the model they began with, are mostly near enough for their average to be
better than each of them ("Model soups", section 3).
"""

import argparse
from pathlib import Path

import torch

from headwater.checkpoints.adapted import open_model
from headwater.checkpoints.folder import read_extra, save_model
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.vocabularies import vocabulary_of


def main() -> None:
    """Sum the weighted parameters in float64, and save the first model with the mean of all."""
    parser = argparse.ArgumentParser(description="Average the weights of models.")
    parser.add_argument("output", type=Path)
    parser.add_argument("models", nargs="+", metavar="MODEL[=WEIGHT]")
    options = parser.parse_args()
    given = [each.partition("=") for each in options.models]
    folders = [resolve(name) for name, _, _ in given]
    weights = [float(weight or 1) for _, _, weight in given]
    models = [open_model(folder).model for folder in folders]
    with torch.no_grad():
        for parameters in zip(*(each.parameters() for each in models), strict=True):
            mean = sum(w * p.double() for w, p in zip(weights, parameters, strict=True))
            parameters[0].copy_(mean / sum(weights))
    first = folders[0]
    save_model(options.output, models[0], vocabulary=vocabulary_of(first), extra=read_extra(first))


if __name__ == "__main__":
    main()
