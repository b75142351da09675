"""The format in which the published ELMos were released.

A release is two files, as `bilm-tf` (Peters et al. 2018) wrote them: `options.json`, the sizes, and
an HDF5 file, the weights without the softmax:

    char_embed                                   [261, 16]     id 0 here is no character: it is 0
    CNN/W_cnn_3, b_cnn_3                         [1, 4, 16, 128], [128]
    CNN_high_0/W_carry, b_carry, W_transform ..  [2048, 2048], [2048]
    CNN_proj/W_proj, b_proj                      [2048, 512], [512]
    RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell/W_0    [input + state, 4 x cells], gates i j f o
                                          B, W_P_0

RNN_0 reads forward, RNN_1 backward. Matrices are `[inputs, outputs]`, and 1 is added to the forget
gates' bias when they are used. Reading needs `pip install 'headwater[elmo]'`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headwater import files
from headwater.errors import UserError
from headwater.models.elmo.config import ELMoConfig
from headwater.models.elmo.network import ELMo
from headwater.nn.characters import CHARACTERS, MAX_CHARACTERS

Arrays = dict[str, NDArray[Any]]


def read_published(options: Path, weights: Path, dtype: torch.dtype = torch.float32) -> ELMo:
    """Read a published ELMo; it reads `character_ids`, since its words are not in the files.

    Its sequences begin with `<S>` and end with `</S>`, whose vectors belong to no word.

    Args:
        options: options.json.
        weights: the HDF5 file.
        dtype: of the parameters.
    """
    config = _read_options(options)
    arrays = _read_arrays(weights)
    model = ELMo(config).to(dtype)
    tensors = _tensors(config, arrays, weights)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != expected[name]:
            raise UserError(
                f"{weights}: what gives {name} is {tuple(tensor.shape)}, {options} asks for "
                f"{expected[name]}"
            )
    model.load_state_dict(tensors)
    return model.eval()


def _read_options(path: Path) -> ELMoConfig:
    content = files.read_json(path)
    try:
        lstm, cnn = content["lstm"], content["char_cnn"]
        characters = cnn["n_characters"], cnn["max_characters_per_token"]
        if characters not in ((CHARACTERS, MAX_CHARACTERS), (CHARACTERS - 1, MAX_CHARACTERS)):
            raise UserError(
                f"{path}: {characters} characters, and per word; expected {CHARACTERS, 50}"
            )
        return ELMoConfig(
            character_dim=int(cnn["embedding"]["dim"]),
            filters=cnn["filters"],
            activation=cnn["activation"],
            num_highway=int(cnn.get("n_highway") or 0),
            projection_dim=int(lstm["projection_dim"]),
            cells=int(lstm["dim"]),
            num_layers=int(lstm["n_layers"]),
            cell_clip=float(lstm.get("cell_clip") or 0),
            projection_clip=float(lstm.get("proj_clip") or 0),
            skip_connections=bool(lstm.get("use_skip_connections")),
            dropout_rate=float(content.get("dropout", 0)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not the options of an ELMo with a char_cnn: {error!r}") from None


def _read_arrays(path: Path) -> Arrays:
    try:
        import h5py
    except ImportError:
        raise UserError(f"{path}: reading it needs h5py: pip install 'headwater[elmo]'") from None
    found: Arrays = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[...]

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except OSError as error:
        raise UserError(f"{path}: not an HDF5 file, or cut short ({error})") from None
    return found


def _tensors(
    config: ELMoConfig, arrays: Mapping[str, NDArray[Any]], path: Path
) -> dict[str, Tensor]:
    """Return the tensors of our model from the arrays of the file."""

    def get(name: str, axes: int) -> NDArray[Any]:
        array = arrays.get(name)
        if array is None or array.ndim != axes:
            problem = "is missing" if array is None else f"is {array.shape}"
            raise UserError(f"{path}: {name} {problem}; expected an array of {axes} axes")
        return array

    cnn: Arrays = {"embedding.weight": np.pad(get("char_embed", 2), ((1, 0), (0, 0)))}
    for number in range(len(config.filters)):
        weight = get(f"CNN/W_cnn_{number}", 4)[0]  # [width, character_dim, filters]
        cnn[f"convolutions.{number}.weight"] = weight.transpose(2, 1, 0)
        cnn[f"convolutions.{number}.bias"] = get(f"CNN/b_cnn_{number}", 1)
    found = {f"token.cnn.{name}": array for name, array in cnn.items()}
    for number in range(config.num_highway):
        for ours, theirs in (("gate", "carry"), ("transform", "transform")):
            name = f"token.highway.{number}.{ours}"
            found[f"{name}.weight"] = get(f"CNN_high_{number}/W_{theirs}", 2).T
            found[f"{name}.bias"] = get(f"CNN_high_{number}/b_{theirs}", 1)
    if config.channels != config.projection_dim:
        found["token.projection.weight"] = get("CNN_proj/W_proj", 2).T
        found["token.projection.bias"] = get("CNN_proj/b_proj", 1)
    for layer in range(config.num_layers):
        names = [f"RNN_{way}/RNN/MultiRNNCell/Cell{layer}/LSTMCell" for way in (0, 1)]
        parts = [_lstm(get(f"{n}/W_0", 2), get(f"{n}/B", 1), get(f"{n}/W_P_0", 2)) for n in names]
        for name in parts[0]:
            found[f"lstm.{layer}.{name}"] = _both(parts[0][name], parts[1][name], path, name)
    return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in found.items()}


def _lstm(weight: NDArray[Any], bias: NDArray[Any], projection: NDArray[Any]) -> Arrays:
    """Part [x h] into inputs and state, and bring the gates into the order i f g o."""
    state = projection.shape[1]
    gates = np.split(bias.astype(np.float64), 4)  # a float32 would lose bits to the 1
    gates[2] += 1.0
    order = (0, 2, 1, 3)  # theirs are i, j (our g), f, o
    columns = np.split(weight, 4, axis=1)
    whole = np.concatenate([columns[index] for index in order], axis=1)
    return {
        "input": whole[:-state],
        "recurrent": whole[-state:],
        "bias": np.concatenate([gates[index] for index in order]),
        "projection": projection,
    }


def _both(forward: NDArray[Any], backward: NDArray[Any], path: Path, name: str) -> NDArray[Any]:
    if forward.shape != backward.shape:
        raise UserError(
            f"{path}: {name} is {forward.shape} forward and {backward.shape} backward; "
            "they must be alike"
        )
    return np.stack([forward, backward])
