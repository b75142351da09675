"""From what a user calls a model to a folder on this disk. Free of torch.

In this order, so that a path or a bundled name opens no socket:

    a bundled name      the folder inside this package; `./NAME` is a folder of that name here
    a folder            itself, or its `model/` when it is a run folder
    a hub id            fetched (once) through huggingface-hub: safetensors, JSON, vocabulary
"""

import re
from collections.abc import Mapping
from pathlib import Path

from headwater.errors import UserError

BUNDLED: Mapping[str, Path] = {"reader": Path(__file__).parents[1] / "assets" / "reader"}

_WANTED = ["*.safetensors", "*.json", "vocab.txt", "merges.txt", "*.model"]
_HUB_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")


def resolve(model: str) -> Path:
    """Return the folder of a model."""
    if model in BUNDLED:
        return BUNDLED[model]
    if not model:
        raise UserError(f"--model is empty; give a folder, a hub id or one of {', '.join(BUNDLED)}")
    path = Path(model)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # perhaps a hub id
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{model[:40]!r}: not a folder name ({reason})") from None
    else:
        if not path.is_dir():
            raise UserError(f"{model}: a model is a folder, this is a file")
        return _model_folder(path)
    if not _HUB_ID.fullmatch(model):
        raise UserError(f"{model}: no such folder; bundled: {', '.join(BUNDLED)}")
    return _fetch(model)


def _model_folder(path: Path) -> Path:
    for folder in (path, path / "model"):
        if (folder / "config.json").is_file():
            return folder
    if (path / "adapter_config.json").is_file():
        raise UserError(
            f"{path}: an adapter that peft wrote, without its model; merge it there "
            "(merge_and_unload) and save the whole"
        )
    raise UserError(f"{path}: not a model: neither config.json nor model/config.json is in it")


def _fetch(model: str) -> Path:
    # Imported here: reading a local folder must not pay for a network client.
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, allow_patterns=_WANTED))
    except Exception as error:  # the client raises its own, httpx's and the system's errors
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise UserError(
            f"{model}: not a folder, not bundled ({', '.join(BUNDLED)}), and the hub did not give "
            f"it ({reason}); offline, give a folder"
        ) from None
