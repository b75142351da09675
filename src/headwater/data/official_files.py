"""Finding a task's official files in a folder, by the task's layout.

For RTE with the layout `Layout("RTE", {"validation": ("dev.tsv",)})`:

    glue/RTE     glue/RTE/dev.tsv        the task's folder
    glue         glue/RTE/dev.tsv        the benchmark's folder
"""

from collections.abc import Sequence
from pathlib import Path

from headwater.data.task import Layout, Split
from headwater.errors import UserError


def find_official(layout: Layout, folder: Path, split: Split) -> tuple[Path, ...]:
    """Return the files of a split below a benchmark's or a task's folder; none if one is absent."""
    names = layout.files.get(split, ())
    for place in (folder / layout.folder, folder):
        files = tuple(place / name for name in names)
        if files and all(file.is_file() for file in files):
            return files
    return ()


def official_files(name: str, layout: Layout | None, folder: Path, split: Split) -> list[Path]:
    """Return the files of a split of the task called `name`.

    Raises:
        UserError: the task has no official files, none for this split, or they are not there.
    """
    if layout is None or split not in layout.files:
        raise UserError(f"{folder}: task {name} has no official {split} files; name a file")
    files = find_official(layout, folder, split)
    if not files:
        wanted = " and ".join(layout.files[split])
        raise UserError(f"{folder}: no {wanted} of task {name} here or in {layout.folder}/")
    return list(files)


def with_folders(
    name: str, layout: Layout | None, paths: Sequence[Path], split: Split = "validation"
) -> list[Path]:
    """Put the official files of a split in place of every folder among the paths.

    Raises:
        UserError: as `official_files`.
    """
    found: list[Path] = []
    for path in paths:
        found += official_files(name, layout, path, split) if path.is_dir() else [path]
    return found
