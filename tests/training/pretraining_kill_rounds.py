"""Pre-trains on packed sequences of two corpora, is killed with SIGKILL again and again, resumes,
and compares with an unbroken run (see killing.py). Run as a program by the tests.

    python pretraining_kill_rounds.py FOLDER KILLS OBJECTIVE ...

Prints a JSON object: for each objective the kills, the runs, and how many equal the unbroken one.
"""

import json
import sys
from pathlib import Path
from typing import Any

import tiny
from headwater.checkpoints.folder import know_words, save_model
from headwater.checkpoints.hub import BUNDLED
from headwater.runs.recipe import PretrainRecipe
from headwater.runs.run import pretrain
from headwater.text.loading import load_vocabulary
from killing import Train, random_kills, spare

# By objective: the preset, its sizes, and the table that shapes its features. No recipe makes an
# ELMo so small, so that one is built and saved beforehand.
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "mlm": (
        "bert-base-uncased",
        tiny.PRESET_SIZES["bert-base-uncased"],
        {"mlm": {"max_length": 32, "next_sentence": False, "packing": True}},
    ),
    "lm": ("gpt2", tiny.PRESET_SIZES["gpt2"], {"lm": {"length": 32, "packing": True}}),
    "prefix_lm": ("gpt2", tiny.PRESET_SIZES["gpt2"], {"lm": {"length": 32, "packing": True}}),
    "span_corruption": (
        "t5-small",
        tiny.PRESET_SIZES["t5-small"],
        {"span_corruption": {"inputs": 32, "packing": True}},
    ),
    "bilm": ("elmo", {}, {"lm": {"length": 32}}),
    "cbow": ("cbow", tiny.PRESET_SIZES["cbow"], {"cbow": {"window": 2, "length": 16}}),
}


def build_stores(folder: Path) -> None:
    """Make two corpora of short documents by each vocabulary."""
    text = tiny.example_text()
    sentences = [part for part in text.replace("\n", " ").split(". ") if part]
    vocabularies = {
        "wordpiece": load_vocabulary(BUNDLED["reader"]),
        "unigram": tiny.example_unigram(),
        "word": tiny.example_words(folder / "words"),
    }
    for number, documents in enumerate((sentences[::2], sentences[1::2])):
        source = folder / f"text-{number}.jsonl"
        tiny.json_lines(source, [{"text": document} for document in documents])
        for kind, vocabulary in vocabularies.items():
            tiny.token_store(folder / f"{kind}-{number}", vocabulary, source)


def build_elmo(folder: Path, words: Path) -> None:
    """Save a small ELMo, from random weights."""
    vocabulary = load_vocabulary(words)
    model = tiny.model(tiny.elmo_config(vocab_size=vocabulary.size, samples=50), seed=1)
    know_words(model, vocabulary)
    save_model(folder, model, vocabulary=vocabulary)


def recipe(objective: str, stores: Path) -> PretrainRecipe:
    preset, sizes, table = CASES[objective]
    kind = {"t5-small": "unigram", "elmo": "word", "cbow": "word"}.get(preset, "wordpiece")
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
            "gradient_accumulation_steps": 2,
            "learning_rate": 1e-2,
            "save_steps": 1,
            "logging_steps": 3,
            "eval_steps": 5,
            "precision": "fp32",
            "device": "cpu",
        },
    }
    return PretrainRecipe.check(values | table, "test")


def trained(objective: str, stores: Path) -> Train:
    def train(folder: Path) -> None:
        pretrain(recipe(objective, stores), folder, resume=True)

    return train


if __name__ == "__main__":
    where, number = Path(sys.argv[1]), int(sys.argv[2])
    spare()
    build_stores(where)
    build_elmo(where / "elmo", where / "words")
    found = {}
    for name in sys.argv[3:]:
        train = trained(name, where)
        found[name] = random_kills(train, where / name, number, (0.1, 0.7), "model.safetensors")
    print(json.dumps(found))
