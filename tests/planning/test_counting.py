"""Counting without numbers: the same as with them, and as PyTorch's own tracker counts."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed._tools.mem_tracker import MemTracker
from torch.utils.flop_counter import FlopCounterMode

import tiny
from headwater.models.build import Model, empty_model
from headwater.models.config import ModelConfig
from headwater.planning.counting import Counter
from headwater.training.recomputing import recomputing

IDS = torch.randint(5, 40, (3, 16), generator=torch.Generator().manual_seed(0))
LABELS = IDS.where(IDS % 5 == 0, -100)
BATCH = {"input_ids": IDS, "attention_mask": torch.ones_like(IDS, dtype=torch.bool)}
LABELLED = {**BATCH, "labels": LABELS}
TAGGED = LABELLED | {"labels": LABELS.clamp(-100, 1)}
CASES = [
    pytest.param(tiny.bert_config(), "masked_lm", LABELLED, id="masked_lm"),
    pytest.param(tiny.bert_config(), "token", TAGGED, id="token"),
    pytest.param(tiny.t5_config(), None, LABELLED, id="t5"),
    pytest.param(tiny.gpt_config(), None, LABELLED, id="gpt"),
    pytest.param(tiny.encoder_decoder_config(), None, LABELLED, id="encoder_decoder"),
    pytest.param(tiny.cbow_config(), None, {**BATCH, "labels": IDS[:, 2:-2]}, id="cbow"),
]  # fmt: skip


def passes(model: Model, batch: Mapping[str, Tensor]) -> None:
    sums: Any = model.loss_sums(batch)  # type: ignore[operator]
    torch.stack([each / 2 for each in sums.values()]).sum().backward()


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize(("config", "head", "batch"), CASES)
def test_what_is_counted_without_numbers_is_what_is_held_with_them(
    config: ModelConfig, head: Any, batch: Mapping[str, Tensor], bf16: bool
) -> None:
    found = []
    for fake in (True, False):
        counter = Counter(fake=fake)
        with counter.building():
            model = empty_model(config, head)
        model.train()
        with counter, torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            passes(model, batch)
        found.append((counter.peak, counter.live))
    assert found[0] == pytest.approx(found[1], rel=0.01)


@pytest.mark.parametrize("fake", [False, True])
def test_a_weight_is_not_counted_again_where_it_is_used(fake: bool) -> None:
    counter = Counter(fake=fake)
    with counter.building():
        layer, given = nn.Linear(64, 64, bias=False), torch.ones(1, 64)
    with counter:
        made = layer(given)
        assert counter.live == made.nbytes


def test_recomputing_is_counted_as_the_less_that_it_takes() -> None:
    config = tiny.bert_config(num_hidden_layers=6)
    peaks = []
    for again in (False, True):
        counter = Counter()
        with counter.building():
            model = empty_model(config, "masked_lm")
        model.train()
        if again:
            with recomputing(model), counter:
                passes(model, LABELLED)
        else:
            with counter:
                passes(model, LABELLED)
        peaks.append(counter.peak)
    assert peaks[1] < 0.6 * peaks[0]


def test_pytorchs_own_tracker_counts_the_same() -> None:
    model = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64), nn.GELU())
    given = torch.ones(512, 64)

    def run() -> None:
        model.zero_grad(set_to_none=True)
        model(given).square().sum().backward()

    run()
    tracker = MemTracker()
    tracker.track_external(model)
    with tracker:
        run()
    theirs = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]
    weights = sum(each.nbytes for each in model.parameters())
    with Counter(fake=False) as counter:
        run()
    assert weights + counter.peak == pytest.approx(theirs, rel=0.1)


def test_pytorchs_own_counter_gives_the_same_flops() -> None:
    counter, theirs = Counter(), FlopCounterMode(display=False)
    with counter.building():
        model = empty_model(tiny.t5_config(), None)
    with theirs, counter:
        passes(model, LABELLED)
    assert counter.flops == theirs.get_total_flops() > 0
