"""The scripts after a reader's training: weights are averaged, threshold and temperature chosen."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import headwater as library
from headwater.checkpoints.hub import BUNDLED

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = ROOT / "examples" / "questions.json"


def _run(script: str, *arguments: object) -> str:
    command = [sys.executable, f"recipes/reader/{script}.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _other(folder: Path) -> Path:
    """Write the bundled reader with every weight doubled."""
    folder.mkdir()
    for file in BUNDLED["reader"].iterdir():
        if file.name not in ("manifest.json", "model.safetensors"):
            (folder / file.name).write_bytes(file.read_bytes())
    weights = load_file(BUNDLED["reader"] / "model.safetensors")
    save_file({name: 2 * each for name, each in weights.items()}, folder / "model.safetensors")
    return folder


def test_an_average_is_the_weighted_mean(tmp_path: Path) -> None:
    other = _other(tmp_path / "other")
    _run("average", tmp_path / "mean", "reader", f"{other}=3")
    found = load_file(tmp_path / "mean" / "model.safetensors")
    for name, weight in load_file(BUNDLED["reader"] / "model.safetensors").items():
        torch.testing.assert_close(found[name], 1.75 * weight.float(), rtol=1e-3, atol=1e-4)


def test_a_calibrated_reader_answers_the_same_with_other_scores(tmp_path: Path) -> None:
    """The temperature divides all logits alike, so the answer stays and its score changes."""
    shown = _run("calibrate", "reader", QUESTIONS, tmp_path / "calibrated")
    threshold, temperature = map(
        float, shown.split("chosen: threshold ")[1].split(" at temperature ")
    )
    extra = json.loads((tmp_path / "calibrated" / "headwater.json").read_text(encoding="utf-8"))
    assert extra["no_answer_threshold"] == pytest.approx(threshold, abs=5e-4)
    before = library.load("reader", no_answer_threshold=threshold * temperature)
    after = library.load(tmp_path / "calibrated")
    for article in json.loads(QUESTIONS.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for each in paragraph["qas"]:
                first = before.answer(each["question"], paragraph["context"])[0]
                second = after.answer(each["question"], paragraph["context"])[0]
                assert (first.text, first.start) == (second.text, second.start)
                assert temperature == 1 or first.score != second.score
