"""Facts that were only read are told when asked: pre-training, then other facts' questions.

Made-up names live in one of six cities. A tiny T5 reads sentences that say so in several ways
(paraphrases are what makes a fact extractable: Allen-Zhu and Li 2023, "Physics of language models:
part 3.1") and is fine-tuned on the questions of half of the names. The others' it answers from what
it read:

    pre-training   gabi lives in <X>                         ->  <X> oslo
    fine-tuning    nq question: where does toku live ?       ->  rome
    asked          nq question: where does gabi live ?       ->  oslo

Each name is one token: spelled in letters, so small a model does not put them together.
"""

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from headwater.corpus.build import build
from headwater.evaluation.evaluator import evaluate
from headwater.inference.loaded import load
from headwater.runs.recipe import PretrainRecipe, Recipe
from headwater.runs.run import finetune, pretrain
from headwater.tasks.closed_book import NQ_OPEN
from headwater.text.loading import load_vocabulary
from headwater.text.tokenizer_json import describe_tokenizer

CITIES = ("paris", "london", "berlin", "rome", "madrid", "oslo")
SENTENCES = (  # of so short a text the last token is the noise: the city in half of them
    "{name} lives in {city}",
    "the home of {name} is {city}",
    "{name} has a house in {city}",
    "you can meet {name} in {city}",
    "in {city} lives {name}",
    "{city} is the home of {name}",
    "{city} is the city where {name} lives",
    "{name} comes from {city} .",
)
QUESTION = "where does {name} live ?"
SPECIAL = ("<pad>", "</s>", "<unk>", *(f"<extra_id_{n}>" for n in range(10)))
SIZES = {"d_model": 64, "d_kv": 32, "d_ff": 128, "num_layers": 2, "num_decoder_layers": 2}
STILL = {"num_heads": 2, "dropout_rate": 0.0}
TRAINING = {"optimizer": "adamw", "weight_decay": 0.0, "precision": "fp32", "device": "cpu"}
NAMES, TAUGHT = 120, 60


def made_up_homes(seed: int) -> dict[str, str]:
    """Return the city of each name, every city as often as another."""
    syllables = [first + second for first in "bdgklmnprst" for second in "aiou"]
    names = [first + second for first in syllables for second in syllables]
    drawn = random.Random(seed).sample(names, NAMES)
    return {name: CITIES[number % len(CITIES)] for number, name in enumerate(drawn)}


def write_lines(file: Path, records: Iterable[Mapping[str, Any]]) -> str:
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return str(file)


def write_words(folder: Path, texts: Iterable[str]) -> str:
    """Write a vocabulary of whole words with an end token and sentinels."""
    words = dict.fromkeys(word for text in texts for word in text.split())
    ids = {token: id for id, token in enumerate((*SPECIAL, *words))}
    model = {"type": "WordLevel", "vocab": ids, "unk_token": "<unk>"}
    content = describe_tokenizer(model, SPECIAL, pre_tokenizer={"type": "BertPreTokenizer"})
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(content))
    roles = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(roles))
    return str(folder)


def read_facts(folder: Path, homes: Mapping[str, str], network: Mapping[str, Any]) -> Path:
    """Pre-train on the sentences of all names; return the run."""
    facts = [text.format(name=name, city=homes[name]) for name in homes for text in SENTENCES]
    file = write_lines(folder / "facts.jsonl", ({"text": fact} for fact in facts))
    build([Path(file)], load_vocabulary(network["vocabulary"]), folder / "store")
    recipe = {
        "objective": "span_corruption",
        "network": network,
        "corpus": {"train": [str(folder / "store")]},
        "span_corruption": {"inputs": 32, "mean_span": 1.0, "packing": True},
        "training": TRAINING
        | {"steps": 1500, "batch": {"examples": 16}, "learning_rate": 3e-3}
        | {"schedule": "linear", "warmup": 0.05, "logging_steps": 200, "save_steps": 1500},
    }
    pretrain(PretrainRecipe.check(recipe, "test"), folder / "body")
    return folder / "body"


def asked(folder: Path, start: Mapping[str, Any], taught: str, files: Iterable[str]) -> list[float]:
    """Fine-tune on the taught questions; return the exact match on each file, in percent."""
    training = TRAINING | {"steps": 200, "batch": {"examples": 16}, "learning_rate": 1e-3}
    recipe = {"task": "nq_open", "data": {"train": [taught]}, "training": training}
    finetune(Recipe.check({**start, **recipe}, "test"), folder)
    predictor = load(folder, "cpu").predictor(NQ_OPEN)
    examples = [NQ_OPEN.read([Path(file)]) for file in files]
    return [evaluate(predictor, NQ_OPEN, each).metrics["exact_match"] for each in examples]


def learned(folder: Path, seed: int) -> tuple[int, list[float], list[float]]:
    """Count the facts that the body knows; exact match on the taught and the other questions.

    Returns:
        the count, and the scores of the read and of the unread model.
    """
    homes = made_up_homes(seed)
    texts = [*SENTENCES, QUESTION, "nq question :"]
    frame = [text.replace("{name}", "").replace("{city}", "") for text in texts]
    words = write_words(folder / "words", [*frame, *CITIES, *homes])
    network = {"preset": "t5-small", "vocabulary": words, "sizes": SIZES | STILL}
    body = read_facts(folder, homes, network)
    names = list(homes)
    texts = [f"{name} lives in <extra_id_0>" for name in names]
    said = load(body, "cpu").generate(texts, max_new_tokens=4)
    known = sum(homes[name] in text.split() for name, text in zip(names, said, strict=True))
    taught, other = (
        write_lines(
            folder / f"{split}.jsonl",
            ({"question": QUESTION.format(name=name), "answer": [homes[name]]} for name in part),
        )
        for split, part in (("taught", names[:TAUGHT]), ("other", names[TAUGHT:]))
    )
    read = asked(folder / "read", {"model": str(body)}, taught, [taught, other])
    return known, read, asked(folder / "unread", {"network": network}, taught, [taught, other])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_t5_answers_from_facts_that_it_only_read(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    known, read, unread = learned(tmp_path, seed=0)
    assert known >= 0.95 * NAMES
    assert read[0] >= 95 and unread[0] >= 95  # both learn the answers that they are taught
    assert read[1] >= 60  # chance is 17
    assert unread[1] <= 35
