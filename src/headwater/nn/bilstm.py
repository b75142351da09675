"""A bidirectional LSTM over sequences of unequal lengths (Hochreiter and Schmidhuber 1997).

`torch.nn.LSTM` reads padded sequences right only as a `PackedSequence`, which takes two or three
times as long on a CPU (LOG.md, "packed rows"). So each direction runs by itself, the left one over
sequences that are reversed within their lengths, by `torch.lstm`: the function, not in torch's
documentation, that `torch.nn.LSTM` calls.
"""

import torch
from torch import Tensor, nn


def bilstm(inputs: int, hidden_size: int) -> nn.LSTM:
    """Return the weights: `[batch, length, inputs]` -> `[batch, length, 2 * hidden_size]`."""
    return nn.LSTM(inputs, hidden_size, batch_first=True, bidirectional=True)


def bilstm_states(lstm: nn.LSTM, vectors: Tensor, mask: Tensor) -> Tensor:
    """Run a BiLSTM over the real positions, each direction from its own end.

    `torch.nn.LSTM` reads padded sequences right only as a `PackedSequence`, which takes two or
    three times as long on a CPU (LOG.md, "packed rows"). So each direction runs by itself, the left
    one over sequences that are reversed within their lengths, by `torch.lstm`: the function, not in
    torch's documentation, that `torch.nn.LSTM` calls.

    Args:
        vectors: `[batch, length, inputs]`.
        mask: `[batch, length]`, not 0 on real positions, which come first.

    Returns:
        `[batch, length, 2 * hidden_size]`, 0 on padding.
    """
    positions = torch.arange(mask.shape[1], device=mask.device)
    lengths = mask.long().sum(1)[:, None]
    real = positions < lengths
    reversed_positions = torch.where(real, lengths - 1 - positions, positions)[:, :, None]
    with torch.autocast(vectors.device.type, enabled=False):  # it has no bf16 everywhere
        vectors = vectors.float()
        right = _direction(lstm, vectors, "l0")
        left = _direction(lstm, vectors.take_along_dim(reversed_positions, 1), "l0_reverse")
    both = torch.cat((right, left.take_along_dim(reversed_positions, 1)), 2)
    return both.masked_fill(~real[:, :, None], 0)


def _direction(lstm: nn.LSTM, vectors: Tensor, name: str) -> Tensor:
    """Run one direction from the first position to the last."""
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights: list[Tensor] = [lstm.get_parameter(f"{part}_{name}") for part in parts]
    zeros = vectors.new_zeros(1, len(vectors), lstm.hidden_size)
    states: Tensor = torch.lstm(
        vectors, (zeros, zeros), weights, True, 1, 0.0, lstm.training, False, True
    )[0]
    return states
