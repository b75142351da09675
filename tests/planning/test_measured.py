"""What is planned, beside what a real run holds: three sizes on a CPU, each in a process."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.planning.plan import PROCESS, plan
from headwater.planning.recipe import settled
from headwater.runs.recipe import PretrainRecipe

HELD = Path(__file__).with_name("held.py")
SOURCES = Path(__file__).parents[2] / "src"
BERT = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
GPT = {"n_embd": 384, "n_layer": 6, "n_head": 6, "n_positions": 256, "vocab_size": 16000}
T5 = {"d_model": 384, "d_kv": 64, "d_ff": 1024, "num_layers": 6, "num_decoder_layers": 6}
SIZES: list[Any] = [
    pytest.param(
        "mlm", "bert-base-uncased", {**BERT, "intermediate_size": 1024, "vocab_size": 30000},
        {"mlm": {"max_length": 128}}, {"batch": {"examples": 16}}, id="bert",
    ),
    pytest.param(
        "lm", "gpt2", GPT, {"lm": {"length": 256}},
        {"batch": {"examples": 4}, "gradient_accumulation_steps": 2}, id="gpt",
    ),
    pytest.param(
        "span_corruption", "t5-small", {**T5, "num_heads": 6, "vocab_size": 16000},
        {"span_corruption": {"inputs": 128}},
        {"batch": {"examples": 8}, "optimizer": "adafactor", "gradient_checkpointing": True},
        id="t5",
    ),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "preset", "sizes", "tables", "training"), SIZES)
def test_what_is_planned_is_what_a_run_holds(
    objective: str,
    preset: str,
    sizes: Mapping[str, Any],
    tables: Mapping[str, Any],
    training: Mapping[str, Any],
    tmp_path: Path,
) -> None:
    vocabulary = tiny.example_unigram()
    if objective == "mlm":
        vocabulary = tiny.wordpiece(tmp_path / "words", tiny.WORDS, tiny.LETTERS)
    text = tiny.json_lines(tmp_path / "text.jsonl", [{"text": tiny.example_text() * 20}] * 8)
    recipe = {
        "objective": objective,
        "network": {"preset": preset, "sizes": dict(sizes)},
        "corpus": {"train": [str(tiny.token_store(tmp_path / "store", vocabulary, text))]},
        "training": {"steps": 2, "precision": "fp32", "device": "cpu", **training},
        **tables,
    }
    (tmp_path / "recipe.json").write_text(json.dumps(recipe), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, HELD, tmp_path / "recipe.json"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    settled_recipe = settled(PretrainRecipe.check(recipe, "recipe"))
    planned = plan(settled_recipe, 2, gpus=1, card=None, utilisation=0.4).memory.peak
    print(f"\nplanned {planned:,} held {found['held']:,} process {found['process']:,} {found}")
    assert planned == pytest.approx(found["held"], rel=0.1)
    assert planned + PROCESS == pytest.approx(found["process"], rel=0.3)
