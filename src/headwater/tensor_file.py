"""One safetensors file of named tensors: the only form in which tensors are read and written."""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save_file
from torch import Tensor

from headwater.errors import UserError
from headwater.files import refusal
from headwater.paths import as_text

_NUMBER = re.compile(r"os error (\d+)")


def write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to a file; OSError, with its number and the path, where the system refuses."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(whole, path, metadata={"format": "pt"})
    except SafetensorError as error:  # it hides the system's own error in its text
        found = _NUMBER.search(str(error))
        number = int(found[1]) if found else errno.EIO
        needed = sum(tensor.nbytes for tensor in whole.values())
        raise refusal(OSError(number, os.strerror(number)), path, needed) from None


def read(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a file into memory of their own."""
    try:
        # safetensors opens no file whose name is not UTF-8
        plain = as_text(path) == str(path)
        tensors = load_file(path) if plain else load(path.read_bytes())
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path}: damaged or cut short ({error}); fetch it again") from None
    # The file is mapped; what is returned must not change when the file does.
    return {name: torch.clone(tensor) for name, tensor in tensors.items()}
