"""The published ELMo format against an independent reading of the published algorithm.

The reference is plain numpy over the file's own arrays, one sentence, one word and one step at a
time, from the paper (Peters et al. 2018) and the published bilm-tf: no released weights are at
hand, so the file is made up.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.models.elmo.network import ELMo
from headwater.models.elmo.released import read_published
from headwater.nn.characters import character_ids

OPTIONS: dict[str, Any] = {
    "lstm": {
        "use_skip_connections": True,
        "projection_dim": 6,
        "cell_clip": 0.4,
        "proj_clip": 0.3,
        "dim": 9,
        "n_layers": 2,
    },
    "char_cnn": {
        "activation": "relu",
        "filters": [[1, 3], [2, 4], [5, 6]],
        "n_highway": 2,
        "embedding": {"dim": 4},
        "n_characters": 262,
        "max_characters_per_token": 50,
    },
}
SENTENCES = [
    ["<S>", "The", "spring", "flows", "again", ".", "</S>"],
    ["<S>", "Zoë", "x" * 60, "</S>"],
]


def made_up(folder: Path, options: dict[str, Any] = OPTIONS) -> tuple[Path, Path]:
    """Write options.json and weights.hdf5 of that shape; weights large enough to be clipped."""
    draw = np.random.default_rng(3)
    lstm, cnn = options["lstm"], options["char_cnn"]
    width, cells, dim = lstm["projection_dim"], lstm["dim"], cnn["embedding"]["dim"]
    channels = sum(many for _, many in cnn["filters"])
    shapes: dict[str, tuple[int, ...]] = {"char_embed": (261, dim)}
    for number, (reach, many) in enumerate(cnn["filters"]):
        shapes[f"CNN/W_cnn_{number}"] = (1, reach, dim, many)
        shapes[f"CNN/b_cnn_{number}"] = (many,)
    for number in range(cnn.get("n_highway", 0)):
        for part in ("carry", "transform"):
            shapes[f"CNN_high_{number}/W_{part}"] = (channels, channels)
            shapes[f"CNN_high_{number}/b_{part}"] = (channels,)
    if channels != width:
        shapes["CNN_proj/W_proj"], shapes["CNN_proj/b_proj"] = (channels, width), (width,)
    for way in (0, 1):
        for layer in range(lstm["n_layers"]):
            cell = f"RNN_{way}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
            shapes[f"{cell}/W_0"] = (2 * width, 4 * cells)
            shapes[f"{cell}/B"] = (4 * cells,)
            shapes[f"{cell}/W_P_0"] = (cells, width)
    (folder / "options.json").write_text(json.dumps(options))
    with h5py.File(folder / "weights.hdf5", "w") as file:
        for name, shape in shapes.items():
            file[name] = draw.normal(0, 0.5, shape).astype(np.float32)
    return folder / "options.json", folder / "weights.hdf5"


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def published_word(word: str, file: Any, cnn: dict[str, Any], kind: Any) -> np.ndarray:
    """The published UnicodeCharsVocabulary, then the published CNN, for one word."""
    codes = np.full(50, 260)  # pad
    if word in ("<S>", "</S>"):
        codes[:3] = 258, 256 if word == "<S>" else 257, 259
    else:
        encoded = word.encode("utf-8", "ignore")[:48]
        codes[0] = 258  # begin of word
        codes[1 : 1 + len(encoded)] = list(encoded)
        codes[1 + len(encoded)] = 259  # end of word
    vectors = file["char_embed"][...].astype(kind)[codes]
    found = []
    for number, (reach, _) in enumerate(cnn["filters"]):
        weight = file[f"CNN/W_cnn_{number}"][0].astype(kind)
        bias = file[f"CNN/b_cnn_{number}"][...].astype(kind)
        windows = [vectors[at : at + reach] for at in range(50 - reach + 1)]
        sums = [np.einsum("wd,wdf->f", window, weight) + bias for window in windows]
        found.append(np.maximum(np.max(sums, axis=0), 0))
    vector = np.concatenate(found)
    for number in range(cnn.get("n_highway", 0)):
        high = {n: a[...].astype(kind) for n, a in file[f"CNN_high_{number}"].items()}
        carry = sigmoid(vector @ high["W_carry"] + high["b_carry"])
        changed = np.maximum(vector @ high["W_transform"] + high["b_transform"], 0)
        vector = carry * changed + (1 - carry) * vector
    if "CNN_proj" in file:
        projection = file["CNN_proj"]
        vector = vector @ projection["W_proj"][...].astype(kind) + projection["b_proj"][...]
    return vector


def published_lstm(vectors: list[np.ndarray], cell: Any, lstm: dict[str, Any]) -> list[np.ndarray]:
    """TensorFlow's LSTMCell with num_proj, cell_clip and proj_clip."""
    kind = vectors[0].dtype
    weight, bias, project = (cell[name][...].astype(kind) for name in ("W_0", "B", "W_P_0"))
    state, memory = np.zeros(project.shape[1], kind), np.zeros(project.shape[0], kind)
    found = []
    for vector in vectors:
        i, j, f, o = np.split(np.concatenate([vector, state]) @ weight + bias, 4)
        memory = sigmoid(f + 1) * memory + sigmoid(i) * np.tanh(j)
        if lstm["cell_clip"]:
            memory = np.clip(memory, -lstm["cell_clip"], lstm["cell_clip"])
        state = (sigmoid(o) * np.tanh(memory)) @ project
        if lstm["proj_clip"]:
            state = np.clip(state, -lstm["proj_clip"], lstm["proj_clip"])
        found.append(state)
    return found


def published_layers(words: list[str], folder: Path, kind: Any) -> np.ndarray:
    """All layers of a sentence, `[layers + 1, words, 2 x projection]`."""
    options = json.loads((folder / "options.json").read_text())
    with h5py.File(folder / "weights.hdf5") as file:
        tokens = [published_word(word, file, options["char_cnn"], kind) for word in words]
        layers = [[np.concatenate([token, token]) for token in tokens]]
        ways = []
        for way in (0, 1):
            hidden, states = tokens[::-1] if way else tokens, []
            for layer in range(options["lstm"]["n_layers"]):
                cell = file[f"RNN_{way}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"]
                found = published_lstm(hidden, cell, options["lstm"])
                if layer and options["lstm"]["use_skip_connections"]:
                    found = [new + old for new, old in zip(found, hidden, strict=True)]
                hidden = found
                states.append(found[::-1] if way else found)
            ways.append(states)
        for forward, backward in zip(*ways, strict=True):
            layers.append([np.concatenate(both) for both in zip(forward, backward, strict=True)])
    return np.array(layers)


def sentences_batch() -> dict[str, torch.Tensor]:
    length = max(map(len, SENTENCES))
    ids = np.zeros((len(SENTENCES), length, 50), np.int64)
    for row, words in zip(ids, SENTENCES, strict=True):
        row[: len(words)] = character_ids(words)
    return {"character_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(ids.any(2))}


def changed(lstm: dict[str, Any], cnn: dict[str, Any]) -> dict[str, Any]:
    return {"lstm": OPTIONS["lstm"] | lstm, "char_cnn": OPTIONS["char_cnn"] | cnn}


SHAPES: dict[str, dict[str, Any]] = {
    "as published": OPTIONS,
    "no skip, no clipping": changed(
        {"use_skip_connections": False, "cell_clip": None, "proj_clip": None}, {}
    ),
    "no projection, no highway, three layers": changed(
        {"projection_dim": 13, "n_layers": 3}, {"n_highway": 0}
    ),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
@pytest.mark.parametrize("shape", SHAPES)
def test_layers_equal_the_published_algorithm(
    tmp_path: Path, shape: str, dtype: torch.dtype, tolerance: float
) -> None:
    model = read_published(*made_up(tmp_path, SHAPES[shape]), dtype=dtype)
    with torch.no_grad():
        layers = model(sentences_batch())
    assert layers.dtype == dtype
    lstm = SHAPES[shape]["lstm"]
    assert layers.shape == (lstm["n_layers"] + 1, 2, 7, 2 * lstm["projection_dim"])
    for row, words in enumerate(SENTENCES):
        expected = published_layers(words, tmp_path, np.float64)
        found = layers[:, row, : len(words)].double().numpy()
        assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())
        assert not layers[:, row, len(words) :].any()
    if lstm["proj_clip"]:
        clipped = (layers[1].abs() - 0.3).abs() < 1e-6
        assert clipped.float().mean() > 0.05  # or the test would not see a clip left out


def test_it_is_saved_and_loaded_as_ours(tmp_path: Path) -> None:
    model = read_published(*made_up(tmp_path))
    save_model(tmp_path / "ours", model)
    loaded = load_model(tmp_path / "ours")
    assert loaded.new_parameters == loaded.ignored == ()
    assert isinstance(loaded.model, ELMo)
    assert loaded.config == model.config
    batch = sentences_batch()
    assert torch.equal(loaded.model(batch), model(batch))


def broken_options(**lstm: Any) -> str:
    return json.dumps(changed(lstm, {}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "options.json: not the options of an ELMo"),
        ("[]", "options.json: not the options of an ELMo"),
        (json.dumps({"lstm": OPTIONS["lstm"], "n_tokens_vocab": 9}), "not the options of an ELMo"),
        (json.dumps(changed({}, {"filters": [[1, 3, 2]]})), "filters = "),
        (json.dumps(changed({}, {"filters": [[1, 3], [2, 4], [5, 7]]})), "convolutions.2.* asks"),
        (json.dumps(changed({}, {"n_characters": 99})), "99"),
        (json.dumps(changed({}, {"n_highway": 3})), "CNN_high_2/W_carry is missing"),
        (broken_options(dim=10), "lstm.0.* asks for"),
        (broken_options(n_layers=3), "Cell2/LSTMCell/W_0 is missing"),
    ],
)
def test_what_is_wrong_with_the_files_is_reported(
    tmp_path: Path, content: str, message: str
) -> None:
    options, weights = made_up(tmp_path)
    options.write_text(content)
    with pytest.raises(UserError, match=message):
        read_published(options, weights)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    options, weights = made_up(tmp_path)
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"weights\.hdf5: not an HDF5 file, or cut short"):
        read_published(options, weights)
