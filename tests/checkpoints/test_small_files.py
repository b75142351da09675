"""Whatever stands in the place of a small file of a model's folder, it is one line, and soon."""

import json
import os
import struct
from pathlib import Path

import pytest

import tiny
from headwater.errors import UserError
from headwater.files import SMALL
from headwater.inference.loaded import load

NAMES = (
    "config.json",
    "generation_config.json",
    "headwater.json",
    "manifest.json",
    "method.json",
    "model.safetensors.index.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    vocabulary = tiny.unigram(tmp_path / "v", tiny.WORDS)
    return tiny.model_folder(tmp_path / "model", vocabulary, family="t5")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "large"])
def test_it_is_refused_in_one_line(folder: Path, name: str, kind: str) -> None:
    file = folder / name
    file.unlink(missing_ok=True)
    if name == "model.safetensors.index.json":
        (folder / "model.safetensors").unlink()
    if kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        with file.open("wb") as sparse:
            sparse.truncate(SMALL + 2)
    with pytest.raises(UserError) as line:
        load(folder, "cpu")
    assert "\n" not in str(line.value) and str(folder) in str(line.value)
    assert len(str(line.value)) < 400


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "header",
    [
        {"shared.weight": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 64]}},
        {"shared.weight": {"dtype": "F32", "shape": [10**6, 16], "data_offsets": [0, 64 * 10**6]}},
        {"shared.weight": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}},
        {},
    ],
)
def test_a_header_that_lies(folder: Path, header: dict[str, object]) -> None:
    (folder / "manifest.json").unlink()
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + bytes(64)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"model\.safetensors|missing"):
        load(folder, "cpu")
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + text)
    with pytest.raises(UserError, match=r"model\.safetensors: damaged"):
        load(folder, "cpu")
