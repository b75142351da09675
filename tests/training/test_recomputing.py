"""Layers that compute twice give the gradients of those that compute once, from less memory."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tiny
from headwater.errors import UserError
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.training.recomputing import recomputing

IDS = torch.arange(5, 37).reshape(2, 16)
MASK = torch.arange(16)[None] < torch.tensor([16, 9])[:, None]
FAMILIES = ["bert", "t5", "gpt", "encoder_decoder"]


def step(model: nn.Module) -> tuple[float, dict[str, Tensor], int]:
    """The loss, the gradients, and the bytes that are kept for them."""
    kept = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.nbytes
        return tensor

    model.zero_grad()
    torch.manual_seed(7)
    batch = {"input_ids": IDS, "attention_mask": MASK, "labels": IDS}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss: Tensor = sum(model.loss_sums(batch).values())  # type: ignore[operator]
    loss.backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return loss.item(), gradients, kept


def built(family: str) -> nn.Module:
    head = "masked_lm" if family == "bert" else None
    return tiny.model(tiny.CONFIGS[family](dropout=0.2), head).train()


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_are_equal_to_the_bit(family: str) -> None:
    model = built(family)
    loss, gradients, kept = step(model)
    with recomputing(model):
        again, recomputed, less = step(model)
    assert again == loss
    assert recomputed.keys() == gradients.keys()
    assert all(torch.equal(recomputed[name], each) for name, each in gradients.items())
    assert less < 0.8 * kept
    assert not any("forward" in vars(part) for part in model.modules())


def test_measuring_is_as_ever() -> None:
    model = built("t5").eval()
    memory = model.encode(IDS, MASK)
    with recomputing(model), torch.no_grad():
        cache = model.init_cache(memory, MASK)
        for token in range(3):
            model.step(IDS[:, token : token + 1], cache)
    assert cache.length == 3
    assert all(each.stored.keys.shape[2] == 3 for each in cache.own)


def test_a_model_without_layers_is_refused() -> None:
    with pytest.raises(UserError, match="no stack of layers"), recomputing(nn.Linear(2, 2)):
        pass


def test_a_run_gives_the_same_weights(tmp_path: Path) -> None:
    words = tiny.wordpiece(tmp_path / "words", tiny.WORDS)
    tiny.model_folder(tmp_path / "bert", words)
    tiny.cola(tmp_path / "cola.tsv", 16)
    weights: list[Any] = []
    for again in (False, True):
        recipe = Recipe.check(
            {
                "model": str(tmp_path / "bert"),
                "task": "cola",
                "data": {"train": [str(tmp_path / "cola.tsv")]},
                "training": tiny.exact_training(3, 8, gradient_checkpointing=again),
            },
            "test",
        )
        finetune(recipe, tmp_path / f"run-{again}")
        weights.append((tmp_path / f"run-{again}" / "model" / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
