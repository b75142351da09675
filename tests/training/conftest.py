"""What short trainings need not wait for; one thread for torch."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def blank_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture at a run's end takes longer than these runs; one test draws it."""

    def draw(lines: list[object], picture: Path) -> None:
        picture.touch()

    monkeypatch.setattr("headwater.pictures.curves.draw_curves", draw)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync matters when the power goes, which no test can make happen; a busy disk is slow."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
