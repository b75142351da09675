"""Where a task's official files lie, and finding them in a folder.

For RTE with `TaskFiles("RTE", {"validation": ("dev.tsv",)})`:

    glue/RTE     glue/RTE/dev.tsv        the task's folder
    glue         glue/RTE/dev.tsv        the benchmark's folder
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headwater.errors import UserError

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """Where the official files of a task lie.

    Args:
        folder: the task's folder in the benchmark's, such as `RTE` in `glue`.
        splits: names in that folder; a split may have none.
        hub: the dataset on the hub and its configuration, as `nyu-mll/glue` and `rte`; None: none.
    """

    folder: str
    splits: Mapping[Split, tuple[str, ...]]
    hub: tuple[str, str] | None = None

    def find(self, folder: Path, split: Split) -> tuple[Path, ...]:
        """Return the files below a benchmark's or a task's folder; none if one is absent."""
        names = self.splits.get(split, ())
        for below in (folder / self.folder, folder):
            found = tuple(below / name for name in names)
            if found and all(file.is_file() for file in found):
                return found
        return ()


def official_files(name: str, files: TaskFiles | None, folder: Path, split: Split) -> list[Path]:
    """Return the files of a split of the task called `name`; they must be there."""
    if files is None or split not in files.splits:
        raise UserError(f"{folder}: task {name} has no official {split} files; name a file")
    found = files.find(folder, split)
    if not found:
        wanted = " and ".join(files.splits[split])
        raise UserError(f"{folder}: no {wanted} of task {name} here or in {files.folder}/")
    return list(found)


def with_folders(
    name: str, files: TaskFiles | None, paths: Sequence[Path], split: Split = "validation"
) -> list[Path]:
    """Put the official files of a split in place of every folder among the paths."""
    found: list[Path] = []
    for path in paths:
        found += official_files(name, files, path, split) if path.is_dir() else [path]
    return found
