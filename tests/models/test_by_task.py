"""A loss shown task by task is the same loss."""

import pytest
import torch

import tiny
from headwater.models.losses import IGNORED, SharedLossModel
from headwater.models.text_to_text import PerTaskLoss, TextToText


@pytest.fixture
def network() -> TextToText:
    model = tiny.t5(num_layers=1, num_decoder_layers=1, dropout=0.0)
    assert isinstance(model, TextToText)
    return model.double()


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(2, 40, (4, 6), generator=generator)
    labels[0, 2:] = IGNORED
    labels[3, 5:] = IGNORED
    ids = torch.randint(2, 40, (4, 5), generator=generator)
    return {"input_ids": ids, "labels": labels, "task": torch.tensor([2, 0, 2, 0])}


def test_terms_add_up_to_the_loss_and_its_gradient(network: TextToText) -> None:
    by_task = PerTaskLoss(network, ("cola", "rte", "squad"))
    assert isinstance(by_task, SharedLossModel)
    plain = network.loss_sums(batch())["tokens"]
    plain.backward()
    expected = {
        name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None
    }
    network.zero_grad()
    sums = by_task.loss_sums(batch())
    total = torch.stack(list(sums.values())).sum()
    total.backward()
    torch.testing.assert_close(total, plain, rtol=1e-12, atol=0)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-9, atol=1e-12)
    assert float(sums["rte"].detach()) == 0.0
    own = {0: batch()["labels"].clone(), 2: batch()["labels"].clone()}
    for task, labels in own.items():
        labels[batch()["task"] != task] = IGNORED
        alone = network.loss_sums(batch() | {"labels": labels})["tokens"]
        torch.testing.assert_close(sums[by_task.names[task]], alone, rtol=1e-12, atol=0)


def test_counts(network: TextToText) -> None:
    by_task = PerTaskLoss(network, ("cola", "rte", "squad"))
    assert by_task.loss_counts(batch()) == {"cola": 19, "rte": 19, "squad": 19}
    assert by_task.own_counts(batch()) == {"cola": 11, "rte": 0, "squad": 8}
