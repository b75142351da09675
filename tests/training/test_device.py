"""Choosing the processor and the number format; the same results where there is a GPU."""

import os
import threading
from pathlib import Path

import pytest
import torch

from headwater.device import apart, choose_device, choose_precision, seed_generators
from headwater.errors import UserError
from headwater.training.log import read_log
from toy_training import toy_run

CPU = torch.device("cpu")


def test_what_is_done_apart_ends_with_its_thread() -> None:
    found = apart(threading.current_thread)
    found.join(10)
    assert found is not threading.current_thread() and not found.is_alive()
    with pytest.raises(UserError, match="no such model"):
        apart(refuse)


def refuse() -> None:
    raise UserError("no such model")


def test_auto_takes_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"


@pytest.mark.parametrize("name", ["gpu", "", "meta", "cuda:99", "cpu cpu"])
def test_a_device_that_is_not_there_is_reported(name: str) -> None:
    with pytest.raises(UserError, match="device"):
        choose_device(name)


def test_bf16_is_chosen_by_the_processors_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert choose_precision("auto", CPU) == torch.bfloat16
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert choose_precision("auto", CPU) == torch.float32
    assert choose_precision("bf16", CPU) == torch.bfloat16
    assert choose_precision("auto", torch.device("mps")) == torch.float32


def test_fp16_is_for_cuda_only() -> None:
    with pytest.raises(UserError, match="needs a CUDA GPU"):
        choose_precision("fp16", CPU)
    with pytest.raises(UserError, match="mps device has none"):
        choose_precision("bf16", torch.device("mps"))
    assert choose_precision("fp16", torch.device("cuda")) == torch.float16


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_cublas_is_set_up_before_anything_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    choose_device("cpu")
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    choose_device(name)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_training_on_cuda_is_the_same_twice(precision: str, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU")
    for name in ("a", "b"):
        toy_run(tmp_path / name, device="cuda", precision=precision)
    states = [
        (tmp_path / name / "state" / "step-00000060" / "optimizer.safetensors").read_bytes()
        for name in ("a", "b")
    ]
    assert states[0] == states[1]
    lines = [line for line in read_log(tmp_path / "a" / "log.jsonl") if "loss" in line]
    assert lines[-1]["loss"] < 0.5 * lines[0]["loss"]


def test_seeding_a_device_is_seeding_torch() -> None:
    seed_generators(CPU, 2**62 + 5)
    found = torch.randn(4)
    torch.manual_seed(2**62 + 5)
    assert torch.equal(found, torch.randn(4))
