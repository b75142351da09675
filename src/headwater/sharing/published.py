"""Which files of a model's folder are published: those that `load` reads, and no others.

A folder may hold more: data, notes, credentials, the states of an optimizer, links to anything.
They are nobody's business, whatever their ending is.
"""

from pathlib import Path

from headwater.checkpoints.generation import GENERATION
from headwater.checkpoints.hub import ADAPTER
from headwater.checkpoints.parts import BASE, EXTRA
from headwater.checkpoints.sentence_folder import files_of_head
from headwater.checkpoints.weights import INDEX, MANIFEST, METHOD, SINGLE, TRAINED, weight_files
from headwater.text.loading import VOCABULARY_FILES

_READ = (
    *("config.json", GENERATION, EXTRA, MANIFEST, METHOD, BASE, ADAPTER, INDEX),
    *VOCABULARY_FILES,
    *("merges.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json"),
)


def published_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the files in a model's folder that others need, in their order.

    One without weights of its own, such as an export, is refused.
    """
    whole = any((folder / name).is_file() for name in (SINGLE, INDEX))
    adapted = (folder / METHOD).is_file() or ((folder / ADAPTER).is_file() and not whole)
    weights = [TRAINED] if adapted else weight_files(folder)
    names = {*_READ, *weights, *files_of_head(folder)}
    return tuple(sorted(name for name in names if (folder / name).is_file()))
