"""Processes without others, in this process."""

from collections.abc import Iterator

import pytest
from torch import distributed as dist

from headwater.distributed.processes import Together


@pytest.fixture
def together() -> Iterator[Together]:
    """One process that stands for several."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield Together()
    dist.destroy_process_group()
