"""The bundled reader: small, whole, offline, quick, and as good as its card says."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

import headwater
from card_rows import stated
from headwater.checkpoints.folder import load_model
from headwater.checkpoints.hub import BUNDLED
from headwater.data.example import Examples
from headwater.evaluation.evaluator import evaluate
from headwater.tasks.squad import SQUAD_V1

FOLDER = BUNDLED["reader"]
ROOT = Path(__file__).resolve().parents[1]
SPRING = (ROOT / "examples" / "spring.txt").read_text(encoding="utf-8")


def test_it_fits_and_carries_its_card_and_checksums() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 46_000_000
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for word in ("Licence", "Data", "Limits", "recipes/reader/first.toml", "F1", "seed"):
        assert word in card
    assert "model.safetensors" in json.loads((FOLDER / "manifest.json").read_text())


def test_it_answers_without_opening_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    model = headwater.load("reader", "cpu")
    answer = model.answer("Who owned the quarry?", SPRING)[0]
    assert answer.text.split() == ["Margaret", "Hale"]
    assert SPRING[answer.start : answer.end] == answer.text
    assert "paid for a survey" in answer.sentence


def test_it_says_when_a_text_does_not_answer() -> None:
    model = headwater.load("reader", "cpu")
    assert model.answer("How many gold medals did Norway win in 1994?", SPRING)[0].no_answer


@pytest.mark.timing
def test_cold_start_to_answer_is_under_five_seconds() -> None:
    command = [sys.executable, "-m", "headwater", "ask", "Who owned the quarry?", "--context"]
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        done = subprocess.run(
            [*command, "examples/spring.txt"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        seconds.append(time.perf_counter() - begin)
        assert "Margaret Hale" in done.stdout
    assert min(seconds) < 5, seconds


def test_transformers_opens_it_and_gives_the_same_logits() -> None:
    transformers = pytest.importorskip("transformers")
    theirs, loading = transformers.BertForQuestionAnswering.from_pretrained(
        FOLDER, dtype=torch.float32, output_loading_info=True
    )
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    inputs = tokenizer("Who owned the quarry?", SPRING, return_tensors="pt")
    with torch.no_grad():
        expected = theirs.eval()(**inputs)
        found = load_model(FOLDER).model(inputs)
    scale = max(1.0, expected.start_logits.abs().max().item())
    assert (found.start_logits - expected.start_logits).abs().max() < 1e-5 * scale
    assert (found.end_logits - expected.end_logits).abs().max() < 1e-5 * scale


def test_a_slice_of_squad_scores_about_what_the_card_says(shared: Path) -> None:
    """Every 40th question of the official dev set: within four standard errors of the card."""
    said = stated(FOLDER, "SQuAD v1.1 dev")
    path = shared / "data" / "qa" / "squad_v1.1" / "dev-v1.1.json"
    examples = Examples(list(SQUAD_V1.read([path]))[::40])
    predictor = headwater.load("reader", "cpu").predictor(SQUAD_V1)
    scores = evaluate(predictor, SQUAD_V1, examples).metrics
    error = len(examples) ** -0.5
    assert scores["exact_match"] == pytest.approx(said["exact_match"], abs=4 * 50 * error)
    assert scores["f1"] == pytest.approx(said["f1"], abs=4 * 40 * error)
