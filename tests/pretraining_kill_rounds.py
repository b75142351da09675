"""Pre-trains on packed rows of two corpora, is killed with SIGKILL again and again, resumes, and
compares with an unbroken run.

Run as a program by the tests: it loads torch once and forks a child for each round.

    python pretraining_kill_rounds.py FOLDER KILLS OBJECTIVE ...

Prints a JSON object: for each objective the kills, the runs, and how many equal the unbroken one.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # the first optimizer imports it otherwise, in every child

import headwater.pictures.curves as curves
from headwater.checkpoints.elmo import know_words
from headwater.checkpoints.folder import save_model
from headwater.checkpoints.hub import BUNDLED
from headwater.corpus.build import build
from headwater.models.build import build_model
from headwater.models.elmo_config import ELMoConfig
from headwater.pretraining import pretrain
from headwater.recipe import PretrainRecipe
from headwater.text.vocabulary import load_vocabulary

ROOT = Path(__file__).resolve().parents[1]
BERT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
GPT = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 32}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 1}
# By objective: the preset, its sizes, and the table that shapes the rows. No recipe makes an ELMo
# so small, so that one is built and saved beforehand.
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "mlm": (
        "bert-base-uncased",
        {**BERT, "intermediate_size": 32},
        {"mlm": {"max_length": 32, "next_sentence": False, "packing": True}},
    ),
    "lm": ("gpt2", GPT, {"lm": {"length": 32, "packing": True}}),
    "prefix_lm": ("gpt2", GPT, {"lm": {"length": 32, "packing": True}}),
    "span_corruption": (
        "t5-small",
        {**T5, "num_heads": 2},
        {"span_corruption": {"inputs": 32, "packing": True}},
    ),
    "bilm": ("elmo", {}, {"lm": {"length": 32}}),
    "cbow": ("cbow", {"vector_size": 16, "samples": 50}, {"cbow": {"window": 2, "length": 16}}),
}


def build_stores(folder: Path) -> None:
    """Make two corpora of short documents by either vocabulary."""
    text = (ROOT / "examples" / "spring.txt").read_text(encoding="utf-8")
    sentences = [part for part in text.replace("\n", " ").split(". ") if part]
    vocabularies = {"wordpiece": BUNDLED["reader"], "unigram": ROOT / "examples" / "vocabulary"}
    for number, documents in enumerate((sentences[::2], sentences[1::2])):
        source = folder / f"text-{number}.jsonl"
        lines = [json.dumps({"text": document}) for document in documents]
        source.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for kind, where in vocabularies.items():
            build([source], load_vocabulary(where), folder / f"{kind}-{number}")


def build_elmo(folder: Path) -> None:
    """Save a small ELMo, from random weights."""
    vocabulary = load_vocabulary(BUNDLED["reader"])
    torch.manual_seed(1)
    sizes = {"vocab_size": vocabulary.size, "filters": ((1, 4), (2, 4)), "num_highway": 1}
    model = build_model(ELMoConfig(**sizes, projection_dim=8, cells=16, samples=50))
    know_words(model, vocabulary)
    save_model(folder, model, vocabulary=vocabulary)


def recipe(objective: str, stores: Path) -> PretrainRecipe:
    preset, sizes, table = CASES[objective]
    kind = "unigram" if preset == "t5-small" else "wordpiece"
    corpora = [str(stores / f"{kind}-{number}") for number in range(2)]
    begin = {"network": {"preset": preset, "sizes": sizes}}
    if preset == "elmo":
        begin = {"model": str(stores / "elmo")}
    values = {
        **begin,
        "objective": objective,
        "corpus": {"train": corpora, "repeats": [1, 2], "validation": corpora[0]},
        "training": {
            "steps": 16,
            "batch": {"examples": 2},
            "accumulate": 2,
            "learning_rate": 1e-2,
            "save_every": 1,
            "log_every": 3,
            "evaluate_every": 5,
            "precision": "fp32",
            "device": "cpu",
        },
    }
    return PretrainRecipe.check(values | table, "test")


def child(objective: str, stores: Path, folder: Path) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            errors = os.open(folder.parent / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(errors, 2)
            pretrain(recipe(objective, stores), folder, resume=True)
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    return pid


def wait(pid: int) -> str:
    """Return how a child ended: killed, done or failed."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return "killed" if os.WTERMSIG(status) == signal.SIGKILL else "failed"
    return "done" if os.WEXITSTATUS(status) == 0 else "failed"


def result(folder: Path) -> list[Any]:
    """What must be the same: last weights and moments, the model, the log without its times."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("seconds", None)
    newest = folder / "state" / (folder / "state" / "latest").read_text().strip()
    names = (newest / "model.safetensors", newest / "optimizer.safetensors")
    model = folder / "model" / "model.safetensors"
    return [lines, *(file.read_bytes() for file in (*names, model))]


def rounds(objective: str, base: Path, stores: Path, kills: int) -> dict[str, int]:
    reference = base / "reference" / "run"
    reference.mkdir(parents=True)
    begin = time.monotonic()
    assert wait(child(objective, stores, reference)) == "done", objective
    whole = time.monotonic() - begin
    expected = result(reference)
    chance = random.Random(1234)
    done = runs = same = 0
    while done < kills:
        folder = base / f"run-{runs}" / "run"
        folder.mkdir(parents=True)
        runs += 1
        ended = "killed"
        while ended == "killed" and done < kills:
            pid = child(objective, stores, folder)
            time.sleep(chance.uniform(0.1, 0.7) * whole)
            os.kill(pid, signal.SIGKILL)
            ended = wait(pid)
            done += ended == "killed"
        if ended == "killed":
            ended = wait(child(objective, stores, folder))
        assert ended == "done", (folder.parent / "stderr").read_text()[-2000:]
        same += result(folder) == expected
    return {"kills": done, "runs": runs, "same": same}


if __name__ == "__main__":
    where, number = Path(sys.argv[1]), int(sys.argv[2])
    # Drawn once a run at its end, and slow: not what is tested.
    curves.draw_curves = lambda lines, picture: None
    # What a kill leaves is in the system's cache: the disk, busy or not, need not be waited for.
    os.fsync = lambda handle: None
    torch.set_num_threads(1)
    build_stores(where)
    build_elmo(where / "elmo")
    found = {name: rounds(name, where / name, where, number) for name in sys.argv[3:]}
    print(json.dumps(found))
