"""T5 v1.0, v1.1, mT5 and umT5 equal the published code; with the cache, too, decoding at once."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from transformers.models.mt5 import modeling_mt5
from transformers.models.t5 import modeling_t5
from transformers.models.umt5 import modeling_umt5

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.models.families import keys_of
from headwater.models.text_to_text import shift_right

V1_0 = {"feed_forward_proj": "relu"}
V1_1 = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "num_decoder_layers": 3}
MT5 = V1_1 | {"family": "MT5"}
UMT5 = {"feed_forward_proj": "gated-gelu", "num_decoder_layers": 3, "family": "UMT5"}
VERSIONS = pytest.mark.parametrize(
    "version", [V1_0, V1_1, MT5, UMT5], ids=["v1.0", "v1.1", "mT5", "umT5"]
)
TOLERANCE = {torch.float32: (1e-5, 1e-4), torch.float64: (1e-9, 1e-8)}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(5)


@pytest.fixture(autouse=True)
def reference_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published norm rounds float64 to float32 inside, which would hide our own errors."""

    def forward(self: Any, hidden: Tensor) -> Tensor:
        variance = hidden.pow(2).mean(-1, keepdim=True)
        return self.weight * (hidden * torch.rsqrt(variance + self.variance_epsilon))

    monkeypatch.setattr(modeling_t5.T5LayerNorm, "forward", forward)
    monkeypatch.setattr(modeling_mt5.MT5LayerNorm, "forward", forward)
    monkeypatch.setattr(modeling_umt5.UMT5LayerNorm, "forward", forward)


def published_t5(version: dict[str, Any], dtype: torch.dtype) -> Any:
    family = version.get("family", "T5")
    config = getattr(transformers, f"{family}Config")(
        vocab_size=50,
        d_model=16,
        d_kv=5,
        d_ff=24,
        num_layers=2,
        num_heads=3,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=20,
        decoder_start_token_id=0,
        **{name: value for name, value in version.items() if name != "family"},
    )
    config._attn_implementation = "eager"
    model = getattr(transformers, f"{family}ForConditionalGeneration")(config)
    if "tie_word_embeddings" in version:  # the constructor ties even so
        model.lm_head.weight = torch.nn.Parameter(torch.empty(50, 16))
    tiny.draw_weights(model, 0.2)
    return model.to(dtype).eval()


def t5_batch() -> dict[str, Tensor]:
    mask = torch.arange(40)[None] < torch.tensor([40, 22, 3])[:, None]
    labels = torch.randint(1, 50, (3, 27))
    labels[1, 20:] = -100
    labels[2, 5:] = -100
    ids = torch.randint(1, 50, (3, 40)) * mask
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def assert_near(ours: Tensor, theirs: Tensor, tolerance: float, what: str) -> None:
    difference = (ours - theirs).abs().max().item()
    assert ours.shape == theirs.shape, what
    assert difference <= tolerance * max(1.0, theirs.abs().max().item()), (what, difference)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@VERSIONS
def test_t5_equals(tmp_path: Path, version: dict[str, Any], dtype: torch.dtype) -> None:
    theirs = published_t5(version, dtype)
    theirs.save_pretrained(tmp_path)
    ours = load_model(tmp_path, dtype=dtype).model
    assert ours.config.scale_decoder_outputs is (version in (V1_0, UMT5))
    batch = t5_batch()
    result = theirs(**batch | {"attention_mask": batch["attention_mask"].long()})
    mask = batch["attention_mask"]
    memory = ours.encode(batch["input_ids"], mask)
    assert_near(memory[mask], result.encoder_last_hidden_state[mask], TOLERANCE[dtype][0], "memory")
    assert_near(ours(batch), result.logits, TOLERANCE[dtype][0], "logits")
    loss = ours.loss_sums(batch)["tokens"] / ours.loss_counts(batch)["tokens"]
    assert_near(loss, result.loss, TOLERANCE[dtype][1], "loss")
    loss.backward()
    result.loss.backward()
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    for name, parameter in ours.named_parameters():
        other = gradients[keys_of(ours.config).name_in_file(name, None)]
        assert_near(parameter.grad, other, TOLERANCE[dtype][1], name)


@VERSIONS
def test_published_code_opens_our_t5(tmp_path: Path, version: dict[str, Any]) -> None:
    theirs = published_t5(version, torch.float32)
    theirs.save_pretrained(tmp_path / "theirs")
    save_model(tmp_path / "ours", load_model(tmp_path / "theirs").model)
    again, report = type(theirs).from_pretrained(
        tmp_path / "ours", output_loading_info=True, attn_implementation="eager"
    )
    assert not report["missing_keys"], report
    assert not report["unexpected_keys"], report
    batch = t5_batch()
    assert torch.equal(again.eval()(**batch).logits, theirs(**batch).logits)


def test_an_untied_config_as_first_published(tmp_path: Path) -> None:
    """Before version 5 of the published code only `tie_word_embeddings` told v1.1 apart."""
    theirs = published_t5(V1_1, torch.float32)
    theirs.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    text = path.read_text().replace('"tie_word_embeddings": true', '"tie_word_embeddings": false')
    path.write_text(text.replace('"scale_decoder_outputs": false,', ""))
    assert "scale" not in path.read_text()
    batch = t5_batch()
    assert_near(load_model(tmp_path).model(batch), theirs(**batch).logits, 1e-5, "logits")


@VERSIONS
def test_steps_with_the_cache_equal_decoding_at_once(
    tmp_path: Path, version: dict[str, Any]
) -> None:
    published_t5(version, torch.float64).save_pretrained(tmp_path)
    model = load_model(tmp_path, dtype=torch.float64).model
    batch = t5_batch()
    with torch.no_grad():
        whole = model(batch)
        mask = batch["attention_mask"]
        cache = model.init_cache(model.encode(batch["input_ids"], mask), mask)
        read = shift_right(batch["labels"], model.start_id, model.config.pad_token_id)
        steps = [model.step(read[:, i : i + 1], cache) for i in range(read.shape[1])]
    assert cache.length == 27
    assert_near(torch.stack(steps, 1), whole, 1e-12, "steps")


def test_reordered_sequences_go_on_as_themselves(tmp_path: Path) -> None:
    published_t5(V1_0, torch.float64).save_pretrained(tmp_path)
    model = load_model(tmp_path, dtype=torch.float64).model
    batch = t5_batch()
    with torch.no_grad():
        whole = model(batch)
        mask = batch["attention_mask"]
        cache = model.init_cache(model.encode(batch["input_ids"], mask), mask)
        read = shift_right(batch["labels"], model.start_id, model.config.pad_token_id)
        for i in range(4):
            model.step(read[:, i : i + 1], cache)
        rows = torch.tensor([2, 0, 2, 1])
        cache.reorder(rows)
        later = model.step(read[rows, 4:5], cache)
    assert_near(later, whole[rows, 4], 1e-12, "reordered")
