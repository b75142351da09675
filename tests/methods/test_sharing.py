"""Models that share a body's memory do not change it, and not each other."""

import torch

import tiny
from headwater.checkpoints.adapted import share
from headwater.methods.adapters import Adapters
from headwater.methods.config import AdaptersConfig, LoraConfig
from headwater.methods.lora import Lora, merge
from headwater.models.build import Model

IDS = torch.arange(6, 18).reshape(2, 6)
BATCH = {"input_ids": IDS, "labels": IDS}


def model(architecture: str = "shared") -> Model:
    return tiny.t5(architecture=architecture).eval()


def addresses(one: torch.nn.Module) -> dict[str, int]:
    return {name: each.data_ptr() for name, each in one.state_dict().items()}


def test_a_copy_has_parameters_of_its_own_over_the_same_memory() -> None:
    base = model()
    copy = share(base)
    assert addresses(copy) == addresses(base)
    assert not {id(each) for each in copy.parameters()} & {id(each) for each in base.parameters()}
    copy.requires_grad_(False)
    assert all(each.requires_grad for each in base.parameters())
    base(BATCH).sum().backward()
    assert all(each.grad is None for each in copy.parameters())
    assert torch.equal(copy(BATCH), base(BATCH))


def test_what_is_put_into_copies_stays_there() -> None:
    base = model()
    before, tensors = base(BATCH), addresses(base)
    one, other = share(base), share(base)
    torch.manual_seed(1)
    Adapters(AdaptersConfig(size=2)).attach(one)
    Lora(LoraConfig(rank=2)).attach(other)
    for each in (one, other):
        fresh = {
            name: torch.randn_like(p) for name, p in each.named_parameters() if p.requires_grad
        }
        each.load_state_dict(fresh, strict=False, assign=True)
    outputs = [one(BATCH), other(BATCH)]
    merge(other)
    assert not torch.equal(outputs[0], before) and not torch.equal(outputs[1], before)
    assert torch.equal(base(BATCH), before) and addresses(base) == tensors
    assert torch.equal(one(BATCH), outputs[0])  # the decoder still borrows from its own encoder


def test_a_bert_is_shared_with_its_buffers() -> None:
    base = tiny.bert("span").eval()
    base.register_buffer("seen", torch.ones(2))
    assert addresses(share(base)) == addresses(base)
