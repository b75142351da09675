"""What `generation_config.json` says of a saved model; the published `generate` reads it."""

from collections.abc import Mapping
from typing import Any

from headwater.models.body import GeneratingBody
from headwater.models.build import Model
from headwater.text.vocabulary import Vocabulary

GENERATION = "generation_config.json"
LENGTHS = ("max_length", "min_length")
"""The published lengths that count more than what is written; see `max_new_tokens`."""

_IDS = ("decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id")


def generation_content(
    model: Model, vocabulary: Vocabulary | None, options: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the content of the file; None of a model that writes nothing.

    Args:
        options: fields of `GenerationConfig` by which the model is to write.
    """
    config = model.config
    if not isinstance(model, GeneratingBody):
        return None
    ids = {name: getattr(config, name, None) for name in _IDS}
    if vocabulary is not None:
        end = vocabulary.eos_id if vocabulary.eos_id is not None else vocabulary.sep_id
        ids["eos_token_id"] = end
    known = {name: id for name, id in ids.items() if id is not None and id < config.vocab_size}
    return known | dict(options)
