"""`generation_config.json` beside a model: how it is to write, unless its user says otherwise.

    {"decoder_start_token_id": 0, "eos_token_id": [1, 99], "num_beams": 4, "max_length": 60}

Older folders have the same keys in config.json. What is not supported is named once, as a warning.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.checkpoints.generation import GENERATION, LENGTHS
from headwater.checkpoints.peft_folder import beside
from headwater.errors import UserError, listed
from headwater.files import read_json
from headwater.inference.generation_config import GenerationConfig, laid_over, within
from headwater.models.config import ModelConfig
from headwater.models.families import kind_of

logger = logging.getLogger(__name__)

Options = Mapping[str, Any]

OWN_LENGTHS = ("max_new_tokens", "min_new_tokens")

_OURS = {*GenerationConfig.model_fields, *LENGTHS} - {"seed"}
_NEUTRAL: Options = {
    **{"typical_p": 1.0, "encoder_repetition_penalty": 1.0, "guidance_scale": 1.0},
    **{"num_beam_groups": 1, "diversity_penalty": 0.0, "encoder_no_repeat_ngram_size": 0},
    **{"epsilon_cutoff": 0.0, "eta_cutoff": 0.0, "min_p": 0.0, "penalty_alpha": 0.0},
    **{"remove_invalid_values": False, "renormalize_logits": False, "token_healing": False},
    **dict.fromkeys(("exponential_decay_length_penalty", "sequence_bias", "force_words_ids")),
    **dict.fromkeys(("constraints", "watermarking_config", "dola_layers", "stop_strings")),
    **dict.fromkeys(("max_time", "top_h")),
}
"""What would change a text, and is not supported: the value that changes nothing."""

_NOTES = ("pad_token_id", "bos_token_id", "transformers_version", "use_", "output_", "return_dict",
          "cache_", "max_cache_len", "low_memory", "compile", "disable_compile", "assistant_",
          "is_assistant", "num_assistant_tokens", "prompt_lookup", "max_matching_ngram", "target_",
          "prefill_", "speculation_", "continuous_", "_")  # fmt: skip
"""How the keys begin that change no text."""

_TOP_K = 50  # of the published code, where it samples and is not told


def read_generation(folder: Path, config: ModelConfig) -> dict[str, Any]:
    """Return the options of `GenerationConfig` that a folder sets; none of a model that writes not.

    Args:
        config: of the model in the folder.
    """
    kind = kind_of(config)
    if kind not in ("text_to_text", "causal_lm"):
        return {}
    file = beside(folder, GENERATION)
    old = not file.exists()
    file = beside(folder, "config.json") if old else file
    content = read_json(file)
    if not isinstance(content, dict):
        raise UserError(f"{file}: an object was expected, such as {{}}")
    if old:
        content = {key: value for key, value in content.items() if key in _OURS | _NEUTRAL.keys()}
    ends = content.get("eos_token_id")
    numbers = all(type(end) is int for end in (ends if isinstance(ends, list) else [ends]))
    if numbers and not within(ends, config.vocab_size):
        del content["eos_token_id"]  # the default of another vocabulary
    content = {key: value for key, value in content.items() if value is not None}
    values = {key: value for key, value in content.items() if key in _OURS}
    others = {
        key: value
        for key, value in content.items()
        if key not in _OURS and not key.startswith(_NOTES) and value != _NEUTRAL.get(key)
    }
    if kind == "text_to_text":
        _count_written(values)
    else:
        others |= _totals(values)
    others |= _follow_sampling(values)
    if others:
        shown = listed((f"{key} = {value!r:.40}" for key, value in others.items()), 6)
        logger.warning(f"{file}: not supported, and not followed: {shown}")
    laid_over(values, {}, str(file), config.vocab_size)
    return values


def _count_written(values: dict[str, Any]) -> None:
    """Count what is written alone: the published lengths count the start token, too."""
    for theirs, ours, least in (
        ("max_length", "max_new_tokens", 1),
        ("min_length", "min_new_tokens", 0),
    ):
        value = values.pop(theirs, None)
        if ours not in values and value is not None:
            values[ours] = max(least, value - 1) if type(value) is int else value
    if type(values.get("max_new_tokens")) is type(values.get("min_new_tokens")) is int:
        values["min_new_tokens"] = min(values["min_new_tokens"], values["max_new_tokens"])


def _totals(values: dict[str, Any]) -> dict[str, Any]:
    """Take off the lengths that count a prompt, too; return those that would count."""
    found = {key: values.pop(key) for key in LENGTHS if key in values}
    return {key: value for key, value in found.items() if value}


def _follow_sampling(values: dict[str, Any]) -> dict[str, Any]:
    """Bring the options of sampling to our form; return what is not supported."""
    others = {}
    if values.get("do_sample") is True and values.get("num_beams", 1) != 1:
        others["do_sample"] = values.pop("do_sample")  # beam search is what remains
    if values.get("do_sample") is True:
        values.setdefault("top_k", _TOP_K)
    elif values.get("temperature") == 0:
        del values["temperature"]
    if values.get("top_k") == 0:
        del values["top_k"]
    return others
