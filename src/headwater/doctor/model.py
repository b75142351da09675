"""What there is to say of a model: its size, what it can read, whether its numbers are whole."""

from collections.abc import Iterator

import torch

from headwater.doctor.finding import Finding
from headwater.doctor.machine import free_memory
from headwater.errors import with_article
from headwater.inference.loaded import load
from headwater.models.families import sizes_of
from headwater.sizes import byte_size


def check_model(model: str) -> Iterator[Finding]:
    """Yield what there is to say of a model, which is loaded for it.

    Args:
        model: a folder, a hub id or a bundled name; one that cannot be opened is an error.
    """
    loaded = load(model, "cpu")
    parameters = list(loaded.network.parameters())
    count = sum(each.numel() for each in parameters)
    taken, free = sum(each.numel() * each.element_size() for each in parameters), free_memory()
    kind = with_article(loaded.config.model_type).capitalize()
    said = f"{kind} with {count:,} parameters, which take {byte_size(taken)}."
    yield Finding("note", "parameters", count, said)
    broken = sum(not bool(torch.isfinite(each).all()) for each in parameters)
    said = f"{broken} of {len(parameters)} tensors hold numbers that are not finite."
    key = "train again with training.precision = bf16 or fp32" if broken else ""
    yield Finding("warning" if broken else "fine", "tensors not finite", broken, said, key)
    longest = sizes_of(loaded.config).longest_input
    yield Finding("note", "longest input", longest, f"It reads {longest:,} tokens at once at most.")
    size = loaded.vocabulary.size
    yield Finding("note", "vocabulary", size, f"Its vocabulary has {size:,} tokens.")
    if free is not None and taken > free:
        said = f"Other programs leave {byte_size(free)} of memory, less than its weights take."
        yield Finding("warning", "memory", free, said, "headwater export ctranslate2")
