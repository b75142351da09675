"""What of a sharded model is gathered when it computes, and let go after.

All else is gathered with the root, for the whole of a step: embeddings, heads, what of a decoder's
layers is asked for before the layer is called, and layers that are never called themselves.
"""

from torch import nn

from headwater.nn.block import BorrowingBlock
from headwater.training.recomputing import layers_of


def gathered_apart(model: nn.Module) -> list[nn.Module]:
    """Return the layers, or parts of them, that are gathered each by itself."""
    lent = {each.lender for each in model.modules() if isinstance(each, BorrowingBlock)}
    return [part for layer in layers_of(model) if layer not in lent for part in _parts(layer)]


def _parts(layer: nn.Module) -> list[nn.Module]:
    """Return what of a layer is gathered when it computes.

    A decoder's cross-attention projects the memory before its layer begins: it stays outside.
    """
    parts = dict(layer.named_children())
    return [layer] if "cross" not in parts else [parts[name] for name in parts if name != "cross"]
