"""Several models that share the tensors of one body in memory.

    body                 embeddings  layer 0  layer 1  ...      one set of tensors
    share(body) + rte        .          .        .         + adapters and a head of its own
    share(body) + cola       .          .        .         + adapters and a head of its own

To leave one out again is to drop it: nothing of the body was ever written.
"""

import copy
from typing import Any, TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def share(model: M) -> M:
    """Return a copy with modules and parameters of its own over the same memory.

    What is put into the copy, replaced there, frozen or given a gradient is not so in the model;
    what is written into a tensor of either is written for both.
    """
    kept: dict[int, Any] = {id(buffer): buffer for buffer in model.buffers()}
    for parameter in model.parameters():
        kept[id(parameter)] = nn.Parameter(parameter.detach(), parameter.requires_grad)
    return copy.deepcopy(model, kept)
