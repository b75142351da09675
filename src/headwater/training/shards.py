"""Tensors in the files of several processes, by torch.distributed.checkpoint ("DCP").

    shard-00001-model-00001-of-00001.safetensors    what the first process has a part of
    shard-00002-model-00001-of-00001.safetensors    the second

DCP writes its index as a pickle, or, in this form, as the header of each safetensors file: JSON
with the place of every part. Nothing here is unpickled. Files must have passed their SHA-256.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import final

import torch
from torch import Tensor
from torch import distributed as dist
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import (
    HuggingFaceStorageReader,
    HuggingFaceStorageWriter,
)
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from headwater.errors import UserError

SHARD = re.compile(r"shard-\d{5}-model-00001-of-00001\.safetensors", re.ASCII)


def write_shards(folder: Path, tensors: Mapping[str, Tensor], group: dist.ProcessGroup) -> None:
    """Write each process's part into a file of its own; all call it.

    What all have alike is written once. A process's part is held in memory twice meanwhile.
    """
    writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
    try:
        save(dict(tensors), storage_writer=writer, process_group=group)
    except CheckpointException as error:  # no Exception, and it holds those of all processes
        cause = next(iter(error.failures.values()))[0]
        raise (cause if isinstance(cause, Exception) else RuntimeError(str(error))) from None


def shard_of(folder: Path, rank: int) -> Path:
    """Return the file of a process's part; there is none where it has none."""
    return folder / f"shard-{rank + 1:05d}-model-00001-of-00001.safetensors"


@final
class Shards(Mapping[str, Tensor]):
    """The tensors of a folder whose names begin with `prefix/`, read when they are asked for.

    Args:
        into: what is read for a tensor, such as a process's part of it; what is not in it is read
            whole, into host memory.

    Attributes:
        like: the names, shapes and types, as tensors without memory.
    """

    def __init__(self, folder: Path, prefix: str, into: Mapping[str, Tensor] | None = None) -> None:
        self._reader = _Reader(folder)
        self._prefix, self._into = prefix, into or {}
        self.like = {
            name.removeprefix(f"{prefix}/"): torch.empty(
                each.size, dtype=each.properties.dtype, device="meta"
            )
            for name, each in self._reader.tensors.items()
            if name.startswith(f"{prefix}/")
        }

    def __getitem__(self, name: str) -> Tensor:
        like = self._into.get(name)
        whole = self.like[name]
        tensor = torch.empty_like(whole, device="cpu") if like is None else like.clone()
        read = {f"{self._prefix}/{name}": tensor}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is disabled")
            # without asking the other processes: each reads what it has
            load(read, storage_reader=self._reader, no_dist=True)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self.like)

    def __len__(self) -> int:
        return len(self.like)


@final
class _Reader(HuggingFaceStorageReader):
    """Reads the headers of a folder once; `UserError` where they are not of whole tensors."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self._folder = folder

    @cached_property
    def tensors(self) -> dict[str, TensorStorageMetadata]:
        return {
            name: each
            for name, each in self._headers.state_dict_metadata.items()
            if isinstance(each, TensorStorageMetadata)
        }

    @cached_property
    def _headers(self) -> Metadata:
        try:
            found: Metadata = super().read_metadata()
            wrong = [
                name
                for name, each in found.state_dict_metadata.items()
                if not isinstance(each, TensorStorageMetadata) or not _is_whole(each)
            ]
        except Exception as error:  # whatever a header of anyone's making leads to
            raise UserError(f"{self._folder}: damaged shards ({error})") from None
        if wrong:
            raise UserError(f"{self._folder}: the shards of {wrong[0]} do not make a whole tensor")
        return found

    def read_metadata(self) -> Metadata:
        return self._headers


def _is_whole(tensor: TensorStorageMetadata) -> bool:
    """Tell whether parts, cut along the first dimension, follow each other without a gap."""
    end = 0
    for part in sorted(tensor.chunks, key=lambda part: (part.offsets[:1], part.sizes[:1])):
        if len(part.sizes) != len(tensor.size) or len(part.offsets) != len(tensor.size):
            return False
        if not len(tensor.size):
            continue
        if part.offsets[0] != end and part.sizes[0]:
            return False
        if any(part.offsets[1:]) or part.sizes[1:] != tensor.size[1:]:
            return False
        end += part.sizes[0]
    return not len(tensor.size) or end == tensor.size[0]
