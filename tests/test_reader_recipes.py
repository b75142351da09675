"""The scripts after a reader's training: weights are averaged, threshold and temperature chosen."""

import json
import subprocess
import sys
from pathlib import Path

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


def test_a_calibrated_reader_answers_the_same(tmp_path: Path) -> None:
    """What is chosen is shown, and written beside the weights, which stay."""
    shown = _run("calibrate", "reader", QUESTIONS, tmp_path / "calibrated")
    extra = json.loads((tmp_path / "calibrated" / "headwater.json").read_text(encoding="utf-8"))
    spans, no_answer = map(float, shown.split("chosen: ")[1].split(" and "))
    assert extra["temperatures"] == {"spans": spans, "no_answer": no_answer}
    threshold = extra["no_answer_threshold"]
    assert f"{threshold:9.2f}" in next(line for line in shown.splitlines() if "  chosen" in line)
    weights = "model.safetensors"
    assert (tmp_path / "calibrated" / weights).read_bytes() == (
        BUNDLED["reader"] / weights
    ).read_bytes()
    before = library.load("reader", no_answer_threshold=threshold)
    after = library.load(tmp_path / "calibrated")
    for article in json.loads(QUESTIONS.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for each in paragraph["qas"]:
                first = before.answer(each["question"], paragraph["context"])[0]
                second = after.answer(each["question"], paragraph["context"])[0]
                assert (first.text, first.start) == (second.text, second.start)
