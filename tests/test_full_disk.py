"""A full disk: exit code 2, one line that names the path and the room, nothing half-written.

On a real small file system where one may be mounted; elsewhere a limit on the size of files.
"""

import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from headwater import tensor_file
from headwater.corpus.build import build
from headwater.errors import UserError
from headwater.files import MACHINE, replacing_folder, reserve
from headwater.runs import feature_cache
from headwater.runs.feature_cache import keep_features
from headwater.text.loading import load_vocabulary
from toy_training import toy_config, toy_evaluate, toy_run, toy_trainer

Disk = Callable[[str], Path]
CONTEXT = "the mill is by the river"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """Mount a file system of a size."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mounted(size: str) -> Path:
        options = ("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
        if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
            pytest.skip("no file system may be mounted here")
        return folder

    try:
        yield mounted
    finally:
        subprocess.run(["umount", str(folder)], capture_output=True, check=False)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.reader(tmp_path_factory.mktemp("reader") / "model")


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    one = tiny.question("q1", "where is the mill ?", "by the river", 12)
    file = tmp_path_factory.mktemp("data") / "questions.json"
    file.write_text(json.dumps(tiny.squad(tiny.paragraph(CONTEXT, one))))
    return file


@contextmanager
def short_files(most: int) -> Iterator[None]:
    """Let no file become longer than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def left_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("how", ["full disk", "short files"])
def test_features_on_a_full_disk_are_one_line(
    how: str, small_disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written through a mapping of a sparse file, they would end the process by SIGBUS."""
    from runs.test_feature_cache import Rows, small

    monkeypatch.setattr(feature_cache, "_check_room", lambda *_: None)  # others fill it meanwhile
    rows = Rows([5, 6, 7, 11] * 8, [8, 7] * 9)
    if how == "full disk":
        folder, most = small_disk("8k"), resource.RLIM_INFINITY
    else:
        folder, most = tmp_path / "cache", 1000
    for reserving in (True, False):
        if not reserving:
            monkeypatch.setattr(feature_cache, "reserve", lambda *_: None)
        with short_files(most), pytest.raises(UserError) as caught:
            keep_features(small(), [rows], 0, folder)
        line = str(caught.value)
        assert "cannot be written (" in line and "XDG_CACHE_HOME" in line and "\n" not in line
        assert ("No space left on device; " in line) == (how == "full disk")
        assert [name for name in left_in(folder) if not name.endswith(".lock")] == []


def test_room_is_claimed_before_it_is_filled(small_disk: Disk) -> None:
    folder = small_disk("64k")
    with (folder / "a").open("wb") as file, pytest.raises(OSError, match="No space"):
        reserve(file, 10**6)
    with (folder / "b").open("wb") as file:
        reserve(file, 10_000)
        reserve(file, 0)
    assert (folder / "b").stat().st_blocks * 512 >= 10_000


def test_where_room_cannot_be_claimed_it_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*arguments: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unknown)
    with (tmp_path / "a").open("wb") as file:
        reserve(file, 100)
    monkeypatch.delattr(os, "posix_fallocate")
    with (tmp_path / "a").open("wb") as file:
        reserve(file, 100)


def test_every_writer_of_tensors_tells_the_number_and_the_path(tmp_path: Path) -> None:
    tensors = {"a": torch.zeros(1000)}
    with short_files(100), pytest.raises(OSError, match="File too large") as caught:
        tensor_file.write(tmp_path / "t.safetensors", tensors)
    assert caught.value.errno in MACHINE and caught.value.filename == str(
        tmp_path / "t.safetensors"
    )
    with pytest.raises(OSError, match="No such file") as caught:
        tensor_file.write(tmp_path / "absent" / "t.safetensors", tensors)
    assert caught.value.errno == 2
    with (
        short_files(1000),
        pytest.raises(OSError, match="No space left") as caught,
        replacing_folder(tmp_path / "spans") as folder,
    ):
        np.save(folder / "a.npy", np.zeros(1000))  # it keeps the number to itself
    assert caught.value.filename == str(tmp_path / "spans") and left_in(tmp_path) == []


def test_the_model_at_the_end_of_a_run(
    reader: Path, questions: Path, small_disk: Disk, headwater: Any
) -> None:
    folder = small_disk("400k")
    given = ("finetune", "--model", reader, "--task", "squad", "--data", questions)
    steps = ("--set", "training.steps=2")
    (folder / "other").write_bytes(bytes(180_000))
    ran = headwater(*given, *steps, "--output", folder / "run")
    last = ran.err.strip().splitlines()[-1]
    assert ran.code == 2, ran.err
    assert last.startswith(f"headwater: {folder}/run/model/model.safetensors: No space left on dev")
    assert " are free, 54 KiB are needed; " in last
    assert last.endswith("up to step 2 is saved: mend this, and go on with --resume")
    assert "run/model" not in left_in(folder)
    (folder / "other").unlink()
    ran = headwater(*given, *steps, "--output", folder / "run", "--resume")
    assert ran.code == 0 and "continuing after step 2" in ran.err
    assert (folder / "run" / "model" / "model.safetensors").is_file()


def test_merge_and_a_vocabulary_on_a_full_disk(
    reader: Path, questions: Path, tmp_path: Path, small_disk: Disk, headwater: Any
) -> None:
    run, text = tmp_path / "run", tmp_path / "text.txt"
    text.write_text(tiny.example_text())
    ran = headwater(
        *("finetune", "--model", reader, "--task", "squad", "--data", questions),
        *("--output", run, "--set", "method=lora", "--set", "training.steps=1"),
    )
    assert ran.code == 0, ran.err
    folder = small_disk("12k")
    learn = ("--kind", "wordpiece", "--size", 200)
    for call, name in [
        (("merge", run, "--output", folder / "m"), "m/model.safetensors"),
        (("vocabulary", "train", text, *learn, "--output", folder / "m"), "m/"),
        (("corpus", "build", text, "--vocabulary", reader, "--output", folder / "m"), "m"),
    ]:
        ran = headwater(*call)
        line = ran.err.strip().splitlines()[-1]
        assert ran.code == 2 and "No space left on device" in line, ran.err
        assert line.startswith(f"headwater: {folder}/{name}") and " free" in line
        assert left_in(folder) == [], call


def test_a_stop_by_sigterm_that_cannot_be_saved(tmp_path: Path) -> None:
    """The line says what is not lost: the state before stays, whole and pointed to."""
    toy_run(tmp_path / "whole")
    folder = tmp_path / "run"

    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        evaluate.calls += 1  # type: ignore[attr-defined]
        if evaluate.calls == 3:  # type: ignore[attr-defined]
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
            signal.raise_signal(signal.SIGTERM)
        return toy_evaluate(model)

    evaluate.calls = 0  # type: ignore[attr-defined]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(UserError) as caught:
            toy_trainer(folder, toy_config(eval_steps=14, save_steps=20), evaluate=evaluate).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    line = str(caught.value)
    assert "File too large" in line and "up to step 40 is saved" in line
    assert (folder / "state" / "latest").read_text() == "step-00000040\n"
    assert not list((folder / "state").glob(".*"))


def test_a_log_and_a_store_that_cannot_grow(tmp_path: Path) -> None:
    with short_files(400), pytest.raises(UserError, match=r"log\.jsonl: File too large; nothing"):
        toy_run(tmp_path / "run", save_steps=1000)
    text = tmp_path / "a.txt"
    text.write_text("the mill is by the river. " * 2000)
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", ["the", "mill", "river"], "abc.")
    with short_files(10_000), pytest.raises(OSError, match="File too large") as caught:
        build([text], vocabulary, tmp_path / "store")
    assert caught.value.filename == str(tmp_path / "store")
    assert not (tmp_path / "store").exists() and not list(tmp_path.glob(".*"))
    assert load_vocabulary(tmp_path / "vocabulary").size == vocabulary.size
