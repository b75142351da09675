"""Publishing a model on the hub: a commit of its files with its card, by huggingface-hub.

Only what `load` reads is published, and the card: no state, no log, no data. One commit holds all
files, so that nobody loads half a model.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from headwater.checkpoints.hub import ADAPTER, BUNDLED, resolve
from headwater.checkpoints.parts import BASE, Base
from headwater.errors import UserError
from headwater.files import read_json, read_text
from headwater.paths import as_path
from headwater.sharing.card import card
from headwater.sharing.published import published_files

CARD = "README.md"

_NAME = re.compile(r"(?!.*(--|\.\.|\.git$))(\w|\w[\w.-]*\w)/(\w|\w[\w.-]*\w)", re.ASCII)
_BASE_OF_PEFT = "base_model_name_or_path"
_LONGEST = 96  # signs of a name
_OTHERWISE = {
    400: "the hub takes no such name or file",
    404: "is there such a user or organization, and may your token see it?",
    413: "the hub takes no files of this size",
    429: "wait some minutes, then run the same command again",
}
"""What to do, by the status of the hub's answer."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What is published under which name.

    files: of the model's folder, by their names there, in the order of the names.
    card: the text of README.md.
    """

    name: str
    folder: Path
    files: tuple[str, ...]
    card: str

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each file."""
        sizes = {name: (self.folder / name).stat().st_size for name in self.files}
        return {**sizes, CARD: len(self.card.encode())}


def prepare(run: str, name: str) -> Upload:
    """Choose the files of a run or a model, and check that others could load them.

    Args:
        run: a run folder, a model's folder, or a bundled name.
        name: `USER/NAME`.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UserError(
            f"{name!r}: a name on the hub is USER/NAME, of letters, digits, -, _ and ., with none "
            "of - and . twice in a row or at an end, and no .git there"
        )
    if run not in BUNDLED and not (run and Path(run).is_dir()):
        raise UserError(f"{run!r}: no such folder; a run or a model on this disk is published")
    folder = resolve(run)
    _check_base(folder)
    files, own = published_files(folder), folder / CARD
    text = read_text(own) if own.is_file() else card(Path(run))
    return Upload(name, folder, files, text)


def _check_base(folder: Path) -> None:
    """Refuse an adapter whose body only this disk has; nothing is fetched."""
    if (folder / BASE).is_file():
        path = Base.read(folder / BASE).path
        local = Path(path).is_absolute()
    elif (folder / ADAPTER).is_file():
        settings = read_json(folder / ADAPTER)
        path = str(settings.get(_BASE_OF_PEFT)) if isinstance(settings, dict) else ""
        near = (as_path(each) for each in (path, folder / path, folder.parent / path))
        local = path not in BUNDLED and any(each.is_dir() for each in near)
    else:
        return
    if local:
        raise UserError(
            f"{folder}: the body is {path}, on this disk alone; merge a LoRA (`headwater merge`), "
            "or train on a body of the hub"
        )


def push(upload: Upload, *, private: bool = False) -> str:
    """Publish, and return the address of the commit. HF_ENDPOINT names another hub.

    Args:
        private: make a new repository private; one that is there stays as it is.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi()
    additions = [CommitOperationAdd(name, upload.folder / name) for name in upload.files]
    additions.append(CommitOperationAdd(CARD, upload.card.encode()))
    try:
        api.create_repo(upload.name, private=private or None, exist_ok=True)
        commit = api.create_commit(
            upload.name, additions, commit_message=f"{upload.name}, by headwater"
        )
    except Exception as error:  # the client raises its own, httpx's and the system's errors
        raise UserError(f"{upload.name}: {_reason(error)}") from None
    return str(commit.commit_url)


def _reason(error: Exception) -> str:
    """Say why nothing was published, and what to do."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return "the hub does not let you write there; `hf auth login` with a token that may"
    said = getattr(error, "server_message", None) or error.__cause__ or error
    short = str(said).strip().split("\n")[0] or type(error).__name__
    again = _OTHERWISE.get(status or 0, "run the same command again")
    return f"nothing was published ({short}); {again}"
