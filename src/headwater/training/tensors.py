"""A model's and an optimizer's tensors by name, taken out and put back."""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from headwater.errors import UserError
from headwater.training.optimizers import state_shapes

Tensors = dict[str, Tensor]


def of_model(model: nn.Module, excluded: Collection[str] = ()) -> Tensors:
    """Return parameters and persistent buffers by name; tied weights stand once."""
    found = dict(model.named_parameters())
    known = {id(p) for p in found.values()}
    everything = model.state_dict(keep_vars=True)
    found.update({name: value for name, value in everything.items() if id(value) not in known})
    return {name: value.detach() for name, value in found.items() if name not in excluded}


def into_model(
    model: nn.Module, saved: Mapping[str, Tensor], where: str, excluded: Collection[str] = ()
) -> None:
    """Copy saved tensors into the model in place; what is excluded stays, saved or not."""
    own = of_model(model, excluded)
    for name in sorted({*own, *saved}.difference(excluded)):
        if name not in saved or name not in own:
            side = "saved state" if name not in saved else "model"
            raise UserError(f"{where}: tensor {name} is missing from the {side}; another model?")
        if own[name].shape != saved[name].shape:
            raise UserError(
                f"{where}: tensor {name} has shape {list(saved[name].shape)}, the model's has "
                f"{list(own[name].shape)}; another model?"
            )
        if own[name].dtype != saved[name].dtype:
            raise UserError(
                f"{where}: tensor {name} is {_short(saved[name])}, the model's is "
                f"{_short(own[name])}; another model?"
            )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(saved[name])


def of_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer) -> Tensors:
    """Return the optimizer's state as `parameter/key`."""
    return {
        f"{name}/{key}": value
        for name, parameter in model.named_parameters()
        if parameter in optimizer.state
        for key, value in optimizer.state[parameter].items()
    }


def into_optimizer(
    model: nn.Module, optimizer: torch.optim.Optimizer, saved: Mapping[str, Tensor], where: str
) -> None:
    """Give the optimizer back what `of_optimizer` took; torch places it on the right device."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    content = optimizer.state_dict()
    flat = [p for group in optimizer.param_groups for p in group["params"]]
    by_name: dict[str, dict[str, Any]] = {}
    for key, value in saved.items():
        name, _, field = key.rpartition("/")
        by_name.setdefault(name, {})[field] = value
    own = {names[id(parameter)]: parameter for parameter in flat}
    for name, fields in by_name.items():
        expected = state_shapes(optimizer, own[name]) if name in own else {}
        if {key: tuple(value.shape) for key, value in fields.items()} != expected:
            raise UserError(f"{where}: not the optimizer's state of {name}; another optimizer?")
        if not all(value.is_floating_point() for value in fields.values()) or fields["step"] < 0:
            raise UserError(f"{where}: the optimizer's state of {name} is not what a step leaves")
    content["state"] = {index: by_name[name] for index, name in enumerate(own) if name in by_name}
    optimizer.load_state_dict(content)


def _short(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
