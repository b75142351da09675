"""The model whose vectors an index has: its name, and a digest by which a change is noticed."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from headwater.documents.model_digest import digest
from headwater.errors import UserError
from headwater.paths import as_path, as_text

if TYPE_CHECKING:  # a search by words needs no torch
    from headwater.documents.vector_search import Embeds, Floats


def vector_setting(model: str) -> dict[str, str]:
    """Return what an index remembers of a model, which must give vectors."""
    from headwater.checkpoints.hub import resolve

    folder = as_path(model)
    name = as_text(folder.absolute()) if folder.is_dir() else model
    _embeds(name)(["a text"], "document")
    return {"model": name, "sha256": digest(resolve(name))}


def embeds_of(setting: dict[str, str], index: str) -> "Embeds":
    """Open the model of an index's vectors; it must be the one that they were made by."""
    from headwater.checkpoints.hub import resolve

    name = setting["model"]
    try:
        same = digest(resolve(name)) == setting["sha256"]
    except UserError as error:
        raise UserError(f"{index}: the model of its vectors is missing: {error}") from None
    if not same:
        raise UserError(
            f"{index}: its vectors are of another model than {name} is now; make them anew by "
            f"`headwater index build` with --vectors {name}"
        )
    return _embeds(name)


@lru_cache(maxsize=1)
def _embeds(name: str) -> "Embeds":
    """Open a model, in bf16 where that is quick: its error is no larger than that of int8."""
    from headwater.device import choose_device, has_bf16
    from headwater.inference.loaded import load

    loaded = load(name, precision="bf16" if has_bf16(choose_device("auto")) else "fp32")

    def embeds(texts: Sequence[str], prompt: str) -> "Floats":
        return loaded.embed(list(texts), prompt=prompt)

    return embeds
