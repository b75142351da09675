"""Writing in a thread, in one process that stands for several."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from headwater.distributed.processes import Together
from headwater.training import part_writer
from headwater.training.part_writer import PartWriter
from headwater.training.saved_state import read_best


@pytest.fixture
def writer(together: Together) -> Iterator[PartWriter]:
    made = PartWriter(together, 30)
    yield made
    made.close()


def test_training_goes_on_while_a_thread_writes_what_was(
    writer: PartWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, write = threading.Event(), part_writer.write_shards

    def later(*given: object) -> None:
        assert go_on.wait(60)
        write(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(part_writer, "write_shards", later)
    folder, weight, then = tmp_path / "best-00000003", torch.ones(4, 2), []
    writer.write(folder, {"model": {"w": weight}}, {}, lambda: then.append(folder.is_dir()))
    weight.zero_()
    assert not folder.exists()
    go_on.set()
    writer.wait()
    assert torch.equal(read_best(folder)["w"], torch.ones(4, 2))
    assert then == [True]


def test_a_full_disk_is_told_and_leaves_nothing(
    writer: PartWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    writer.write(tmp_path / "best-00000003", {"model": {"w": torch.ones(2)}}, {}, lambda: None)
    with pytest.raises(OSError, match="best-00000003") as told:
        writer.wait()
    assert told.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())
