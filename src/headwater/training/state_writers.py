"""How the tensors of a state come into a folder, which is there whole or not at all.

WholeWriter    the first process writes `model.safetensors` and `optimizer.safetensors`
PartWriter     each writes its part (`training.part_writer`), while training goes on
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, final

from torch import Tensor

from headwater import tensor_file
from headwater.distributed.processes import Processes
from headwater.files import replacing_folder
from headwater.training.saved_state import write_manifest

Groups = Mapping[str, Mapping[str, Tensor]]
"""Tensors by name, in `model` and in `optimizer`."""


class StateWriter(Protocol):
    """Writes folders of tensors; all processes call it."""

    def check(self, folder: Path) -> None:
        """Refuse a folder in which states cannot be written."""
        ...

    def write(
        self, folder: Path, groups: Groups, others: Mapping[str, str], then: Callable[[], None]
    ) -> None:
        """Write a folder, with texts by name of file beside the tensors; the first then goes on.

        The tensors may change afterwards; the folder may come later.
        """
        ...

    def wait(self) -> None:
        """Wait for what is still being written, and raise what went wrong."""
        ...

    def close(self) -> None:
        """Wait for what is still being written."""
        ...


@final
class WholeWriter:
    """Lets the first process write everything."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def check(self, folder: Path) -> None:
        """Nothing is asked of it that writing does not ask."""

    def write(
        self, folder: Path, groups: Groups, others: Mapping[str, str], then: Callable[[], None]
    ) -> None:
        """Write it at once."""

        def work() -> None:
            with replacing_folder(folder) as unfinished:
                for name, tensors in groups.items():
                    tensor_file.write(unfinished / f"{name}.safetensors", tensors)
                finish_folder(unfinished, others, {})
            then()

        self._processes.first(work)

    def wait(self) -> None:
        """All is written."""

    def close(self) -> None:
        """All is written."""


def finish_folder(folder: Path, others: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Write what stands beside the tensors, with the checksums of all."""
    for name, text in others.items():
        (folder / name).write_text(text, "utf-8")
    write_manifest(folder, known)
