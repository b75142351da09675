"""BART equals the published code: outputs, loss, gradients, generation, both directions."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.inference.decoding import generate_ids
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.loaded import load
from headwater.models.families import keys_of
from headwater.models.text_to_text import shift_right
from headwater.text.framing import framing_of

TOLERANCE = {torch.float32: (1e-5, 1e-4), torch.float64: (1e-9, 1e-8)}
CASES = [{}, {"scale_embedding": True, "activation_function": "relu"}]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(6)


def published(dtype: torch.dtype = torch.float32, **changes: Any) -> Any:
    config = transformers.BartConfig(
        vocab_size=50,
        d_model=16,
        encoder_layers=2,
        decoder_layers=3,
        encoder_attention_heads=2,
        decoder_attention_heads=4,
        encoder_ffn_dim=24,
        decoder_ffn_dim=20,
        max_position_embeddings=30,
        forced_eos_token_id=None,
        **changes,
    )
    config._attn_implementation = "eager"
    model = transformers.BartForConditionalGeneration(config)
    tiny.draw_weights(model, 0.3)
    return model.to(dtype).eval()


def batch() -> dict[str, Tensor]:
    mask = torch.arange(17)[None] < torch.tensor([17, 9, 2])[:, None]
    labels = torch.randint(3, 50, (3, 11))
    labels[1, 7:] = -100
    ids = torch.randint(3, 50, (3, 17)).where(mask, 1)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def assert_near(ours: Tensor, theirs: Tensor, tolerance: float, what: str) -> None:
    assert ours.shape == theirs.shape, what
    difference = (ours - theirs).abs().max().item()
    assert difference <= tolerance * max(1.0, theirs.abs().max().item()), (what, difference)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("changes", CASES, ids=str)
def test_bart_equals(tmp_path: Path, changes: dict[str, Any], dtype: torch.dtype) -> None:
    theirs = published(dtype, **changes)
    theirs.save_pretrained(tmp_path)
    ours = load_model(tmp_path, dtype=dtype).model
    given = batch()
    result = theirs(**given | {"attention_mask": given["attention_mask"].long()})
    mask = given["attention_mask"]
    memory = ours.encode(given["input_ids"], mask)
    assert_near(memory[mask], result.encoder_last_hidden_state[mask], TOLERANCE[dtype][0], "memory")
    assert_near(ours(given), result.logits, TOLERANCE[dtype][0], "logits")
    loss = ours.loss_sums(given)["tokens"] / ours.loss_counts(given)["tokens"]
    assert_near(loss, result.loss, TOLERANCE[dtype][1], "loss")
    loss.backward()
    result.loss.backward()
    named = theirs.named_parameters(remove_duplicate=False)
    gradients = {name: parameter.grad for name, parameter in named}
    for name, parameter in ours.named_parameters():
        other = gradients[keys_of(ours.config).name_in_file(name, None)]
        assert_near(parameter.grad, other, TOLERANCE[dtype][1], name)


def test_published_code_opens_ours(tmp_path: Path) -> None:
    theirs = published()
    theirs.save_pretrained(tmp_path / "theirs")
    save_model(tmp_path / "ours", load_model(tmp_path / "theirs").model)
    again, report = type(theirs).from_pretrained(
        tmp_path / "ours", output_loading_info=True, attn_implementation="eager"
    )
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys")), report
    given = batch()
    assert torch.equal(again.eval()(**given).logits, theirs(**given).logits)


def test_a_body_without_its_output_is_read(tmp_path: Path) -> None:
    theirs = published()
    theirs.model.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["BartModel"]
    given = batch()
    assert_near(load_model(tmp_path).model(given), theirs(**given).logits, 1e-5, "logits")


def test_steps_with_the_cache_equal_decoding_at_once(tmp_path: Path) -> None:
    published(torch.float64).save_pretrained(tmp_path)
    model, given = load_model(tmp_path, dtype=torch.float64).model, batch()
    mask = given["attention_mask"]
    with torch.no_grad():
        cache = model.init_cache(model.encode(given["input_ids"], mask), mask)
        read = shift_right(given["labels"], model.start_id, model.config.pad_token_id)
        steps = [model.step(read[:, i : i + 1], cache) for i in range(read.shape[1])]
        assert_near(torch.stack(steps, 1), model(given), 1e-12, "steps")


def test_greedy_search_gives_the_published_tokens(tmp_path: Path) -> None:
    theirs = published(torch.float64)
    theirs.save_pretrained(tmp_path)
    model, given = load_model(tmp_path, dtype=torch.float64).model, batch()
    mask = given["attention_mask"]
    expected = theirs.generate(
        given["input_ids"], attention_mask=mask.long(), max_new_tokens=12, do_sample=False
    )
    special, options = DecoderTokens(model.start_id, (2,)), GenerationConfig(max_new_tokens=12)
    found = generate_ids(
        model, {"input_ids": given["input_ids"], "attention_mask": mask}, special, options
    )
    for [ours], row in zip(found, expected[:, 1:].tolist(), strict=True):
        wanted = row[: row.index(2)] if 2 in row else row
        assert [id for id in ours.ids if id != 2] == wanted


def test_a_bart_reads_between_its_first_and_last_token(tmp_path: Path) -> None:
    vocabulary = tiny.byte_pairs(tmp_path / "words", "Ġ a")
    framing = framing_of(vocabulary, False, True)
    assert framing == ((vocabulary.cls_id,), (vocabulary.sep_id,), vocabulary.sep_id)
    with pytest.raises(UserError, match="no tokens like <s> and </s>"):
        framing_of(tiny.example_unigram(), False, True)
    theirs = published()
    sizes = theirs.config.to_dict() | {"vocab_size": vocabulary.size}
    torch.manual_seed(0)
    model = transformers.BartForConditionalGeneration(transformers.BartConfig(**sizes))
    model.save_pretrained(tmp_path / "bart")
    vocabulary.save(tmp_path / "bart")
    loaded = load(tmp_path / "bart")
    assert len(loaded.generate(["a a a", "b"], max_new_tokens=5)) == 2
    with pytest.raises(UserError, match="tokens in a sequence; this model takes 30"):
        loaded.network.encode(torch.zeros(1, 31, dtype=torch.long))
