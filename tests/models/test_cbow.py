"""Continuous bag of words: the published sums, true losses, learning, and the folder."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.data.batching import collate
from headwater.errors import UserError
from headwater.models.build import build_model
from headwater.models.cbow.family import PRESETS
from headwater.models.cbow.network import CBOW
from headwater.models.losses import IGNORED

SMALL = tiny.cbow_config()


@pytest.fixture
def network() -> CBOW:
    made = tiny.cbow()
    assert isinstance(made, CBOW)
    return made.double().eval()


def _batch(window: int, *lengths: int) -> dict[str, torch.Tensor]:
    """Sequences with so many words to predict, padded to the longest."""
    rng = np.random.default_rng(0)
    ids = [rng.integers(3, 40, size + 2 * window).astype(np.int32) for size in lengths]
    return collate([{"input_ids": each, "labels": each[window:-window]} for each in ids], 0)


@pytest.mark.parametrize("window", [1, 4])
def test_scores_are_the_products_with_the_mean_of_the_window(network: CBOW, window: int) -> None:
    """Window by window, as the paper's figure 1 has it; no window holds padding."""
    batch = _batch(window, 3, 9)
    scores = network(batch)
    assert scores.shape == (2, 9, 40)
    table = network.token.weight
    losses = 0.0
    for row, size in ((0, 3), (1, 9)):
        words = batch["input_ids"][row].tolist()
        for at in range(size):
            around = words[at : at + window] + words[at + window + 1 :][:window]
            assert len(around) == 2 * window and batch["labels"][row, at] == words[at + window]
            mean = sum(table[word] for word in around) / len(around)
            expected = network.output.weight @ mean + network.output.bias
            torch.testing.assert_close(scores[row, at], expected, rtol=1e-9, atol=1e-12)
            losses -= expected.log_softmax(-1)[words[at + window]].item()
    assert (batch["labels"][0, 3:] == IGNORED).all()
    assert network.loss_sums(batch)["words"].item() == pytest.approx(losses, rel=1e-9)
    assert network.loss_counts(batch) == {"words": 12}


def test_a_word_is_guessed_from_those_within_the_window(network: CBOW) -> None:
    """There are fewer at the ends; the word itself is not among them."""
    network.config = replace(network.config, window=2)
    ids = torch.tensor([[5, 9, 13, 7, 30]])
    table, found = network.token.weight, network.neighbor_logits(ids)
    around = ([9, 13], [5, 13, 7], [5, 9, 7, 30], [9, 13, 30], [13, 7])
    for scores, words in zip(found, around, strict=True):
        expected = network.output.weight @ table[words].mean(0) + network.output.bias
        torch.testing.assert_close(scores, expected, rtol=1e-9, atol=1e-12)


def test_a_sequence_has_the_loss_of_its_windows_alone(network: CBOW) -> None:
    whole = _batch(2, 20)
    parts = [
        {"input_ids": whole["input_ids"][:, i : i + 5], "labels": whole["labels"][:, i : i + 1]}
        for i in range(20)
    ]
    sums = torch.stack([network.loss_sums(part)["words"] for part in parts])
    torch.testing.assert_close(network.loss_sums(whole)["words"], sums.sum())


def test_it_learns_a_batch_by_heart() -> None:
    network = tiny.cbow(seed=1, vector_size=16)
    assert isinstance(network, CBOW)
    batch = _batch(2, 30)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        (network.train().loss_sums(batch)["words"] / 30).backward()
        optimizer.step()
    assert network.eval().loss_sums(batch)["words"].item() / 30 < 0.2


def test_a_fresh_model_takes_every_word_as_likely() -> None:
    network = tiny.cbow(vocab_size=500, vector_size=64)
    assert isinstance(network, CBOW)
    assert network.token.weight.abs().max() <= 0.5 / 64 < 2 * network.token.weight.std()
    shares = network(_batch(4, 64)).softmax(-1)
    assert (shares * 500 - 1).abs().max() < 0.05


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_folder_gives_the_model_back(network: CBOW, dtype: torch.dtype, tmp_path: Path) -> None:
    network = network.float()
    save_model(tmp_path / "model", network, dtype=dtype)
    content = json.loads((tmp_path / "model/config.json").read_text(encoding="utf-8"))
    assert content["model_type"] == "cbow" and content["vector_size"] == 8
    loaded = load_model(tmp_path / "model")
    assert loaded.config == SMALL and not loaded.new_parameters and not loaded.ignored
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value.to(dtype).float())


def test_wrong_folders_are_refused(network: CBOW, tmp_path: Path) -> None:
    save_model(tmp_path / "model", network)
    file = tmp_path / "model/config.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    for change, expected in (
        ({"vector_size": 9}, r"input.weight is \(40, 8\), config.json asks for \(40, 9\)"),
        ({"samples": 0}, "samples = 0: a number from 1 to 100,000,000 was expected"),
        ({"vector_size": "big"}, "vector_size = 'big', int was expected"),
    ):
        file.write_text(json.dumps(content | change), encoding="utf-8")
        with pytest.raises(UserError, match=expected):
            load_model(tmp_path / "model")
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match="a CBOW has its own output and takes no span head"):
        build_model(SMALL, "span")
    with pytest.raises(UserError, match="a cbow body takes no span head"):
        load_model(tmp_path / "model", "span")


def test_the_preset_has_the_released_vectors_width() -> None:
    with torch.device("meta"):
        network = build_model(PRESETS["cbow"])
    assert sum(parameter.numel() for parameter in network.parameters()) == 30_000 * 601
