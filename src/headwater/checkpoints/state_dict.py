"""Comparing a folder's tensors with the model that its config.json describes.

Whatever is missing, unexpected or of another shape is named, except what the key table allows:
second names of tied tensors, buffers, and the heads that are not in use.

The first GPTs were written with convolutions of width 1, whose weight is `[inputs, outputs]`, and
one of them computes query, key and value at once. The key table gives each part of it a name:

    in the file     h.0.attn.c_attn.weight  [8, 24]
    in the table    h.0.attn.c_attn.query.weight, ..key.weight, ..value.weight, each [8, 8]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from headwater.errors import UserError, listed
from headwater.models.config import HeadName, ModelConfig
from headwater.models.families import keys_of
from headwater.models.key_table import KeyTable, numbered, translate

_UNEXPECTED = (
    "its config.json is not that of its weights, or names another class; save both again with "
    "save_pretrained, from the class that was trained"
)
_MISSING = (
    "fetch the folder again, or save it again with save_pretrained from the class that its "
    "config.json names"
)
_WRONG = "its config.json is not that of its weights; fetch both again"

_TIED, _SHARED = "tie_word_embeddings", "shared_embeddings"
_PRETRAINED: tuple[HeadName, ...] = ("pretraining", "masked_lm", "next_sentence")


def published(tensors: Mapping[str, Tensor], keys: KeyTable, folder: Path) -> dict[str, Tensor]:
    """Bring keys and layouts to the form of the table; fold the second names of tied tensors."""
    named = {keys.whole_name(name): tensor for name, tensor in tensors.items()}
    if len(named) != len(tensors):
        raise UserError(f"{folder}: the same tensor has two names (gamma and weight?)")
    for second, first in keys.tied.items():
        if second not in named:
            continue
        tensor = named.pop(second)
        if not torch.equal(tensor, named.setdefault(first, tensor)):
            raise UserError(
                f"{folder}: {second} differs from {first}; an output layer of its own is not "
                "supported in this family: tie it in the published code, and train on"
            )
    for second, first in keys.renamed.items():
        if second in named:
            named[first] = named.pop(second)
    for second in list(named):
        own = translate(second, keys.copied)
        if own is not None and not torch.equal(tensor := named.pop(second), named.get(own, tensor)):
            raise UserError(
                f"{folder}: {second} differs from {own}, and its config.json says "
                "tie_encoder_decoder = true; set it to false where they were trained apart"
            )
    return unpack(named, keys) if keys.transposed or keys.fused else named


def second_names(named: Mapping[str, Tensor], keys: KeyTable) -> dict[str, Tensor]:
    """Return copies of the tensors that stand for both sides, by the names of the second."""
    copied = {first: second for second, first in keys.copied.items()}
    others = ((translate(name, copied), tensor) for name, tensor in named.items())
    return {name: tensor.clone() for name, tensor in others if name is not None}


def tied_as_found(config: ModelConfig, tensors: dict[str, Tensor]) -> ModelConfig:
    """Trust the tensors on whether an output layer is the embedding, and a decoder's the encoder's.

    The published code ties none that differ, whatever config.json says. Of a T5 it writes
    `tie_word_embeddings: true` for untied models too, and keeps only `scale_decoder_outputs`.
    """
    keys = keys_of(config)
    for switch, names in ((_TIED, keys.output), (_SHARED, keys.shared)):
        if names is None or names[0] not in tensors:
            continue
        own = tensors[names[0]]
        same = getattr(config, switch) and torch.equal(own, tensors.get(names[1], own))
        if same:
            del tensors[names[0]]
        config = replace(config, **{switch: same})
    return config


@dataclass(frozen=True, slots=True)
class Match:
    """A folder, its key table, the head to load and the head that it was saved with."""

    folder: Path
    keys: KeyTable
    head: HeadName | None
    saved: HeadName | None

    def sort(self, tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
        """Split into the tensors of the model, by our names, and the names of those not in use."""
        prefix, head = self.keys.prefix, self.head
        same = head == self.saved or (head in _PRETRAINED and self.saved in _PRETRAINED)
        modules = {
            theirs: ours
            for ours, theirs in self.keys.modules(head).items()
            if same or theirs.startswith(prefix)  # another head's tensor of that name is no use
        }
        known = dict.fromkeys(self.keys.known(), "")
        found: dict[str, Tensor] = {}
        ignored, unexpected = [], []
        for name, tensor in tensors.items():
            ours = translate(name, modules)
            if ours is not None:
                found[ours if head is not None else ours.removeprefix("body.")] = tensor
            elif translate(name, known) is not None or self.keys.ignores(name):
                ignored.append(name)
            else:
                unexpected.append(name)
        self._refuse("unexpected", unexpected, _UNEXPECTED)
        return found, tuple(ignored)

    def check(self, model: nn.Module, found: Mapping[str, Tensor]) -> tuple[str, ...]:
        """Compare with what the model asks for; return the names of a head that may be new."""
        expected_state = model.state_dict()
        absent = [name for name in expected_state if name not in found]
        new = [name for name in absent if self.head != self.saved and name.startswith("head.")]
        # In the file's own names and shapes, so that the user finds them there.
        expected, stored = self._as_in_file(expected_state), self._as_in_file(found)
        present = {*stored, *(self.keys.name_in_file(name, self.head) for name in new)}
        wrong = []
        for name in stored.keys() & expected.keys():
            shape, wanted = tuple(stored[name].shape), tuple(expected[name].shape)
            if shape != wanted:
                wrong.append(f"{name} is {shape}, config.json asks for {wanted}")
            elif not stored[name].is_floating_point():
                wrong.append(f"{name} is {stored[name].dtype}, not floating point")
        self._refuse(
            "unexpected, config.json has no such layer",
            [name for name in stored if name not in expected],
            _UNEXPECTED,
        )
        self._refuse("missing", [name for name in expected if name not in present], _MISSING)
        self._refuse("wrong shape or type", sorted(wrong), _WRONG)
        return tuple(new)

    def _as_in_file(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename and lay out as in a file; on the meta device, so that nothing is copied."""
        keys, head = self.keys, self.head
        named = {keys.name_in_file(name, head): each.to("meta") for name, each in tensors.items()}
        return pack(named, keys) if keys.transposed or keys.fused else named

    def _refuse(self, problem: str, names: Sequence[str], fix: str) -> None:
        if names:
            raise UserError(f"{self.folder}: {problem}: {listed(names, 4, '; ')}; {fix}")


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
        fused = part in (_parts(whole, keys) or ())
        stored.setdefault(f"{whole if fused else module}.{leaf}", {})[part] = tensor
    result = {}
    for name, found in stored.items():
        module, _, leaf = name.rpartition(".")
        pattern, _ = numbered(module)
        parts = _parts(module, keys)
        [tensor] = [torch.cat([found[part] for part in parts])] if parts else found.values()
        result[name] = _turn(tensor, leaf) if pattern in keys.transposed else tensor
    return result


def _parts(module: str, keys: KeyTable) -> tuple[str, ...] | None:
    """Return the parts of a module of the file, with the body's prefix or without; None: none."""
    pattern, _ = numbered(module)
    return keys.fused.get(pattern, keys.fused.get(keys.prefix + pattern))


def _turn(tensor: Tensor, leaf: str) -> Tensor:
    """Swap inputs and outputs of a weight; one that is no matrix is refused later, by its shape."""
    return tensor.t() if leaf == "weight" and tensor.dim() == 2 else tensor
