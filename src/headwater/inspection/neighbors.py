"""What the models of words say of a place from the words around it, and not from its own.

CBOW   from the mean of the words within the window
ELMo   forward from those before it, backward from those after it: the product of both chances
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from headwater.errors import UserError
from headwater.models.cbow.network import CBOW
from headwater.models.elmo.network import ELMo


def neighbor_logits(network: CBOW | ELMo, ids: Tensor) -> Tensor:
    """Return `[length, words]` of a text `[1, length]`.

    Raises:
        UserError: the text is a single word, or the ELMo has no softmax.
    """
    if ids.shape[1] < 2:
        raise UserError("the text is a single word; this model tells a word from those around it")
    return _window(network, ids) if isinstance(network, CBOW) else _both_sides(network, ids)


def _window(network: CBOW, ids: Tensor) -> Tensor:
    place = torch.arange(ids.shape[1], device=ids.device)
    distance = (place - place[:, None]).abs()
    # There are fewer words at the ends of the text.
    near = ((distance > 0) & (distance <= network.config.window)).float()
    means = near @ network.token(ids[0]) / near.sum(1, keepdim=True)
    return network.output.logits(means)


def _both_sides(network: ELMo, ids: Tensor) -> Tensor:
    if network.softmax is None:
        raise UserError("this ELMo has no softmax over words: it gives vectors alone")
    forward, backward = network.states(network.tokens({"input_ids": ids}))[-1][:, 0]
    before, after = (
        network.softmax.logits(states).log_softmax(-1) for states in (forward[:-1], backward[1:])
    )
    return F.pad(before, (0, 0, 1, 0)) + F.pad(after, (0, 0, 0, 1))
