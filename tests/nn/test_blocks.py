"""Masks, position buckets, and that half precision never reaches norms, softmax or losses."""

import math

import pytest
import torch
from torch import Tensor

import tiny
from headwater.models.bert.config import BertConfig
from headwater.models.build import build_model
from headwater.models.t5.config import T5Config
from headwater.nn.masks import additive, visible
from headwater.nn.positions import bucket


def test_padding_and_causality() -> None:
    keys = torch.tensor([[1, 1, 0]], dtype=torch.bool)
    position = torch.arange(3)
    assert visible(None) is None
    assert visible(keys).tolist() == [[[[True, True, False]]]]
    assert visible(keys, position, position).tolist() == [
        [[[True, False, False], [True, True, False], [True, True, False]]]
    ]


def test_a_position_that_sees_nothing_stays_finite() -> None:
    bias = additive(torch.zeros(1, 1, 1, 4, dtype=torch.bool), torch.float32)
    assert bias is not None
    assert torch.softmax(torch.randn(1, 1, 2, 4) + bias, -1).isfinite().all()


def published_bucket(distance: int, both_sides: bool, buckets: int, furthest: int) -> int:
    """The rule of the published Mesh TensorFlow code, one number at a time."""
    result, n = 0, -distance
    if both_sides:
        buckets //= 2
        result += buckets * (n < 0)
        n = abs(n)
    n = max(n, 0)
    exact = buckets // 2
    if n < exact:
        return result + n
    grown = math.log(n / exact) / math.log(furthest / exact) * (buckets - exact)
    return result + min(exact + int(grown + 1e-6), buckets - 1)


@pytest.mark.parametrize("both_sides", [True, False])
@pytest.mark.parametrize(("buckets", "furthest"), [(32, 128), (8, 20)])
def test_buckets(both_sides: bool, buckets: int, furthest: int) -> None:
    distances = range(-300, 301)
    ours = bucket(
        torch.tensor(distances), buckets=buckets, max_distance=furthest, both_sides=both_sides
    )
    theirs = [published_bucket(d, both_sides, buckets, furthest) for d in distances]
    assert ours.tolist() == theirs


TINY_BERT, TINY_T5 = tiny.bert_config(max_position_embeddings=32), tiny.t5_config()


def small_batch() -> dict[str, Tensor]:
    ids = torch.randint(4, 40, (3, 12))
    mask = torch.arange(12)[None] < torch.tensor([12, 7, 3])[:, None]
    labels = ids[:, :3]
    position = torch.tensor([1, 2, 0])
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "labels": labels,
        "start_positions": position,
        "end_positions": position,
    }


@pytest.mark.parametrize(("config", "head"), [(TINY_BERT, "span"), (TINY_T5, None)])
def test_norms_softmax_and_losses_are_float32_under_bf16(
    monkeypatch: pytest.MonkeyPatch, config: BertConfig | T5Config, head: str | None
) -> None:
    torch.manual_seed(0)
    model = build_model(config, head).eval()
    softmax = torch.softmax
    seen = []

    def watched(scores: Tensor, dim: int) -> Tensor:
        seen.append(scores.dtype)
        return softmax(scores, dim=dim)

    monkeypatch.setattr(torch, "softmax", watched)
    for part in model.modules():
        if type(part).__name__ in ("LayerNorm", "RMSNorm"):
            part.register_forward_hook(lambda _module, _inputs, out: seen.append(out.dtype))
    batch = small_batch()
    exact = sum(model.loss_sums(batch).values())
    with torch.autocast("cpu", torch.bfloat16):
        rounded = sum(model.loss_sums(batch).values())
    assert len(seen) > 8
    assert set(seen) == {torch.float32}
    assert rounded.dtype == torch.float32
    assert 0 < abs(rounded.item() - exact.item()) < 0.05 * exact.item()
    rounded.backward()
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}


@pytest.mark.parametrize(("config", "head"), [(TINY_BERT, "span"), (TINY_T5, None)])
def test_dropout_works_in_training_only(config: BertConfig | T5Config, head: str | None) -> None:
    torch.manual_seed(0)
    model = build_model(config, head)
    batch = small_batch()
    trained = [sum(model.train().loss_sums(batch).values()).item() for _ in range(2)]
    asked = [sum(model.eval().loss_sums(batch).values()).item() for _ in range(2)]
    assert trained[0] != trained[1]
    assert asked[0] == asked[1]


def test_losses_of_parts_add_up_to_the_whole() -> None:
    torch.manual_seed(0)
    model = build_model(TINY_BERT, "span").double().eval()
    batch = small_batch()
    whole = model.loss_sums(batch)["span"]
    parts = [{name: t[i : i + 1] for name, t in batch.items()} for i in range(3)]
    assert sum(model.loss_sums(p)["span"] for p in parts).item() == pytest.approx(whole.item())
    assert sum(model.loss_counts(p)["span"] for p in parts) == model.loss_counts(batch)["span"] == 3


def test_t5_begins_near_a_uniform_guess() -> None:
    """Wrong initialization factors show at once in the first loss: log of the vocabulary."""
    torch.manual_seed(0)
    for tied in (True, False):
        sizes = {"vocab_size": 1000, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_heads": 4}
        ties = {"tie_word_embeddings": tied, "scale_decoder_outputs": tied}
        model = build_model(tiny.t5_config(**sizes, **ties)).eval()
        ids = torch.randint(2, 1000, (4, 20))
        batch = {"input_ids": ids, "labels": torch.randint(2, 1000, (4, 20))}
        loss = model.loss_sums(batch)["tokens"] / model.loss_counts(batch)["tokens"]
        assert math.log(1000) - 0.5 < loss.item() < math.log(1000) + 1.5
