"""The BiLSTM over features is torch's own over packed sequences, in states and gradients."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from headwater.nn.bilstm import bilstm_states


@pytest.mark.parametrize("lengths", [[7, 3, 1, 7], [1, 2], [5]])
def test_it_reads_each_sequence_as_a_packed_one(lengths: list[int]) -> None:
    torch.manual_seed(0)
    lstm = nn.LSTM(6, 4, batch_first=True, bidirectional=True)
    most = max(lengths) + 2  # sequences may be padded beyond the longest
    vectors = torch.randn(len(lengths), most, 6, requires_grad=True)
    mask = (torch.arange(most) < torch.tensor(lengths)[:, None]).long()
    packed = pack_padded_sequence(vectors, torch.tensor(lengths), True, False)
    wanted, _ = pad_packed_sequence(lstm(packed)[0], True, total_length=most)
    found = bilstm_states(lstm, vectors, mask)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    assert not found[mask == 0].any()
    weights = torch.randn_like(wanted)
    for one, other in zip(
        *(grads(lstm, vectors, s * weights) for s in (found, wanted)), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def grads(lstm: nn.LSTM, vectors: Tensor, weighed: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(weighed.sum(), [vectors, *lstm.parameters()])
