"""Comparing a folder's tensors with the model that its config.json describes.

Whatever is missing, unexpected or of another shape is named, except what the key table allows:
second names of tied tensors, buffers, and the heads that are not in use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from headwater.checkpoints.tensor_layout import pack, unpack
from headwater.errors import UserError
from headwater.models.config import ModelConfig
from headwater.models.families import keys_of
from headwater.models.head_names import HeadName
from headwater.models.key_table import KeyTable, translate

_TIED = "tie_word_embeddings"
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
            raise UserError(f"{folder}: {second} differs from {first}, to which it must be tied")
    return unpack(named, keys) if keys.transposed or keys.fused else named


def tied_as_found(config: ModelConfig, tensors: dict[str, Tensor]) -> ModelConfig:
    """Trust the tensors on whether an output layer is the embedding.

    Of a T5, `transformers` 5 writes `tie_word_embeddings: true` for untied models too, and keeps
    only `scale_decoder_outputs` to tell them apart.
    """
    names = keys_of(config).output
    if names is None or names[0] not in tensors:
        return config
    output = tensors[names[0]]
    same = getattr(config, _TIED) and torch.equal(output, tensors.get(names[1], output))
    if same:
        del tensors[names[0]]
    return replace(config, **{_TIED: same})


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
            elif translate(name, known) or self.keys.ignores(name):
                ignored.append(name)
            else:
                unexpected.append(name)
        self._refuse("unexpected", unexpected)
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
        )
        self._refuse("missing", [name for name in expected if name not in present])
        self._refuse("wrong shape or type", sorted(wrong))
        return tuple(new)

    def _as_in_file(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename and lay out as in a file; on the meta device, so that nothing is copied."""
        keys, head = self.keys, self.head
        named = {keys.name_in_file(name, head): each.to("meta") for name, each in tensors.items()}
        return pack(named, keys) if keys.transposed or keys.fused else named

    def _refuse(self, problem: str, names: Sequence[str]) -> None:
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            raise UserError(f"{self.folder}: {problem}: {'; '.join(names[:4])}{more}")
