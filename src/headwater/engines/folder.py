"""An export on disk: a model's folder with the file of another engine in place of the weights.

config.json, vocabulary, headwater.json, generation_config.json     as of any model
model.onnx, or model.bin and its tokens     what the engine reads
manifest.json     sha256 of the files that no one changes
engine.json       which engine, of which model, and how far its outputs are from ours:
    {"engine": "onnx", "version": "1.20.1", "file": "model.onnx", "quantization": "int8",
     "source": {"name": "reader", "sha256": {"model.safetensors": "53aa..."}},
     "agreement": {"difference": 0.21, ...}}
README.md         the same for people
"""

from pathlib import Path
from typing import Any, Self

import torch
from pydantic import Field

from headwater.checkpoints.description import Description
from headwater.checkpoints.weights import ENGINE, check_others
from headwater.config import Config
from headwater.engines.library import EngineName
from headwater.errors import UserError
from headwater.files import read_json
from headwater.models.build import Model

ONNX_FILE, CTRANSLATE2_FILE = "model.onnx", "model.bin"


class Source(Config):
    """What was exported: its name as the user gave it, its weight files' sha256."""

    name: str
    sha256: dict[str, str]


class EngineFile(Config):
    """The content of `engine.json`.

    version: of the engine that wrote it.
    file: what the engine opens.
    quantization: how its weights are stored; None: in float32.
    agreement: what `evaluation.agreement` measured.
    """

    engine: EngineName
    version: str
    file: str = Field(pattern=r"^[\w.-]+$")
    quantization: str | None
    source: Source
    agreement: dict[str, Any]

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Read that of a folder; None where there is none."""
        file = folder / ENGINE
        if not file.exists():
            return None
        content = read_json(file)
        if not isinstance(content, dict):
            raise UserError(f"{file}: a JSON object was expected")
        return cls.check(content, str(file))


def open_export(folder: Path, found: EngineFile, device: str, precision: str) -> Model:
    """Return the network of an export, which runs on the CPU in the precision of its file.

    Args:
        device, precision: what the user asks for; only `auto`, and of devices `cpu`, will do.
    """
    if device not in ("auto", "cpu"):
        raise UserError(
            f"{folder}: an export, which runs on the CPU; device {device!r} is not for it"
        )
    if precision != "auto":
        raise UserError(
            f"{folder}: an export, whose precision is that of its file; leave {precision!r} out"
        )
    file = folder / found.file
    if not file.is_file():
        raise UserError(f"{file}: missing, but {ENGINE} names it; copy the folder again")
    described = Description.read(folder)
    check_others(folder)
    if found.engine == "onnx":
        from headwater.engines.onnx_network import open_onnx

        return open_onnx(file, described, torch.get_num_threads()).eval()
    from headwater.engines.ctranslate2_network import open_ctranslate2

    return open_ctranslate2(folder, described.config, torch.get_num_threads()).eval()
