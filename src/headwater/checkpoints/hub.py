"""From what a user calls a model to a folder on this disk. Free of torch.

In this order, so that a path or a bundled name opens no socket:

    a bundled name      the folder inside this package; `./NAME` is a folder of that name here
    a folder            itself, or its `model/` when it is a run folder
    a hub id            fetched (once) through huggingface-hub: safetensors, JSON, vocabulary
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from headwater.errors import UserError
from headwater.paths import as_path

ASSETS = ("reader", "writer", "tagger", "sentiment")
"""The names of the models that this package brings."""


def bundled(assets: Path) -> dict[str, Path]:
    """Return the folders of those models by name, without any whose files are missing."""
    folders = ((name, assets / name) for name in ASSETS)
    return {name: folder for name, folder in folders if (folder / "config.json").is_file()}


BUNDLED: Mapping[str, Path] = bundled(Path(__file__).parents[1] / "assets")

ADAPTER = "adapter_config.json"
"""What makes a folder one of `peft`; see `peft_folder.py`."""

WANTED = ["*.safetensors", "*.json", "vocab.txt", "merges.txt", "*.model"]
_HUB_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")


def resolve(model: str) -> Path:
    """Return the folder of a model."""
    if model in BUNDLED:
        return BUNDLED[model]
    if not model:
        raise UserError(f"--model is empty; give a folder, a hub id or one of {', '.join(BUNDLED)}")
    path = as_path(model)
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
    if model in ASSETS:
        raise UserError(
            f"{model}: a bundled model, whose files are missing from this installation of "
            "headwater; give a folder or a hub id"
        )
    if not _HUB_ID.fullmatch(model):
        raise UserError(f"{model}: no such folder; bundled: {', '.join(BUNDLED)}")
    return _fetch(model)


def _model_folder(path: Path) -> Path:
    for folder in (path, path / "model"):
        if any((folder / name).is_file() for name in ("config.json", ADAPTER)):
            return folder
    raise UserError(f"{path}: not a model: neither config.json nor model/config.json is in it")


def _fetch(model: str) -> Path:
    # Imported here: reading a local folder must not pay for a network client.
    from huggingface_hub import snapshot_download

    _refuse_misspelt(model)
    try:
        return Path(snapshot_download(model, allow_patterns=WANTED))
    except Exception as error:  # the client raises its own, httpx's and the system's errors
        raise UserError(f"{model}: no such folder, not bundled, and {_reason(error)}") from None


def _refuse_misspelt(model: str) -> None:
    """Refuse at once a name that is nearly a bundled one, and a path into a folder that is here."""
    from huggingface_hub import try_to_load_from_cache

    first, slash, _ = model.partition("/")
    if not slash:
        if near := get_close_matches(model, BUNDLED, n=1, cutoff=0.8):
            raise UserError(f"{model}: no such folder; did you mean {near[0]!r}?")
        return
    if not Path(first).is_dir() or try_to_load_from_cache(model, "config.json"):
        return
    there = sorted(str(each) for each in Path(first).iterdir() if each.is_dir())
    if near := get_close_matches(model, there, n=1, cutoff=0.6):
        raise UserError(f"{model}: no such folder; did you mean {near[0]!r}?")
    raise UserError(f"{model}: no such folder, and {first} is one here; see what is in it")


def _reason(error: Exception) -> str:
    """Say why the hub gave nothing, and what to do."""
    from huggingface_hub import errors

    bundled = ", ".join(BUNDLED)
    if isinstance(error, errors.GatedRepoError):
        return "the hub gives it to some only: accept its terms there, then `hf auth login`"
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            "the hub has none of that name; give a folder, a hub id or a bundled name "
            f"({bundled}), or `hf auth login` for a private one"
        )
    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        cause = str(error.__cause__ or "").strip().split("\n")[0] or "offline, and not in its cache"
        return f"the hub cannot be reached ({cause}); give a folder or a bundled name ({bundled})"
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    return f"the hub did not give it ({reason}); give a folder or a bundled name ({bundled})"
