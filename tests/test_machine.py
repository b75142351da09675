"""What the machine refuses besides files: a stream that takes nothing, a reader gone, no memory."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import tiny
from headwater.errors import UserError
from headwater.memory_limit import memory_fault
from headwater.sizes import byte_size
from toy_training import toy_config, toy_evaluate, toy_trainer

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


def shell(command: str) -> "subprocess.CompletedProcess[str]":
    program = f"{sys.executable} -m headwater"
    text = f"set -o pipefail; {command.replace('headwater', program)}"
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)


@needs_full
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("headwater tasks > /dev/full", 2, "headwater: standard output: No space left on device\n"),
        ("headwater --help > /dev/full", 2, "headwater: standard output: No space left on devic"),
        ("headwater tasks --nope 2> /dev/full", 2, ""),
        ("headwater tasks >&-", 0, ""),
        ("headwater tasks --nope 2>&-", 2, ""),
        ("headwater tasks | true", 141, ""),
    ],
)
def test_streams(command: str, code: int, said: str) -> None:
    done = shell(command)
    assert done.returncode in (code, 0 if "|" in command else code), done.stderr
    assert done.stderr.startswith(said) and done.stderr.count("\n") == bool(said)


@needs_full
def test_a_run_goes_on_where_standard_error_takes_nothing(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", ["the"], tiny.LETTERS + "?")
    model = tiny.model_folder(tmp_path / "model", vocabulary, max_position_embeddings=64)
    data = tiny.cola(tmp_path / "cola.tsv", 8)
    done = shell(
        f"headwater finetune --model {model} --task cola --data {data} --set training.steps=1 "
        f"--output {tmp_path / 'run'} 2> /dev/full"
    )
    assert done.returncode == 0 and done.stdout == f"{tmp_path / 'run'}\n"


def test_memory_that_is_used_up_is_the_machines(tmp_path: Path) -> None:
    """A limit on this process' addresses, as `ulimit -v` sets it."""
    program = (
        "import resource, sys, torch\n"
        "from headwater import cli\n"
        "from headwater.inference import loaded\n"
        "def load(*_, **__): return torch.zeros(10**13)\n"
        "loaded.load = load\n"
        "sys.argv = ['headwater', 'ask', 'who ?', '--context', sys.argv[1]]\n"
        "cli.main()\n"
    )
    (tmp_path / "a.txt").write_text("the mill")
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.txt")],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30)),
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr == (
        "headwater: out of memory, 36 TiB more were needed; smaller batches or shorter inputs need "
        "less (training.batch, max_length)\n"
    )


def test_a_run_without_memory_says_what_is_saved(tmp_path: Path) -> None:
    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        evaluate.calls += 1  # type: ignore[attr-defined]
        if evaluate.calls == 2:  # type: ignore[attr-defined]
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0")
        return toy_evaluate(model)

    evaluate.calls = 0  # type: ignore[attr-defined]
    with pytest.raises(UserError) as caught:
        toy_trainer(tmp_path / "run", toy_config(), evaluate=evaluate).run()
    line = str(caught.value)
    assert line.startswith("out of memory, 20.00 MiB more were needed; smaller batches")
    assert line.endswith("up to step 10 is saved: mend this, and go on with --resume")


def test_which_errors_mean_memory() -> None:
    assert memory_fault(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert memory_fault(ValueError("tried")) is None
    assert "out of memory; " in (memory_fault(MemoryError()) or "")
    numpy = MemoryError("Unable to allocate 3.64 TiB for an array with shape (1000000000000,)")
    assert "3.64 TiB" in (memory_fault(numpy) or "")


def test_sizes_are_shown_in_the_unit_that_shows_them() -> None:
    sizes = (0, 999, 1024, 1536, 10_240, 97_400_000, 3 * 2**30, 5 * 2**40)
    assert [byte_size(each) for each in sizes] == [
        *("0 B", "999 B", "1.0 KiB", "1.5 KiB", "10 KiB", "93 MiB", "3.0 GiB", "5.0 TiB")
    ]


def test_an_output_that_cannot_be_is_refused_before_any_work(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("x")
    tiny.wordpiece(tmp_path / "vocabulary", ["x"])
    inside = file / "out"
    calls = [
        f"corpus build {file} --vocabulary {tmp_path / 'vocabulary'} --output {inside}",
        f"vocabulary train {file} --kind word --size 9 --output {inside}",
        f"finetune --model nope --task squad --data {file} --output {inside}",
        f"pretrain --model nope --objective mlm --corpus nope --output {inside}",
    ]
    for call in calls:
        done = shell(f"headwater {call}")
        assert done.returncode == 2 and f"{file}: a folder was expected" in done.stderr, (
            call,
            done.stderr,
        )
        assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["file.txt", "vocabulary"]
