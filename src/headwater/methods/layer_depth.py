"""How deep in a model its parameters stand, by their names.

    0                    the head, the output layer, a pooler
    1                    the top layer of each stack, and the norm after it
    2, 3, ...            the layers below
    one more than any    embeddings

>>> names = ["body.embeddings.token.weight", "body.layers.0.a", "body.layers.1.a", "head.weight"]
>>> list(depths(names).values())
[3, 2, 1, 0]
"""

import re
from collections import Counter
from collections.abc import Iterable

_LAYER = re.compile(r"(.*?)layers\.(\d+)\.")
_EMBEDDINGS = re.compile(r"(^|\.)(embeddings?|token|position)\.|^(body\.)?projection\.")
"""A projection widens narrow vectors of tokens for the first layer."""


def depths(names: Iterable[str]) -> dict[str, int]:
    """Return how deep in a model each parameter stands, by its name.

    A T5's encoder and decoder are two stacks; positions are a bias of a stack's layers from the
    lowest on, and stand as deep as that.
    """
    names = list(names)
    layers: Counter[str] = Counter()
    for name in names:
        if found := _LAYER.match(name):
            layers[found[1]] = max(layers[found[1]], int(found[2]) + 1)
    bottom = 1 + max(layers.values(), default=0)
    return {name: _depth(name, layers, bottom) for name in names}


def _depth(name: str, layers: Counter[str], bottom: int) -> int:
    if found := _LAYER.match(name):
        return layers[found[1]] - int(found[2])
    for stack, count in layers.items():
        rest = name.removeprefix(stack)
        if name.startswith(stack) and rest.startswith("norm."):
            return 1
        if name.startswith(stack) and rest.startswith("positions."):
            return count
    return bottom if _EMBEDDINGS.search(name) else 0
