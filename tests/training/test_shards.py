"""Tensors in shards: whole again however they are cut, and refused where parts are missing."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from headwater.errors import UserError
from headwater.training.saved_state import Damaged, read_best, write_manifest
from headwater.training.shards import Shards, shard_of

WHOLE = torch.arange(15.0).reshape(5, 3)


def shard(folder: Path, rank: int, name: str, part: Tensor, offsets: Sequence[int]) -> None:
    """A file as torch.distributed.checkpoint writes it."""
    places = {name: {"saved_offsets": list(offsets)}}
    folder.mkdir(exist_ok=True)
    file = shard_of(folder, rank)
    save_file({name: part.clone()}, file, metadata={"DCP_SHARDING_INFO": json.dumps(places)})


def test_parts_of_unequal_size_make_the_tensor(tmp_path: Path) -> None:
    for rank, (begin, end) in enumerate([(0, 3), (3, 5), (5, 5)]):
        shard(tmp_path, rank, "model/a", WHOLE[begin:end], [begin, 0])
    shards = Shards(tmp_path, "model")
    assert {name: tuple(each.shape) for name, each in shards.like.items()} == {"a": (5, 3)}
    assert torch.equal(shards["a"], WHOLE)
    assert list(Shards(tmp_path, "optimizer")) == []


def test_a_number_without_dimensions_is_read(tmp_path: Path) -> None:
    shard(tmp_path, 0, "optimizer/a/step", torch.tensor(7.0), [])
    assert Shards(tmp_path, "optimizer")["a/step"] == 7.0


@pytest.mark.parametrize(
    "cuts",
    [
        [(0, 2), (3, 5)],  # a gap
        [(0, 3), (2, 5)],  # twice the same row
        [(1, 5)],  # no beginning
    ],
)
def test_parts_that_do_not_make_a_tensor_are_refused(
    cuts: list[tuple[int, int]], tmp_path: Path
) -> None:
    for rank, (begin, end) in enumerate(cuts):
        shard(tmp_path, rank, "model/a", WHOLE[begin:end], [begin, 0])
    with pytest.raises(UserError, match="model/a do not make a whole tensor"):
        Shards(tmp_path, "model")


@pytest.mark.parametrize("offsets", [[-1, 0], [10**18, 0], [0, 1], [0], ["a", 0]])
def test_places_of_a_strangers_making_are_refused(offsets: list[int], tmp_path: Path) -> None:
    shard(tmp_path, 0, "model/a", WHOLE, offsets)
    with pytest.raises(UserError, match="shards"):
        Shards(tmp_path, "model")


@pytest.mark.parametrize(
    "name",
    [shard_of(Path(), 1).name, "model.safetensors", "optimizer.safetensors", "a.safetensors"],
)
def test_tensors_beside_those_of_the_manifest_are_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "best-00000001"
    shard(folder, 0, "model/a", WHOLE, [0, 0])
    write_manifest(folder, {})
    assert torch.equal(read_best(folder)["a"], WHOLE)
    save_file({"model/b": WHOLE, "a": -WHOLE}, folder / name)
    with pytest.raises(Damaged, match=f"does not list {name}"):
        read_best(folder)
