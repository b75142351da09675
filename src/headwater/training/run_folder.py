"""The folder of a run: config.toml, log.jsonl, curves.png, model/ and state/, and nothing else."""

from pathlib import Path

from headwater.errors import UserError
from headwater.files import check_writable

_OTHERS = {
    "store.json": "a token store",
    "kept": "a folder of `corpus clean`",
    "config.json": "a model",
    "vocab.txt": "a vocabulary",
    "tokenizer.json": "a vocabulary",
    "spiece.model": "a vocabulary",
}
"""What a folder is that holds a file or folder of that name."""


def check_run_folder(folder: Path) -> None:
    """Refuse, before any work is done, a folder that a run cannot be written to or would mix up.

    Raises:
        UserError: it cannot be written, or it is something else, such as a token store.
    """
    check_writable(folder)
    for name, kind in _OTHERS.items():
        if (folder / name).exists():
            raise UserError(f"{folder}: is {kind}; name another folder for the run (--output)")
