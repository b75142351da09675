"""Every benchmark still starts, and says in one line what it misses."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "benchmarks",
    *(
        f"benchmarks.quality.{path.stem}"
        for path in sorted((ROOT / "benchmarks" / "quality").glob("[!_]*.py"))
    ),
)


def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("module", MODULES)
def test_it_tells_its_options(module: str) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("gensim")
    done = call(module, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


def test_absent_data_are_one_line(tmp_path: Path) -> None:
    done = call("benchmarks", "run", "--data", str(tmp_path / "none"))
    assert done.returncode == 2
    assert (
        done.stderr
        == f"{tmp_path / 'none'} is not there; say where the data are with --data FOLDER\n"
    )


def test_regressions_are_printed_and_count(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    lines = (
        f'{{"commit": "{commit}", "date": "2026-01-01", "processor": "one", "threads": 2, '
        f'"versions": {{"torch": "{torch}"}}, "ratios": {{"cbow": {{"gensim": {ratio}}}}}}}\n'
        for commit, torch, ratio in (("aaa", "1", 1.0), ("bbb", "2", 0.8))
    )
    history.write_text("".join(lines), encoding="utf-8")
    done = call("benchmarks", "regressions", "--history", str(history))
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        "aaa -> bbb: 1 ratios fell by more than 10%",
        "torch: 1 -> 2",
        "cbow beside gensim: 1.00 -> 0.80 (-20%)",
    ]
    assert (
        call("benchmarks", "regressions", "--history", str(history), "--after", "aaa").returncode
        == 2
    )
