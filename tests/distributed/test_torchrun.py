"""The command line under the real torchrun."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tiny
from headwater import cli
from headwater.training.log import read_log

PROCESSES = 2


def command(*arguments: object) -> list[str]:
    """A training by torchrun, in a place of its own."""
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(PROCESSES)]
    return [*run, "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", *map(str, arguments)]


def environment() -> dict[str, str]:
    own = {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return os.environ | own


def training(base: Path, **changes: object) -> list[object]:
    """A recipe for a tiny BERT, with its model and its data."""
    vocabulary = tiny.wordpiece(base, tiny.WORDS)
    sizes = {"max_position_embeddings": 32, "classifier_dropout": 0.0}
    model = tiny.model_folder(base / "bert", vocabulary, dropout=0.0, **sizes)
    data = tiny.cola(base / "cola.tsv", 24)
    settings = {"precision": "fp32", "device": "cpu", "batch": "{examples=8}", **changes}
    named = [
        part for key, value in settings.items() for part in ("--set", f"training.{key}={value}")
    ]
    given = ["-m", "headwater", "finetune", "--model", model, "--task", "cola", "--data", data]
    return [*given, "--output", base / "run", *named]


def trained(base: Path, **changes: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*training(base, **changes)),
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )


def run_as(rank: int, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run a command that ends with 2 as one of two processes, in this one."""
    told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "h", "MASTER_PORT": 9}
    for name, value in told.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(sys, "argv", ["headwater", *arguments])
    with pytest.raises(SystemExit, match="2"):
        cli.main()


@pytest.mark.timeout(900)
def test_the_first_process_alone_prints_and_writes(tmp_path: Path) -> None:
    ran = trained(tmp_path, steps=4, logging_steps=2)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.strip() == str(tmp_path / "run")
    assert ran.stderr.count("step 4/4  loss") == 1
    assert [line["step"] for line in read_log(tmp_path / "run" / "log.jsonl")] == [2, 3, 4, 4]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "changes", [{"stepz": 4}, {"steps": 4, "precision": "fp16"}], ids=["a key", "the machine"]
)
def test_a_mistake_is_told_once(tmp_path: Path, changes: dict[str, object]) -> None:
    ran = trained(tmp_path, **changes)
    assert ran.returncode == 1  # torchrun's own
    told = [line for line in ran.stderr.splitlines() if line.startswith("headwater: ")]
    assert len(told) == 1, ran.stderr[-3000:]
    assert not (tmp_path / "run").exists()


def test_a_mistake_of_another_process_is_told_after_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the first process has none."""
    monkeypatch.setattr(cli, "_PATIENCE", 0.2)
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # which another process than the first replaces
    before = time.monotonic()
    run_as(1, monkeypatch, "pretrain", "missing.toml", "--output", "run")
    sys.stdout.close()
    assert time.monotonic() - before >= 0.2
    assert capsys.readouterr().err.startswith("headwater: process 1: missing.toml: ")


def test_a_verb_of_one_process_is_refused_in_several(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each would write the same files."""
    run_as(0, monkeypatch, "convert", "runs/mine", "--output", "model")
    error = capsys.readouterr().err
    assert "convert: works in one process, and torchrun started 2; start it without" in error


def worker(torchrun: int, rank: int) -> int:
    """Return the number of the process with that rank, among torchrun's children."""
    children = Path(f"/proc/{torchrun}/task/{torchrun}/children").read_text().split()
    for child in children:
        told = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        if f"RANK={rank}".encode() in told:
            return int(child)
    raise AssertionError(f"no process {rank} among {children}")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_torchrun_starts_again_what_was_killed_and_it_goes_on(tmp_path: Path) -> None:
    elastic = ["--max-restarts", 1, *training(tmp_path, steps=150, save_steps=10)]
    latest, errors = tmp_path / "run" / "state" / "latest", tmp_path / "stderr"
    with errors.open("w") as told:
        torchrun = subprocess.Popen(command(*elastic), env=environment(), stderr=told)
        while not latest.exists() and torchrun.poll() is None:
            time.sleep(0.05)
        os.kill(worker(torchrun.pid, 1), signal.SIGKILL)
        assert torchrun.wait() == 0, errors.read_text()[-3000:]
    assert "continuing after step" in errors.read_text()
    assert read_log(tmp_path / "run" / "log.jsonl")[-1]["step"] == 150
