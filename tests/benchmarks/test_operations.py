"""The operations that are counted are those of the networks."""

import pytest
import torch
from benchmarks.harness.operations import Stack, linear
from torch.utils.flop_counter import FlopCounterMode

import tiny
from headwater.models.build import build_model

LENGTH, TARGETS = 24, 8


def counted(network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval().loss_sums(batch)
    return int(counter.get_total_flops())


def test_those_of_a_bert_with_all_tokens_masked() -> None:
    config = tiny.bert_config()
    ids = torch.randint(5, config.vocab_size, (1, LENGTH))
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids).bool(), "labels": ids}
    layers = Stack(config.num_hidden_layers, config.hidden_size, config.intermediate_size)
    width = config.hidden_size
    expected = layers.read(LENGTH) + linear(LENGTH, width, width + config.vocab_size)
    assert counted(build_model(config, "masked_lm"), batch) == pytest.approx(expected, rel=0.02)


def test_those_of_a_t5() -> None:
    config = tiny.t5_config()
    ids = torch.randint(5, config.vocab_size, (1, LENGTH))
    batch = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids).bool(),
        "labels": ids[:, :TARGETS],
    }
    heads = config.num_heads * config.d_kv
    layers = Stack(config.num_layers, config.d_model, config.d_ff, heads)
    decoder = layers.read(TARGETS) + layers.attend(TARGETS, LENGTH)
    output = linear(TARGETS, config.d_model, config.vocab_size)
    expected = layers.read(LENGTH) + decoder + output
    assert counted(build_model(config), batch) == pytest.approx(expected, rel=0.02)
