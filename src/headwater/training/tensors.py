"""A model's and an optimizer's tensors by name, taken out and put back."""

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor, nn

from headwater.distributed.processes import like as shapes_of
from headwater.errors import UserError
from headwater.training.optimizers import state_like

Tensors = dict[str, Tensor]
Placed = Callable[[Tensor, Tensor], Tensor]


def _as_it_is(tensor: Tensor, like: Tensor) -> Tensor:
    return tensor


def of_model(model: nn.Module, excluded: Collection[str] = ()) -> Tensors:
    """Return parameters and persistent buffers by name; tied weights stand once."""
    found = dict(model.named_parameters())
    known = {id(p) for p in found.values()}
    everything = model.state_dict(keep_vars=True)
    found.update({name: value for name, value in everything.items() if id(value) not in known})
    return {name: value.detach() for name, value in found.items() if name not in excluded}


def into_model(
    model: nn.Module,
    saved: Mapping[str, Tensor],
    where: str,
    excluded: Collection[str] = (),
    placed: Placed = _as_it_is,
) -> None:
    """Copy saved tensors into the model in place; what is excluded stays, saved or not.

    Args:
        placed: takes this process's part of a tensor, for where it goes.
    """
    own, like = of_model(model, excluded), shapes_of(saved)
    for name in sorted({*own, *like}.difference(excluded)):
        if name not in like or name not in own:
            side = "saved state" if name not in like else "model"
            raise UserError(f"{where}: tensor {name} is missing from the {side}; another model?")
        if own[name].shape != like[name].shape:
            raise UserError(
                f"{where}: tensor {name} has shape {list(like[name].shape)}, the model's has "
                f"{list(own[name].shape)}; another model?"
            )
        if own[name].dtype != like[name].dtype:
            raise UserError(
                f"{where}: tensor {name} is {_short(like[name])}, the model's is "
                f"{_short(own[name])}; another model?"
            )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(placed(saved[name], value))


def of_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer) -> Tensors:
    """Return the optimizer's state as `parameter/key`."""
    return {
        f"{name}/{key}": value
        for name, parameter in model.named_parameters()
        if parameter in optimizer.state
        for key, value in optimizer.state[parameter].items()
    }


def like_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer) -> Tensors:
    """Return tensors such as `of_optimizer` gives once all parameters have learned."""
    learning = {id(each) for group in optimizer.param_groups for each in group["params"]}
    return {
        f"{name}/{key}": value.detach()
        for name, parameter in model.named_parameters()
        if id(parameter) in learning
        for key, value in state_like(optimizer, parameter).items()
    }


def into_optimizer(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    saved: Mapping[str, Tensor],
    where: str,
    placed: Placed = _as_it_is,
) -> None:
    """Give the optimizer back what `of_optimizer` took; torch places it on the right device."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    content = optimizer.state_dict()
    flat = [p for group in optimizer.param_groups for p in group["params"]]
    fields: dict[str, list[str]] = {}
    for key in saved:
        name, _, field = key.rpartition("/")
        fields.setdefault(name, []).append(field)
    own = {names[id(parameter)]: parameter for parameter in flat}
    by_name: dict[str, dict[str, Tensor]] = {}
    for name, found in fields.items():
        expected = state_like(optimizer, own[name]) if name in own else {}
        values = {field: saved[f"{name}/{field}"] for field in found}
        if {key: value.shape for key, value in values.items()} != {
            key: value.shape for key, value in expected.items()
        }:
            raise UserError(f"{where}: not the optimizer's state of {name}; another optimizer?")
        if not all(value.is_floating_point() for value in values.values()) or values["step"] < 0:
            raise UserError(f"{where}: the optimizer's state of {name} is not what a step leaves")
        by_name[name] = {key: placed(value, expected[key]) for key, value in values.items()}
    content["state"] = {index: by_name[name] for index, name in enumerate(own) if name in by_name}
    optimizer.load_state_dict(content)


def _short(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
