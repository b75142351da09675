"""The bundled writer: answers and asks offline, as well as its card says; merged it is whole."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import headwater as library
from headwater.checkpoints.hub import BUNDLED
from headwater.data.example import Examples
from headwater.evaluation.evaluator import evaluate
from headwater.tasks.squad import SQUAD_V1

ROOT = Path(__file__).resolve().parents[1]
SPRING = (ROOT / "examples" / "spring.txt").read_text(encoding="utf-8")


def test_it_writes_an_answer_and_that_there_is_none() -> None:
    model = library.load("writer", "cpu")
    answer = model.answer("Who owned the quarry?", SPRING)[0].text  # a line ends within the name
    assert answer.split() == ["Margaret", "Hale"]
    assert model.answer("How many gold medals did Norway win in 1994?", SPRING)[0].no_answer


def test_it_asks_what_the_reader_answers_alike(tmp_path: Path, headwater: Any) -> None:
    """Of a page of text it makes at least one question that survives the round trip."""
    text = tmp_path / "spring.txt"
    text.write_text(SPRING, encoding="utf-8")
    made = tmp_path / "questions.json"
    given = ("--model", "writer", "--reader", "reader", "--output", str(made))
    headwater("generate-questions", str(text), *given)
    asked = [
        each
        for article in json.loads(made.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for each in paragraph["qas"]
    ]
    assert asked
    assert all(each["question"].endswith("?") for each in asked)


def test_merged_it_opens_in_transformers_and_writes_the_same(
    tmp_path: Path, headwater: Any
) -> None:
    transformers = pytest.importorskip("transformers")
    headwater("merge", "writer", "--output", tmp_path / "whole")
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "whole").float().eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "whole")
    inputs = tokenizer(f"question: Who owned the quarry? context: {SPRING}", return_tensors="pt")
    inputs = {name: values[:, :320] for name, values in inputs.items() if name != "token_type_ids"}
    with torch.no_grad():
        found = theirs.generate(**inputs, max_new_tokens=20, num_beams=1, do_sample=False)
    assert "margaret hale" in tokenizer.decode(found[0], skip_special_tokens=True)


@pytest.mark.timing
def test_cold_start_to_answer_is_under_five_seconds() -> None:
    command = [sys.executable, "-m", "headwater", "ask", "Who owned the quarry?", "--context"]
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        given = [*command, "examples/spring.txt", "--model", "writer"]
        done = subprocess.run(given, cwd=ROOT, check=True, capture_output=True, text=True)
        seconds.append(time.perf_counter() - begin)
        assert "margaret hale" in done.stdout.lower()
    assert min(seconds) < 5, seconds


def test_a_slice_of_squad_scores_about_what_the_card_says(shared: Path) -> None:
    """Every 80th question of the official dev set: within four standard errors of the card."""
    card = (BUNDLED["writer"] / "README.md").read_text(encoding="utf-8")
    stated = re.search(r"SQuAD v1\.1 dev[^|]*\|[^|]*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|", card)
    assert stated
    path = shared / "data" / "qa" / "squad_v1.1" / "dev-v1.1.json"
    examples = Examples(list(SQUAD_V1.read([path]))[::80])
    predictor = library.load("writer", "cpu").predictor(SQUAD_V1)
    scores = evaluate(predictor, SQUAD_V1, examples).metrics
    error = len(examples) ** -0.5
    assert scores["exact_match"] == pytest.approx(float(stated[1]), abs=4 * 50 * error)
    assert scores["f1"] == pytest.approx(float(stated[2]), abs=4 * 45 * error)
