"""Finding a task's official files in a folder, by the task's declaration.

For RTE with `TaskFiles("RTE", {"validation": ("dev.tsv",)})`:

    glue/RTE     glue/RTE/dev.tsv        the task's folder
    glue         glue/RTE/dev.tsv        the benchmark's folder
"""

from collections.abc import Sequence
from pathlib import Path

from headwater.data.task import Split, TaskFiles
from headwater.errors import UserError


def find_official(files: TaskFiles, folder: Path, split: Split) -> tuple[Path, ...]:
    """Return the files of a split below a benchmark's or a task's folder; none if one is absent."""
    names = files.splits.get(split, ())
    for place in (folder / files.folder, folder):
        found = tuple(place / name for name in names)
        if found and all(file.is_file() for file in found):
            return found
    return ()


def official_files(name: str, files: TaskFiles | None, folder: Path, split: Split) -> list[Path]:
    """Return the files of a split of the task called `name`.

    Raises:
        UserError: the task has no official files, none for this split, or they are not there.
    """
    if files is None or split not in files.splits:
        raise UserError(f"{folder}: task {name} has no official {split} files; name a file")
    found = find_official(files, folder, split)
    if not found:
        wanted = " and ".join(files.splits[split])
        raise UserError(f"{folder}: no {wanted} of task {name} here or in {files.folder}/")
    return list(found)


def with_folders(
    name: str, files: TaskFiles | None, paths: Sequence[Path], split: Split = "validation"
) -> list[Path]:
    """Put the official files of a split in place of every folder among the paths.

    Raises:
        UserError: as `official_files`.
    """
    found: list[Path] = []
    for path in paths:
        found += official_files(name, files, path, split) if path.is_dir() else [path]
    return found
