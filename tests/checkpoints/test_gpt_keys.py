"""GPT folders in every form they are found in; what is wrong is named as it stands in the file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.checkpoints.state_dict import pack, unpack
from headwater.errors import UserError
from headwater.models.families import keys_of
from headwater.models.gpt.config import GPTConfig
from headwater.models.key_table import translate

SMALL = {"n_embd": 8, "n_positions": 16}
GPT2 = keys_of(GPTConfig())
FAMILIES_OF_GPT = ["gpt2", "openai-gpt"]
C_ATTN = "transformer.h.1.attn.c_attn.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "gpt", tiny.gpt(**SMALL))
    return tmp_path / "gpt"


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    (folder / "manifest.json").unlink(missing_ok=True)


def change_tensors(folder: Path, change: Callable[[dict[str, Tensor]], Any]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    (folder / "manifest.json").unlink(missing_ok=True)


def complaint(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_model(folder)
    message = str(caught.value)
    assert message.startswith(str(folder))
    assert "\n" not in message
    return message


@settings(deadline=None)  # a busy machine stalls
@given(st.integers(0, 3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**31))
def test_unpack_undoes_pack(layer: int, width: int, inner: int, seed: int) -> None:
    torch.manual_seed(seed)
    prefix = f"transformer.h.{layer}"
    stored = {
        "transformer.wte.weight": torch.randn(5, width),
        f"{prefix}.attn.c_attn.weight": torch.randn(width, 3 * width),
        f"{prefix}.attn.c_attn.bias": torch.randn(3 * width),
        f"{prefix}.ln_1.weight": torch.randn(width),
        f"{prefix}.mlp.c_fc.weight": torch.randn(width, inner),
        f"{prefix}.mlp.c_fc.bias": torch.randn(inner),
    }
    ours = unpack(stored, GPT2)
    again = pack(ours, GPT2)
    assert list(again) == list(stored)
    assert all(torch.equal(again[name], stored[name]) for name in stored)
    back = {theirs: mine for mine, theirs in GPT2.modules(None).items()}
    assert all(translate(name, back) for name in ours)
    vector = torch.randn(width)
    query, key, value = (
        ours[f"{prefix}.attn.c_attn.{part}.weight"] @ vector for part in ("query", "key", "value")
    )
    whole = vector @ stored[f"{prefix}.attn.c_attn.weight"]
    assert torch.allclose(torch.cat([query, key, value]), whole, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES_OF_GPT)
@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_a_gpt_survives_the_folder(tmp_path: Path, family: Any, dtype: torch.dtype | None) -> None:
    config = tiny.gpt_config(
        model_type=family, eos_token_id=3, bos_token_id=None, pad_token_id=0, **SMALL
    )
    model = tiny.model(config)
    save_model(tmp_path / "gpt", model, dtype=dtype)
    loaded = load_model(tmp_path / "gpt")
    assert loaded.config == config
    before, after = model.state_dict(), loaded.model.state_dict()
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        wanted = tensor if dtype is None else tensor.to(dtype).float()
        assert torch.equal(after[name], wanted), name
        assert after[name].is_contiguous(), name


def test_as_first_published(folder: Path) -> None:
    """Without the prefix, with the causal mask as a buffer, under the name of the whole model."""
    want = load_model(folder).model.state_dict()

    def age(tensors: dict[str, Tensor]) -> None:
        for name in list(tensors):
            tensors[name.removeprefix("transformer.")] = tensors.pop(name)
        for layer in range(2):
            tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 16, 16).tril()
            tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)

    change_tensors(folder, age)
    loaded = load_model(folder)
    assert set(loaded.ignored) == {
        f"transformer.h.{layer}.attn.{name}" for layer in (0, 1) for name in ("bias", "masked_bias")
    }
    have = loaded.model.state_dict()
    assert all(torch.equal(want[name], have[name]) for name in want)


def test_an_output_layer_of_its_own_is_refused(folder: Path) -> None:
    embedding = load_model(folder).model.state_dict()["token.weight"]
    change_tensors(folder, lambda tensors: tensors.update({"lm_head.weight": embedding.clone()}))
    load_model(folder)
    save_model(folder, load_model(folder).model)
    change_tensors(folder, lambda tensors: tensors.update({"lm_head.weight": embedding + 1}))
    message = complaint(folder)
    assert "lm_head.weight differs from transformer.wte.weight" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop(C_ATTN), ["missing", C_ATTN]),
        (lambda t: t.update({C_ATTN: torch.ones(24, 8)}), [f"{C_ATTN} is (24, 8)", "(8, 24)"]),
        (lambda t: t.update({C_ATTN: torch.ones(8, 25)}), [f"{C_ATTN} is (8, 25)", "(8, 24)"]),
        (lambda t: t.update({C_ATTN: torch.ones(8)}), [f"{C_ATTN} is (8,)", "(8, 24)"]),
        (lambda t: t.update({C_ATTN: torch.ones(2, 2, 3)}), [f"{C_ATTN} is (2, 2, 3)"]),
        (lambda t: t.update({C_ATTN: torch.ones(8, 24).int()}), [C_ATTN, "not floating point"]),
        (lambda t: t.update({"transformer.h.0.x.weight": torch.ones(1)}), ["h.0.x.weight"]),
        (lambda t: t.update({C_ATTN.replace("1", "2"): torch.ones(8, 24)}), ["no such layer"]),
    ],
    ids=range(8),
)
def test_a_wrong_tensor_is_named_as_it_stands_in_the_file(
    folder: Path, change: Callable[[dict[str, Tensor]], Any], words: list[str]
) -> None:
    change_tensors(folder, change)
    message = complaint(folder)
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_layer": 1}, ["no such layer", "transformer.h.1."]),
        ({"n_layer": 3}, ["missing", "transformer.h.2."]),
        ({"n_head": 3}, ["n_embd 8 is not a multiple of n_head 3"]),
        ({"n_inner": 12}, ["transformer.h.0.mlp.c_fc.weight is (8, 32)", "(8, 12)"]),
        ({"n_inner": 0}, ["n_inner = 0"]),
        ({"vocab_size": 31}, ["transformer.wte.weight", "(31, 8)"]),
        ({"activation_function": "gellu"}, ["activation_function", "known are gelu"]),
        ({"activation_function": "gated-relu"}, ["activation_function", "known are gelu"]),
        ({"resid_pdrop": 1.5}, ["resid_pdrop"]),
        ({"eos_token_id": [1, 2]}, ["eos_token_id = [1, 2], int was expected"]),
        ({"eos_token_id": -1}, ["eos_token_id = -1"]),
        ({"scale_attn_weights": False}, ["scale_attn_weights = False is not supported"]),
        ({"scale_attn_by_inverse_layer_idx": True}, ["scale_attn_by_inverse_layer_idx"]),
        ({"add_cross_attention": True}, ["add_cross_attention"]),
        ({"architectures": ["GPT2DoubleHeadsModel"]}, ["known are GPT2For", "GPT2LMHeadModel"]),
        ({"model_type": "openai-gpt"}, ["OpenAIGPT"]),
    ],
    ids=str,
)
def test_a_config_that_is_wrong(folder: Path, changes: dict[str, Any], words: list[str]) -> None:
    change_config(folder, **changes)
    message = complaint(folder)
    for word in words:
        assert word in message


def test_the_first_gpt_has_one_inner_width() -> None:
    with pytest.raises(UserError, match="n_inner 12"):
        GPTConfig(model_type="openai-gpt", n_inner=12)


def test_null_stands_for_what_is_not_set(folder: Path) -> None:
    content = json.loads((folder / "config.json").read_text())
    assert content["n_inner"] is None
    assert content["architectures"] == ["GPT2LMHeadModel"]
    change_config(folder, n_inner=32, pad_token_id=None)
    assert load_model(folder).config == tiny.gpt_config(n_inner=32, **SMALL)
