"""Opening what was trained and saved without its body: LoRA, adapters, a small model on features.

It is put on a body that shares its memory with the one it is given, so that one body serves many.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from headwater.checkpoints.description import Description
from headwater.checkpoints.folder import LoadedCheckpoint, load_model
from headwater.checkpoints.parts import Adaptation, find_base, read_adaptation
from headwater.checkpoints.peft import trained_names
from headwater.checkpoints.weights import TRAINED, check_others, read_file
from headwater.errors import UserError
from headwater.methods.names import build_method
from headwater.models.body import EncoderBody
from headwater.models.build import Model, as_described, empty_model, empty_multi_task
from headwater.models.families import family_of, keys_of, kind_of
from headwater.models.feature_model import FeatureModel
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask
from headwater.models.text_to_text import TextToText

M = TypeVar("M", bound=nn.Module)


def open_model(folder: Path) -> LoadedCheckpoint:
    """Load whatever a folder holds: a whole model, or what was trained, with its body."""
    adaptation = read_adaptation(folder)
    if adaptation is None:
        return load_model(folder)
    return put_on(load_model(find_base(adaptation, folder)).model, folder, adaptation)


def put_on(body: Model, folder: Path, adaptation: Adaptation) -> LoadedCheckpoint:
    """Put what a folder holds on a body, which stays as it is and shares its memory.

    Args:
        body: the body that it was trained on, alone or with any head.
    """
    described = Description.read(folder)
    with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced at once
        if adaptation.config.method == "features":
            model: Model = _on_features(body, described, adaptation)
        else:
            model = _with_heads(body, described)
            build_method(adaptation.config).attach(model)
    if isinstance(model, FeatureModel):
        names = {name: name for name in model.small()}
    else:
        names = trained_names(model)
    _fill(model, names, folder)
    check_others(folder)
    return LoadedCheckpoint(model.eval(), model.config)


def share(model: M) -> M:
    """Return a copy with modules and parameters of its own over the same memory.

    What is put into the copy, replaced there, frozen or given a gradient is not so in the model;
    what is written into a tensor of either is written for both.
    """
    kept: dict[int, Any] = {id(buffer): buffer for buffer in model.buffers()}
    for parameter in model.parameters():
        kept[id(parameter)] = nn.Parameter(parameter.detach(), parameter.requires_grad)
    return copy.deepcopy(model, kept)


def _on_features(body: Model, described: Description, adaptation: Adaptation) -> FeatureModel:
    """Return a small model with random weights, in the body's memory."""
    head, bare = described.features, share(body).body
    features = adaptation.config.features
    model = FeatureModel(bare, features, head.kind, tuple(head.labels), pairs=head.pairs)
    return model.to(next(bare.parameters()).device)


def _with_heads(body: Model, described: Description) -> Model:
    """Return a model as config.json describes it, in the memory of a body; its heads are empty."""
    config, file = described.config, described.file
    bare, family = body.body, family_of(config)
    encoder = family.encoder(config)
    alone = not described.tasks and described.saved_head() is None
    if alone and encoder is config and family.kind != "encoder":
        own = share(bare)
        return own if kind_of(own.config) == kind_of(config) else as_described(own, config)
    if family_of(encoder) is not family_of(bare.config):
        raise UserError(f"{file}: model_type {config.model_type!r} is not that of the body")
    with torch.device("meta"):
        if described.tasks:
            model: Model = empty_multi_task(config, described.tasks)
        else:
            model = empty_model(config, described.saved_head())
    own = share(bare)
    own.config = encoder
    for module in keys_of(encoder).optional:
        setattr(own, module, None)
    match model:
        case ModelWithHead() | MultiTask():
            model.body = own
        case TextToText():
            model.take_encoder(cast(EncoderBody, own))
        case _:
            raise UserError(f"{file}: architectures: a class with a head was expected")
    return model


def _fill(model: Model, names: Mapping[str, str], folder: Path) -> None:
    """Give a model the tensors of a folder, which must have the names in the file and the shapes.

    Args:
        names: our name -> that in the file, of all that was trained.
    """
    state = model.state_dict(keep_vars=True)
    expected = {theirs: state[ours] for ours, theirs in names.items()}
    tensors = read_file(folder, TRAINED)
    _check_shapes(tensors, expected, folder / TRAINED)
    there = next(each for each in model.parameters() if each.device.type != "meta")
    # Whatever the precision of the file, the numbers are as wide as the body's.
    values = {ours: tensors[theirs].to(there) for ours, theirs in names.items()}
    model.load_state_dict(values, strict=False, assign=True)


def _check_shapes(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], file: Path
) -> None:
    found, wanted = (
        {name: tuple(tensor.shape) for name, tensor in each.items()} for each in (tensors, expected)
    )
    for name in sorted({*wanted, *found}):
        has, wants = (each.get(name, "nothing") for each in (found, wanted))
        if has != wants:
            raise UserError(f"{file}: {name} is {has}, {wants} was expected")
