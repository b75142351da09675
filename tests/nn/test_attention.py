"""Attention in bf16 without the passes of a softmax, and rows that share a memory."""

import pytest
import torch
from torch import Tensor

from headwater.nn.attention import KeyValues, mix_in_bf16, square_attention
from headwater.nn.masks import additive


def drawn(*shape: int, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def padding(batch: int, keys: int) -> Tensor:
    allowed = torch.ones(batch, 1, 1, keys, dtype=torch.bool)
    allowed[1:, :, :, keys // 2 :] = False
    bias = additive(allowed, torch.float32)
    assert bias is not None
    return bias


BIASES = {
    "none": None,
    "padding": padding(3, 24),
    "of positions": drawn(1, 2, 20, 24) + padding(3, 24),
}


@pytest.mark.parametrize("name", BIASES)
def test_the_mix_is_that_of_a_softmax(name: str) -> None:
    scores, values = drawn(3, 2, 20, 24, size=4).bfloat16(), drawn(3, 2, 24, 8).bfloat16()
    bias = BIASES[name]
    exact = scores.float() if bias is None else scores.float() + bias
    expected = torch.softmax(exact, -1) @ values.float()
    mixed = mix_in_bf16(scores, bias, values)
    assert mixed is not None
    assert (mixed.float() - expected).abs().max() < 2**-7 * expected.abs().max()


@pytest.mark.parametrize("offset", [-120.0, 120.0])
def test_sums_beyond_the_range_are_left_to_the_softmax(offset: float) -> None:
    scores, values = drawn(3, 2, 20, 24), drawn(3, 2, 24, 8).bfloat16()
    scores[1, 1, 7] += offset
    assert mix_in_bf16(scores.bfloat16(), None, values) is None
    attention = square_attention(16, 2, 0.0).bfloat16().eval()
    hidden = drawn(3, 20, 16, size=60).bfloat16()  # scores of some hundreds
    with torch.no_grad():
        expected = attention(hidden)
        attention.in_bf16 = True
        found = attention(hidden)
    assert torch.isfinite(found).all()
    assert torch.equal(found, expected)


def test_a_query_that_sees_nothing_is_left_to_the_softmax() -> None:
    allowed = torch.ones(1, 1, 20, 20, dtype=torch.bool).tril(-1)  # the first sees nothing
    scores, values = drawn(1, 2, 20, 20).bfloat16(), drawn(1, 2, 20, 8).bfloat16()
    assert mix_in_bf16(scores, additive(allowed, torch.float32), values) is None


def test_few_queries_are_left_to_the_softmax() -> None:
    assert mix_in_bf16(drawn(1, 2, 1, 20).bfloat16(), None, drawn(1, 2, 20, 8).bfloat16()) is None


def test_rows_that_share_a_memory_read_what_they_would_read_alone() -> None:
    attention = square_attention(16, 2, 0.0).eval()
    hidden, bias = drawn(6, 1, 16), padding(2, 24)
    memory = attention.keys_values(drawn(2, 24, 16))
    apart = KeyValues(*(each.repeat_interleave(3, 0) for each in memory))
    with torch.no_grad():
        shared = attention(hidden, bias, memory)
        expected = attention(hidden, bias.repeat_interleave(3, 0), apart)
    assert torch.allclose(shared, expected, atol=1e-6)
