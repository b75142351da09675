"""A recipe is looked at before it runs: its data, lengths, labels, rate, steps and memory."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from headwater.doctor import leakage
from headwater.doctor.check import check
from headwater.doctor.finding import Finding

LABEL, MLM = "entailment", {"max_length": 32, "next_sentence": False}


def found(recipe: Path) -> dict[str, Finding]:
    return {each.name: each for each in check(str(recipe))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An RTE recipe with one label alone, a long input, a test in the training text."""
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS)
    tiny.model_folder(tmp_path / "model", vocabulary)
    rows = [
        (number, f"the mill is {number} .", "the river is . " * (9 if number == 0 else 1), LABEL)
        for number in range(12)
    ]
    tiny.tab_separated(tmp_path / "train.tsv", rows, tiny.RTE)
    tiny.tab_separated(tmp_path / "dev.tsv", rows[3:6], tiny.RTE)
    (tmp_path / "recipe.toml").write_text(
        f'model = "{tmp_path / "model"}"\ntask = "rte"\n'
        f'[data]\ntrain = "{tmp_path / "train.tsv"}"\n'
        f'validation = "{tmp_path / "dev.tsv"}"\n[sequence]\nmax_length = 32\n'
        "[training]\nlearning_rate = 0.5\nepochs = 40\nbatch = {examples = 12}\n"
    )
    return tmp_path


def test_faults_of_a_recipe(folder: Path) -> None:
    said = found(folder / "recipe.toml")
    expected = {
        "inputs cut": "sequence.max_length",
        "labels never seen": "data.train",
        "leakage": "data.held_out",
        "learning rate": "training.learning_rate",
        "epochs": "training.steps or training.epochs",
        "padding": "training.batch.tokens",
    }
    warned = {name: each.key for name, each in said.items() if each.level == "warning"}
    assert warned == expected
    assert said["inputs cut"].value == pytest.approx(1 / 12, abs=1e-4)
    unseen = said["labels never seen"]
    assert unseen.value == 1 and "never seen there: not_entailment" in unseen.said
    assert said["leakage"].value == 1.0 and said["epochs"].value == 40.0
    assert said["memory"].level == "fine"
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(("most", "cut"), [(11, 1.0), (12, 1 / 12)])
def test_the_three_special_tokens_of_a_pair_take_room(folder: Path, most: int, cut: float) -> None:
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("max_length = 32", f"max_length = {most}"))
    assert found(recipe)["inputs cut"].value == pytest.approx(cut, abs=1e-4)


def test_a_rate_far_below_the_usual_one(folder: Path) -> None:
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("learning_rate = 0.5", "learning_rate = 9e-6"))
    assert found(recipe)["learning rate"].level == "warning"


@pytest.mark.parametrize(("times", "level"), [(1.2, "warning"), (1.3, "fine")])
def test_memory_that_is_nearly_used_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch, times: float, level: str
) -> None:
    needed = found(folder / "recipe.toml")["memory"].value
    assert isinstance(needed, int)
    monkeypatch.setattr("headwater.doctor.recipe.free_memory", lambda: int(needed * times))
    assert found(folder / "recipe.toml")["memory"].level == level


def test_a_model_that_is_larger_than_the_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "memory" not in found(folder / "model")
    monkeypatch.setattr("headwater.doctor.model.free_memory", lambda: 1000)
    assert found(folder / "model")["memory"].level == "warning"


@pytest.mark.parametrize(
    ("text", "length", "several"),
    [
        ("is the mill good", 17, 0.0),
        ("is the mill good", 16, 1.0),
        ("is the mill good " * 3, 19, 0.0),
        ("is the mill good " * 3, 18, 1.0),
    ],
)
def test_a_question_takes_room_from_its_context(
    tmp_path: Path, text: str, length: int, several: float
) -> None:
    """4 tokens of it, or 6 of a long one; 10 of the context; 3 special ones."""
    words = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS)
    tiny.model_folder(tmp_path / "model", words)
    asked = tiny.question("a", text, "good", 12)
    tiny.squad_file(tmp_path / "train.json", tiny.paragraph("the mill is good . " * 2, asked))
    (tmp_path / "recipe.toml").write_text(
        f'model = "{tmp_path / "model"}"\ntask = "squad"\n[data]\n'
        f'train = "{tmp_path / "train.json"}"\n'
        f"[spans]\nmax_length = {length}\nmax_query_length = 6\n"
    )
    assert found(tmp_path / "recipe.toml")["contexts in windows"].value == several


def test_targets_that_are_cut_or_unknown(tmp_path: Path) -> None:
    """T5 learns `positive` by a vocabulary without the letter v, in three tokens at most."""
    vocabulary = tiny.unigram(tmp_path / "vocabulary", ("the", "mill"), "abcdefghilmnoprst")
    tiny.model_folder(tmp_path / "model", vocabulary, family="t5")
    tiny.sst2(tmp_path / "train.tsv", 8)
    (tmp_path / "recipe.toml").write_text(
        f'model = "{tmp_path / "model"}"\ntask = "sst2"\n'
        f'[data]\ntrain = "{tmp_path / "train.tsv"}"\n'
        "[text]\nmax_inputs = 64\nmax_targets = 3\n"
    )
    said = found(tmp_path / "recipe.toml")
    assert said["unknown in targets"].value == 1.0 and said["unknown in targets"].key
    assert said["targets cut"].value == 1.0 and said["targets cut"].key == "text.max_targets"
    assert said["inputs cut"].level == "fine"
    assert said["validation"].key == "data.validation"


def test_pretraining(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS, tiny.LETTERS)
    texts = tiny.json_lines(tmp_path / "text.jsonl", [{"text": tiny.GOOD}, {"text": tiny.BAD}] * 9)
    store = tiny.token_store(tmp_path / "store", vocabulary, texts)
    recipe = tiny.pretrain_recipe("mlm", "bert-base-uncased", store, mlm=MLM)
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    said = found(tmp_path / "recipe.toml")
    assert said["mask token"].value is True and said["mask token"].level == "fine"
    assert {"learning rate", "epochs", "padding", "memory"} <= said.keys()
    assert said["learning rate"].level == "fine"


def test_held_out_text_in_training_text(tmp_path: Path) -> None:
    """Of four held-out documents two stand in the training text; one is too short to tell."""
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS, tiny.LETTERS)
    own = [" ".join(f"the mill is {number + part} ." for part in range(20)) for number in (0, 500)]
    both = [f"the river is {number} . " * 20 for number in (3, 7)]
    held = [*own, *both, "the mill is 4 ."]
    other = [f"the lamp was {number} . " * 30 for number in range(40)]

    def recipe(train: list[str]) -> Path:
        stores = [
            tiny.token_store(
                tmp_path / f"{name}-{len(train)}",
                vocabulary,
                tiny.json_lines(tmp_path / f"{name}.jsonl", [{"text": text} for text in texts]),
            )
            for name, texts in (("train", train), ("held", held))
        ]
        corpus = {"train": str(stores[0]), "validation": str(stores[1])}
        made = tiny.pretrain_recipe("mlm", "bert-base-uncased", stores[0], mlm=MLM, corpus=corpus)
        (tmp_path / "recipe.toml").write_text(made.to_toml())
        return tmp_path / "recipe.toml"

    clean = found(recipe(other))["leakage"]
    assert (clean.level, clean.value) == ("fine", 0.0) and "0 of 4 held-out" in clean.said
    leaked = found(recipe([*other, *both]))["leakage"]
    assert (leaked.level, leaked.value) == ("warning", 0.5)
    assert leaked.key == "headwater corpus build --without"
    assert found(recipe(held))["leakage"].value == 1.0


def test_runs_of_tokens_have_one_hash_wherever_they_stand() -> None:
    tokens = np.random.default_rng(0).integers(0, 60_000, 500).astype(np.uint16)
    hashes = leakage.runs_of(tokens)
    assert len(hashes) == len(tokens) - leakage.RUN + 1 == len(set(hashes.tolist()))
    assert (leakage.runs_of(tokens[123:]) == hashes[123:]).all()
    other = tokens.copy()
    other[200] += 1
    changed = leakage.runs_of(other) != hashes
    assert changed[200 - leakage.RUN + 1 : 201].all() and changed.sum() == leakage.RUN
    assert not len(leakage.runs_of(tokens[: leakage.RUN - 1]))


def test_a_narrow_model_learns_faster_and_much_text_is_not_read_whole(tmp_path: Path) -> None:
    """1e-3 is ten times BERT-base's rate; at 64 wide it is less than twelve times."""
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS, tiny.LETTERS)
    texts = tiny.json_lines(tmp_path / "text.jsonl", [{"text": tiny.GOOD}, {"text": tiny.BAD}] * 9)
    store = tiny.token_store(tmp_path / "store", vocabulary, texts)
    short = {"steps": 1, "batch": {"examples": 1}}
    for rate, level in ((1e-3, "fine"), (0.1, "warning")):
        training = {**short, "learning_rate": rate}
        recipe = tiny.pretrain_recipe("mlm", "bert-base-uncased", store, mlm=MLM, training=training)
        (tmp_path / "recipe.toml").write_text(recipe.to_toml())
        said = found(tmp_path / "recipe.toml")
        assert said["learning rate"].level == level
        assert said["epochs"].level == "note" and said["epochs"].value < 1


def test_only_what_an_objective_needs_is_asked_of_the_vocabulary(tmp_path: Path) -> None:
    vocabulary = tiny.byte_pairs(tmp_path / "vocabulary")
    texts = tiny.json_lines(tmp_path / "text.jsonl", [{"text": tiny.GOOD}] * 9)
    store = tiny.token_store(tmp_path / "store", vocabulary, texts)
    recipe = tiny.pretrain_recipe("lm", "gpt2", store, lm={"length": 16})
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    assert not {"mask token", "sentinels"} & found(tmp_path / "recipe.toml").keys()


def test_on_the_screen_and_as_json(headwater: Any, folder: Path) -> None:
    ran = headwater("doctor", folder / "recipe.toml")
    assert ran.code == 0, ran.err
    assert "!! epochs: 40 steps are 40.0 epochs of 1 steps. -> training.steps" in ran.out
    assert ran.out.splitlines()[-1].endswith("looked at, 6 warnings")
    listed = json.loads(headwater("doctor", folder / "model", "--json").out)
    names = {each["name"]: each for each in listed}
    assert names["tensors not finite"]["value"] == 0
    assert headwater("doctor", folder / "absent.toml").err.endswith("no such recipe\n")
