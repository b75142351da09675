"""Data from elsewhere: `hub` in place of a file's name means the task's dataset on the hub.

    headwater evaluate --model runs/rte --task rte --data hub

fetches (once) `rte/validation-*.parquet` of `nyu-mll/glue`, as the task declares. A dataset
that keeps no Parquet files has them in the hub's own conversion, `refs/convert/parquet`, as
`rte/validation/0000.parquet`. A URL stands for its files (`headwater.remote`). Other names are
files here, and open no socket.
"""

from collections.abc import Sequence
from pathlib import Path

from headwater.data.official_files import Split, TaskFiles
from headwater.errors import UserError
from headwater.paths import as_path
from headwater.remote.copies import all_here

HUB = "hub"
_CONVERTED = "refs/convert/parquet"


def with_hub(
    name: str, files: TaskFiles | None, paths: Sequence[str | Path], split: Split
) -> list[Path]:
    """Return paths as they are (`~` expanded), with what was fetched for `hub` and for URLs.

    A file or folder called `hub` in the current folder comes before the hub.
    """
    found: list[Path] = []
    for path in map(as_path, paths):
        is_hub = str(path) == HUB and not path.exists()
        if is_hub:
            found += _fetch(name, files, split)
        else:
            found += all_here([path.expanduser()])
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
