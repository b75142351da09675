"""A text through a network: one sequence as tensors, and what a T5 writes of it."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from headwater.data.config import TextConfig
from headwater.errors import UserError, with_article
from headwater.inference.decoding import generate_ids
from headwater.inference.generation_config import DecoderTokens, GenerationConfig
from headwater.inference.loaded import LoadedModel
from headwater.inspection.reading import Reading
from headwater.models.families import family_of
from headwater.models.feature_model import FeatureModel
from headwater.models.text_to_text import TextToText
from headwater.text.special_tokens import end_token

Batch = dict[str, Tensor]


def as_batch(reading: Reading, network: nn.Module) -> Batch:
    """Return a batch of the one sequence, `[1, length]` each, on the network's device."""
    inputs = {
        "input_ids": reading.ids,
        "token_type_ids": reading.segments,
        "labels": reading.targets,
    }
    device = next(network.parameters()).device
    return {
        name: torch.tensor([ids], device=device) for name, ids in inputs.items() if ids is not None
    }


def with_targets(loaded: LoadedModel, reading: Reading) -> Reading:
    """Give a T5 without targets those that it writes itself, greedily; leave all else as it is."""
    network = loaded.network
    family = family_of(network.config)
    if isinstance(network, FeatureModel) and family.kind != "encoder":
        body = with_article(family.title)
        raise UserError(f"{loaded.name} reads the features of {body}; inspect that model itself")
    if not isinstance(network, TextToText) or reading.targets is not None:
        return reading
    eos_id = end_token(loaded.vocabulary)
    longest = TextConfig.check(loaded.extra.get("text", {}), loaded.name).max_targets
    special = DecoderTokens(network.config.decoder_start_token_id, eos_id)
    batch, decoding = as_batch(reading, network), GenerationConfig(max_new_tokens=longest)
    [[generated]] = generate_ids(network, batch, special, decoding)
    ended = len(generated.ids) < longest
    return replace(reading, targets=(*generated.ids, *([eos_id] if ended else [])))
