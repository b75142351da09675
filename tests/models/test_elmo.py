"""ELMo as a language model in both directions; `checkpoints/test_elmo.py` holds its parity."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import tiny
from headwater.errors import UserError
from headwater.models.build import build_model, empty_model
from headwater.models.elmo.config import ELMoConfig
from headwater.models.elmo.network import ELMo
from headwater.models.families import preset
from headwater.nn.characters import character_ids
from headwater.nn.layer_mix import LayerMix

SIZES: dict[str, Any] = {
    "filters": [[1, 4], [2, 4], [3, 8]],
    "num_highway": 2,
    "projection_dim": 10,
    "samples": 8,
    "dropout_rate": 0.0,
}


@pytest.fixture(autouse=True)
def one_thread_and_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(2)


def small_elmo(**sizes: Any) -> ELMo:
    model = build_model(tiny.elmo_config(**SIZES | sizes))
    assert isinstance(model, ELMo)
    words = [f"word{number}" for number in range(model.config.vocab_size)]
    model.know_words(torch.from_numpy(character_ids(words)))
    return model.double().eval()


def batch_of_words() -> dict[str, Tensor]:
    ids = torch.randint(0, 40, (3, 9))
    mask = torch.arange(9)[None] < torch.tensor([9, 4, 1])[:, None]
    return {"input_ids": ids.where(mask, 0), "attention_mask": mask}


@pytest.mark.parametrize(
    ("name", "parameters", "published"),
    [
        ("elmo", 93_600_848, "93.6"),
        ("elmo-medium", 28_027_728, "28.0"),
        ("elmo-small", 13_593_296, "13.6"),
    ],
)
def test_presets_have_the_published_sizes(name: str, parameters: int, published: str) -> None:
    with torch.device("meta"):
        model = empty_model(preset(name), None)
    never_trained = 16  # the vector of id 0, which the published files leave out
    assert sum(p.numel() for p in model.parameters()) - never_trained == parameters
    assert f"{parameters / 1e6:.1f}" == published  # millions, as on the authors' page


def test_padding_changes_nothing() -> None:
    model, batch = small_elmo(), batch_of_words()
    layers = model(batch)
    for row, length in enumerate((9, 4, 1)):
        alone = model({"input_ids": batch["input_ids"][row : row + 1, :length]})
        assert (layers[:, row, :length] - alone[:, 0]).abs().max() < 1e-12
        assert not layers[:, row, length:].any()
    one_by_one = [
        model.loss_sums({"input_ids": batch["input_ids"][row : row + 1, :length]})["tokens"]
        for row, length in enumerate((9, 4))
    ]
    assert model.loss_counts(batch) == {"tokens": 2 * (8 + 3)}
    assert abs(model.loss_sums(batch)["tokens"] - sum(one_by_one)) < 1e-9


def test_no_direction_sees_the_word_that_it_predicts() -> None:
    model = small_elmo()
    ids = torch.randint(0, 40, (1, 9))
    other = ids.clone()
    other[0, 5] = (ids[0, 5] + 1) % 40
    before, after = model({"input_ids": ids}), model({"input_ids": other})
    width = model.config.projection_dim
    for layer in (1, 2):
        same = ((before[layer, 0] - after[layer, 0]).abs() < 1e-12).view(9, 2, width)
        assert same[:5, 0].all() and same[6:, 1].all()
        assert not same[5:, 0].all(1).any() and not same[:6, 1].all(1).any()  # but the others do
    own = (before[0, 0] - after[0, 0]).abs().amax(1) < 1e-12
    assert own.tolist() == [position != 5 for position in range(9)]


def test_equal_words_have_equal_token_vectors_and_know_their_context() -> None:
    layers = small_elmo()({"input_ids": torch.tensor([[3, 8, 3, 5]])})[:, 0]
    assert torch.equal(layers[0, 0], layers[0, 2])
    assert (layers[1:, 0] - layers[1:, 2]).abs().amax(-1).min() > 1e-6
    width = layers.shape[-1] // 2
    assert torch.equal(layers[0, :, :width], layers[0, :, width:])


def test_words_and_their_characters_are_read_alike() -> None:
    model, batch = small_elmo(), batch_of_words()
    assert model.words is not None
    spelled = {"character_ids": model.words[batch["input_ids"]].long()}
    spelled["attention_mask"] = batch["attention_mask"]
    assert (model(spelled) - model(batch)).abs().max() < 1e-12


def test_the_loss_is_minus_log_p_of_the_neighbors() -> None:
    model, batch = small_elmo(), batch_of_words()
    layers, total = model(batch)[-1], 0.0
    assert model.softmax is not None
    scores = model.softmax.logits(layers.unflatten(-1, (2, -1))).log_softmax(-1)
    for row, length in enumerate((9, 4, 1)):
        for position in range(length - 1):
            here, following = batch["input_ids"][row, position : position + 2].tolist()
            total -= scores[row, position, 0, following].item()
            total -= scores[row, position + 1, 1, here].item()
    assert abs(model.loss_sums(batch)["tokens"].item() - total) < 1e-9


def test_it_learns_a_batch_by_heart_from_samples() -> None:
    model = small_elmo(cells=32, projection_dim=16, samples=20).float().train()
    batch = {"input_ids": torch.randperm(40).view(4, 10)}
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = model.loss_sums(batch)["tokens"] / model.loss_counts(batch)["tokens"]
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        exact = model.eval().loss_sums(batch)["tokens"] / model.loss_counts(batch)["tokens"]
    assert exact < 0.5 < math.log(40)


def test_a_fresh_model_knows_nothing() -> None:
    model, batch = small_elmo(), batch_of_words()
    loss = model.loss_sums(batch)["tokens"] / model.loss_counts(batch)["tokens"]
    assert abs(loss.item() - math.log(40)) < 0.5
    assert not model.token.cnn.embedding.weight[0].any()


def test_dropout_works_in_training_only() -> None:
    model, batch = small_elmo(dropout_rate=0.5, samples=40), batch_of_words()
    trained = [model.train().loss_sums(batch)["tokens"].item() for _ in range(2)]
    asked = [model.eval().loss_sums(batch)["tokens"].item() for _ in range(2)]
    assert trained[0] != trained[1]
    assert asked[0] == asked[1]


def test_a_mix_of_layers_is_equation_1() -> None:
    layers = torch.randn(3, 2, 5, 8)
    mix = LayerMix(3)
    assert torch.allclose(mix(layers), layers.mean(0), atol=1e-6)
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([0.0, 1.0, -2.0]))
        mix.gamma.fill_(3.0)
    powers = [1.0, math.e, math.exp(-2)]
    expected = sum(
        3 * power / sum(powers) * layer for power, layer in zip(powers, layers, strict=True)
    )
    assert torch.allclose(mix(layers), expected, atol=1e-5)
    mix(layers).sum().backward()
    assert mix.weights.grad is not None and mix.weights.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "filters", [[], 3, [[1]], [[0, 4]], [[51, 4]], [[1, 0]], [[1, 4.0]], [[1, 4], 2]], ids=str
)
def test_filters_are_pairs_of_whole_numbers(filters: Any) -> None:
    with pytest.raises(UserError, match=r"filters = .*: expected \[\[width, number\], \.\.\]"):
        ELMoConfig(filters=filters)


def test_a_model_without_words_says_so() -> None:
    model = build_model(tiny.elmo_config(vocab_size=0))
    with pytest.raises(UserError, match="it reads character_ids, not input_ids"):
        model(batch_of_words())
    assert "softmax.weight" not in model.state_dict()
