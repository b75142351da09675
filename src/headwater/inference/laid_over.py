"""The options of generation that a user gives, over those that a model's folder sets."""

from collections.abc import Mapping
from typing import Any

from headwater.errors import UserError
from headwater.inference.generation_config import SAMPLING, GenerationConfig

Options = Mapping[str, Any]

_IDS = ("_id", "_ids", "suppress_tokens")
"""How the options end that are ids of tokens."""


def laid_over(file: Options, given: Options, where: str, tokens: int) -> GenerationConfig:
    """Return the options that a user gives, over those of a model's file.

    Args:
        where: begins the error where they are wrong.
        tokens: how many the model has.
    """
    new = {GenerationConfig.old_names.get(key, key) for key in given}
    values = {key: value for key, value in file.items() if key not in new}
    if not given.get("do_sample", values.get("do_sample")):
        values = {key: value for key, value in values.items() if key not in SAMPLING}
    bounds = {"max_new_tokens": "min_new_tokens", "num_beams": "num_return_sequences"}
    for most, least in bounds.items():  # of the file, where the user gives the other
        if least in values and isinstance(given.get(most), int):
            values[least] = min(values[least], given[most])
    config = GenerationConfig.check({**values, **given}, where)
    for key in (key for key in config.model_fields_set if key.endswith(_IDS)):
        if not within(value := getattr(config, key), tokens):
            raise UserError(f"{where}: {key} = {value!r:.40}; tokens are 0 to {tokens - 1}")
    return config


def within(ids: Any, size: int) -> bool:
    """Tell whether ids, one or several or words of them, are those of tokens; None is."""
    if isinstance(ids, list):
        return all(within(each, size) for each in ids)
    return ids is None or (type(ids) is int and 0 <= ids < size)
