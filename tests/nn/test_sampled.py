"""The sampled softmax: the published formula, true chances, and the exact loss in evaluation."""

import math

import pytest
import torch
from torch.nn import functional as F

from headwater.nn import sampled
from headwater.nn.sampled import SampledSoftmax


def _made(words: int, width: int, samples: int) -> SampledSoftmax:
    torch.manual_seed(0)
    layer = SampledSoftmax(words, width, samples).double()
    layer.initialize()
    torch.nn.init.normal_(layer.bias)
    return layer


def _states(positions: int, width: int) -> torch.Tensor:
    return torch.randn(positions, width, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("cells", [1, 250, 1 << 24])
def test_in_evaluation_the_loss_is_the_cross_entropy(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled, "_SCORES", cells)  # in one part, in some, position by position
    layer, hidden = _made(50, 6, 10).eval(), _states(17, 6)
    labels = torch.arange(17)
    expected = F.cross_entropy(layer.logits(hidden), labels, reduction="sum")
    torch.testing.assert_close(layer(hidden, labels), expected, rtol=1e-12, atol=0)


def test_without_positions_the_loss_is_0() -> None:
    layer = _made(50, 6, 10)
    nothing, none = torch.zeros(0, 6, dtype=torch.float64), torch.zeros(0, dtype=torch.long)
    assert layer(nothing, none) == layer.eval()(nothing, none) == 0


def test_with_as_many_samples_as_words_training_is_exact() -> None:
    layer, hidden, labels = _made(9, 4, 9), _states(5, 4), torch.tensor([0, 3, 3, 8, 1])
    assert layer.training
    expected = F.cross_entropy(layer.logits(hidden), labels, reduction="sum")
    assert torch.equal(layer(hidden, labels), expected)


def test_training_is_the_published_formula() -> None:
    """Position by position from the module docstring; accidental hits are left out."""
    layer, hidden = _made(40, 6, 12), _states(8, 6)
    labels = torch.tensor([0, 0, 1, 2, 5, 39, 17, 3])
    torch.manual_seed(5)
    candidates, drawn = layer._draw()
    assert set(candidates.tolist()) & set(labels.tolist())
    torch.manual_seed(5)
    loss = layer(hidden, labels)
    loss.backward()
    total = 0.0
    scores = (hidden @ layer.weight.T + layer.bias).tolist()
    for position, label in enumerate(labels.tolist()):
        others = [word for word in candidates.tolist() if word != label]
        lowered = {w: scores[position][w] - math.log(drawn[w]) for w in [label, *others]}
        total -= lowered[label] - math.log(sum(math.exp(score) for score in lowered.values()))
    assert loss.item() == pytest.approx(total, rel=1e-6)  # chances are float32
    assert layer.weight.grad is not None and hidden.grad is not None
    touched = layer.weight.grad.abs().sum(1).nonzero()[:, 0].tolist()
    assert touched == sorted({*candidates.tolist(), *labels.tolist()})


@pytest.mark.parametrize("least", [1, 3, 512])
def test_its_gradient_is_that_of_the_formula(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many positions are taken at a time; with accidental hits."""
    monkeypatch.setattr(sampled, "_CACHED", 1)
    monkeypatch.setattr(sampled, "_LEAST", least)
    layer, hidden = _made(40, 6, 12), _states(8, 6)
    labels = torch.tensor([0, 0, 1, 2, 5, 39, 17, 3])
    torch.manual_seed(5)
    candidates, drawn = layer._draw()
    torch.manual_seed(5)
    loss = layer(hidden, labels)
    found = torch.autograd.grad(3 * loss, (hidden, layer.weight, layer.bias))
    lowered = hidden @ layer.weight.T + layer.bias - drawn.log()
    own = lowered.gather(1, labels[:, None])
    others = lowered[:, candidates].masked_fill(candidates == labels[:, None], -torch.inf)
    expected = (torch.cat((own, others), 1).logsumexp(1) - own[:, 0]).sum()
    wanted = torch.autograd.grad(3 * expected, (hidden, layer.weight, layer.bias))
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


def test_chances_are_how_often_words_are_drawn() -> None:
    """Candidates are distinct, and of each word draws / chance averages to 1, common or rare."""
    layer, draws = _made(300, 2, 60), 4000
    torch.manual_seed(1)
    weighed = torch.zeros(300)
    for _ in range(draws):
        candidates, chances = layer._draw()
        assert len(candidates.unique()) == 60
        weighed[candidates] += 1 / chances[candidates]
    assert chances[0] > 0.99 and chances[299] < 0.15
    spread = ((1 / chances - 1) / draws).sqrt()
    assert ((weighed / draws - 1).abs() < 5 * spread + 1e-3).all()


def test_common_words_are_drawn_by_zipf() -> None:
    layer = _made(1000, 2, 1)
    torch.manual_seed(2)
    first = torch.stack([layer._draw()[0][0] for _ in range(6000)])
    for below in (1, 10, 100):
        expected = math.log(below + 1) / math.log(1001)
        share = (first < below).double().mean().item()
        assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / 6000)


def test_where_the_exact_loss_is_least_the_sampled_one_has_no_slope() -> None:
    """At scores log(how often a word comes); those are not the chances of being drawn."""
    counts = (500 / torch.arange(1, 31)).round().long().roll(11)
    labels = torch.arange(30).repeat_interleave(counts)
    layer = SampledSoftmax(30, 2, 6).double()
    torch.nn.init.zeros_(layer.weight)
    torch.manual_seed(3)
    slopes = []
    with torch.no_grad():
        layer.bias.copy_(counts.log())
    for _ in range(2000):
        layer.zero_grad()
        layer(torch.zeros(len(labels), 2, dtype=torch.float64), labels).backward()
        assert layer.bias.grad is not None
        slopes.append(layer.bias.grad.clone())
    every = torch.stack(slopes)
    mean, error = every.mean(0), every.std(0) / len(every) ** 0.5
    assert (mean.abs() < 4 * error).all()
    assert (mean.abs() < 0.3 * counts).all()  # were log q left out, by more than the counts


def test_the_same_seed_draws_the_same() -> None:
    layer, hidden, labels = _made(40, 4, 8), _states(6, 4), torch.arange(6)
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(layer(hidden, labels).item())
    assert losses[0] == losses[1] != losses[2]


def test_in_bf16_the_loss_is_float32_and_near() -> None:
    layer, labels = _made(200, 16, 50).float(), torch.arange(32)
    hidden = torch.randn(32, 16)
    torch.manual_seed(4)
    exact = layer(hidden, labels)
    torch.manual_seed(4)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(hidden, labels)
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact.item(), rel=5e-3)
