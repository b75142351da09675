"""How published files lay a tensor out where that differs from a dense layer's `[outputs, inputs]`.

The first GPTs were written with convolutions of width 1, whose weight is `[inputs, outputs]`, and
one of them computes query, key and value at once. The key table gives each part of it a name:

    in the file     h.0.attn.c_attn.weight  [8, 24]
    in the table    h.0.attn.c_attn.query.weight, ..key.weight, ..value.weight, each [8, 8]
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from headwater.models.key_table import KeyTable, numbered


def unpack(tensors: Mapping[str, Tensor], keys: KeyTable) -> dict[str, Tensor]:
    """Turn the tensors of a file, by their published names, into those of the key table."""
    result = {}
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        pattern, _ = numbered(module)
        turned = _turn(tensor, leaf) if pattern in keys.transposed else tensor
        parts = keys.fused.get(pattern)
        if parts is None:
            result[name] = turned.contiguous()
            continue
        slices = (turned if turned.dim() else turned[None]).tensor_split(len(parts))
        for part, each in zip(parts, slices, strict=True):
            result[f"{module}.{part}.{leaf}"] = each.contiguous()
    return result


def pack(tensors: Mapping[str, Tensor], keys: KeyTable) -> dict[str, Tensor]:
    """Turn tensors of the key table into those of a file: the inverse of `unpack`."""
    stored: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        whole, _, part = module.rpartition(".")
        fused = part in keys.fused.get(numbered(whole)[0], ())
        stored.setdefault(f"{whole if fused else module}.{leaf}", {})[part] = tensor
    result = {}
    for name, found in stored.items():
        module, _, leaf = name.rpartition(".")
        pattern, _ = numbered(module)
        parts = keys.fused.get(pattern)
        [tensor] = [torch.cat([found[part] for part in parts])] if parts else found.values()
        result[name] = _turn(tensor, leaf) if pattern in keys.transposed else tensor
    return result


def _turn(tensor: Tensor, leaf: str) -> Tensor:
    """Swap inputs and outputs of a weight; one that is no matrix is refused later, by its shape."""
    return tensor.t() if leaf == "weight" and tensor.dim() == 2 else tensor
