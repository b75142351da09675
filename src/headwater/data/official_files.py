"""Where a task's official files lie: in a folder, or on the hub.

For RTE with `TaskFiles("RTE", {"validation": ("dev.tsv",)}, ("nyu-mll/glue", "rte"))`:

    glue/RTE     glue/RTE/dev.tsv           the task's folder
    glue         glue/RTE/dev.tsv           the benchmark's folder
    hub          rte/validation-*.parquet   fetched once from the dataset `nyu-mll/glue`

A dataset that keeps no Parquet files has them in the hub's own conversion, `refs/convert/parquet`,
as `rte/validation/0000.parquet`. Other names are files here, and open no socket.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headwater.errors import UserError

Split = Literal["train", "validation", "test"]

HUB = "hub"
_CONVERTED = "refs/convert/parquet"


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


def with_hub(
    name: str, files: TaskFiles | None, paths: Sequence[str | Path], split: Split
) -> list[Path]:
    """Return paths as they are (`~` expanded), with the fetched files of a split for `hub`.

    A file or folder called `hub` in the current folder comes before the hub.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        is_hub = str(path) == HUB and not path.exists()
        found += _fetch(name, files, split) if is_hub else [path.expanduser()]
    return found


def _fetch(name: str, files: TaskFiles | None, split: Split) -> list[Path]:
    if files is None or files.hub is None:
        raise UserError(f"task {name} has no dataset on the hub; name a file instead of {HUB!r}")
    # Imported here: reading a local file must not pay for a network client.
    from huggingface_hub import snapshot_download

    dataset, configuration = files.hub
    splits = (split, f"{split}_matched")  # MNLI has its validation set by that name
    patterns = [
        f"{configuration}/{each}{rest}" for each in splits for rest in ("-*.parquet", "/*.parquet")
    ]
    for revision in (None, _CONVERTED):
        try:
            fetched = snapshot_download(
                dataset, repo_type="dataset", revision=revision, allow_patterns=patterns
            )
        except Exception as error:  # the client raises its own, httpx's and the system's errors
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise UserError(
                f"the hub did not give {dataset} ({reason}); offline, name the files of task {name}"
            ) from None
        for pattern in patterns:
            if found := sorted(Path(fetched).glob(pattern)):
                return found
    raise UserError(f"{dataset} has no {split} files of {configuration} on the hub; name a file")
