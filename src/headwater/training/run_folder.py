"""The folder of a run: config.toml, log.jsonl, curves.png, model/ and state/, and nothing else."""

from pathlib import Path

from headwater.errors import UserError
from headwater.files import check_writable, sweep

_OTHERS = {
    "store.json": "a token store",
    "kept": "a folder of `corpus clean`",
    "config.json": "a model",
    "vocab.txt": "a vocabulary",
    "tokenizer.json": "a vocabulary",
    "spiece.model": "a vocabulary",
}
"""What a folder is that holds a file or folder of that name."""

_OF_A_RUN = ("state/step-*", "log.jsonl", "model")
_REPLACED = ("config.toml", "curves.png")
_MADE_FIRST = ("state", "log.jsonl")
"""What a run makes before what it would replace."""


def check_run_folder(folder: Path, *, resume: bool) -> None:
    """Refuse, before any work is done, a folder that a run cannot be written to or would mix up."""
    check_writable(folder)
    for name, kind in _OTHERS.items():
        if (folder / name).exists():
            raise UserError(f"{folder}: is {kind}; name another folder for the run (--output)")
    holds_run = any((folder / name).exists() for name in _MADE_FIRST)
    for name in _REPLACED:
        if (folder / name).exists() and not holds_run:
            raise UserError(f"{folder / name}: is of no run, and one would replace it; move it")
    found = [name for name in _OF_A_RUN if _holds(folder, name)]
    if found and not resume:
        raise UserError(
            f"{folder}: already holds a run ({', '.join(found)}); continue it with --resume, or "
            "choose another folder"
        )
    if "model" in found and not (folder / "state").exists():
        raise UserError(
            f"{folder}: holds a whole model and no state/ to continue from; name another folder"
        )


def sweep_run_folder(folder: Path) -> None:
    """Remove what a kill left behind of what a run writes; the folder may hold the user's files."""
    sweep(folder, [f"{name}.*" for name in ("model", "log.jsonl", *_REPLACED)])


def _holds(folder: Path, pattern: str) -> bool:
    """Whether there is such a thing; the empty log of a run that failed at once does not count."""
    return any(found.is_dir() or found.stat().st_size for found in folder.glob(pattern))
