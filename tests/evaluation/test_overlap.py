"""The test in the training text: items found, in which files, and scores without them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from headwater.commands.overlap import lines
from headwater.errors import UserError
from headwater.evaluation.overlap import overlap, training_files

SAID = (
    "the old mill by the river stood still in the year 1912 because no rain had come",
    "a letter from the north told of snow on every hill and of ships that could not sail",
    "the baker of the small town sold bread to all who came before the church bells rang",
)
QUESTIONS = ("Why did the old mill by the river stand still?", "Who wrote?", "What was sold?")


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    """Three contexts with one question each, the answer to which is the second word."""
    paragraphs = []
    for number, (context, question) in enumerate(zip(SAID, QUESTIONS, strict=True)):
        word = context.split()[1]
        answers = [{"text": word, "answer_start": context.index(word)}]
        qas = [{"id": f"q{number}", "question": question, "answers": answers}]
        paragraphs.append({"context": context, "qas": qas})
    path = tmp_path / "dev.json"
    articles = [{"title": "", "paragraphs": paragraphs}]
    path.write_text(json.dumps({"version": "1.1", "data": articles}))
    return path


def test_every_kind_of_training_text_is_read(squad: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text("x\n" + SAID[0].upper().replace(" still", "\nstill") + "\ny\n")
    with gzip.open(texts / "b.jsonl.gz", "wt") as stream:
        stream.write(json.dumps({"body": f"First. {SAID[1]}!"}) + "\n")
    (texts / "c.tsv").write_text(f"1\t{SAID[2]}\tyes\n")
    found = overlap([texts], squad, "squad")
    assert found.overlapping == ("q0", "q1", "q2")
    matches = {(each.id, each.part): each.match for each in found.found}
    for number, name in enumerate(("a.txt", "b.jsonl.gz", "c.tsv")):
        match = matches[f"q{number}", "context"]
        assert (match.matched, match.share) == (SAID[number], 1.0)
        assert Path(match.source).name == name
    assert found.parts["context"].overlapping == 3
    question = found.parts["question"]
    assert (question.texts, question.short, question.matched) == (3, 2, 0)
    assert overlap([texts / "c.tsv"], squad, "squad").overlapping == ("q2",)


def test_scores_of_the_clean_part_stand_beside_all(squad: Path, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(f"{SAID[0]}\n{' '.join(SAID[1].split()[:9])}")
    (tmp_path / "said.json").write_text(json.dumps({"q0": "old", "q1": "letter", "q2": "no"}))
    found = overlap([tmp_path / "train.txt"], squad, "squad", tmp_path / "said.json")
    scores = {name: (each.examples, each.metrics["f1"]) for name, each in found.scores.items()}
    assert scores == {
        "all": (3, pytest.approx(200 / 3)),
        "clean": (2, 50.0),
        "unmatched": (1, 0.0),
        "overlapping": (1, 100.0),
    }
    assert found.matched == ("q0", "q1") and found.overlapping == ("q0",)
    assert (found.test, found.train) == (str(squad), (str(tmp_path / "train.txt"),))
    shown = [*lines(found)]
    assert "2 of 3 items have 8 words in common (66.67%)" in shown
    assert "1 of 3 items overlap (33.33%)" in shown
    assert f"    {SAID[0]}" in shown
    assert any(line.startswith("clean             2  ") for line in shown)


def test_a_run_stands_for_the_files_of_its_recipe(squad: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.toml").write_text(f'task = "squad"\n[data]\ntrain = ["{squad}"]\n')
    assert training_files([run]) == [squad]
    assert overlap([run], squad, "squad").overlapping == ("q0", "q1", "q2")
    (run / "config.toml").write_text('objective = "mlm"\n[corpus]\ntrain = "store"\n')
    with pytest.raises(UserError, match="give the raw text of its corpus"):
        training_files([run])


@pytest.mark.parametrize("name", ["train.conll", "train.bio"])
def test_columns_of_words_and_tags(tmp_path: Path, name: str) -> None:
    words = [*SAID[0].split(), "."]
    columns = "".join(f"{word}\tO\n" for word in words)
    (tmp_path / name).write_text(f"-DOCSTART-\tO\n\n{columns}\nIt\tO\n")
    (tmp_path / "test.conll").write_text(f"{columns}\n" + columns.replace("mill", "inn"))
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.toml").write_text(f'task = "wnut17"\n[data]\ntrain = ["{tmp_path / name}"]\n')
    found = overlap([run], tmp_path / "test.conll", "wnut17")
    assert found.overlapping == ("0", "1") and found.words == len(words)
    assert found.found[0].match.matched == SAID[0]
    if name == "train.conll":
        alone = overlap([tmp_path / name], tmp_path / "test.conll", "wnut17")
        assert alone.overlapping == found.overlapping


def test_lines_without_a_task(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text(f"{SAID[0]}\n\n{SAID[1]}\n")
    (tmp_path / "train.txt").write_text(f"{SAID[1]}")
    found = overlap([tmp_path / "train.txt"], tmp_path / "test.txt")
    assert (found.items, found.overlapping) == (2, ("3",))
    with pytest.raises(UserError, match="give --task"):
        overlap([tmp_path / "train.txt"], tmp_path / "test.txt", None, tmp_path / "said.json")


def test_seven_words_are_too_short_to_tell_and_eight_are_not(tmp_path: Path) -> None:
    words = SAID[0].split()
    (tmp_path / "test.txt").write_text(f"{' '.join(words[:7])}\n{' '.join(words[:8])}\n")
    (tmp_path / "train.txt").write_text(SAID[0])
    found = overlap([tmp_path / "train.txt"], tmp_path / "test.txt")
    assert found.parts["inputs"].short == 1 and found.overlapping == ("2",)


def test_json_lines_without_a_task(tmp_path: Path) -> None:
    """Of lines with a text, that is the item; ids and addresses are none."""
    training = tmp_path / "training.txt"
    training.write_text("The mill stands by the old river and nobody remembers who built it.\n")
    test = tmp_path / "test.jsonl"
    lines = [{"id": "a", "body": training.read_text()}, {"id": "b", "body": "Another one."}]
    test.write_text("".join(json.dumps(each) + "\n" for each in lines))
    assert overlap([training], test, text_field="body").overlapping == ("1",)
    assert overlap([training], test, text_field="body").items == 2
    assert overlap([training], test).items == 4


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", "Käse".encode("latin-1")])
def test_training_text_without_a_word_proves_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train.txt").write_bytes(content)
    (tmp_path / "test.txt").write_text("the mill stood by the river for a long time\n")
    with pytest.raises(UserError, match=r"train.txt: no word could be read"):
        overlap([tmp_path / "train.txt"], tmp_path / "test.txt")


@pytest.mark.parametrize("damage", ["data = 3", "mixture = 3", "[mixture]", "[data]\ntrain = [3]"])
def test_a_damaged_recipe_is_told(tmp_path: Path, damage: str) -> None:
    (tmp_path / "config.toml").write_text(f'task = "squad"\n{damage}\n')
    with pytest.raises(UserError, match=r"config.toml: its tasks and data"):
        training_files([tmp_path])


def test_on_the_command_line(headwater: Any, squad: Path, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(SAID[2])
    given = ("overlap", tmp_path / "train.txt", "--test", squad, "--task", "squad")
    ran = headwater(*given)
    assert ran.code == 0, ran.err
    assert "1 of 3 items overlap (33.33%)" in ran.out
    found = json.loads(headwater(*given, "--json").out)
    assert found["overlapping"] == ["q2"] and found["found"][0]["match"]["share"] == 1.0
    assert headwater("overlap", tmp_path / "absent", "--test", squad).code == 2
