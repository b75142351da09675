"""A card holds what the run recorded, and says what nobody recorded."""

import json
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import UserError
from headwater.files import sha256
from headwater.sharing.card import UNKNOWN, Added, card
from headwater.sharing.licences import licence_near


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.json").write_text("{}")
    (tmp_path / "data" / "README.md").write_text(
        "| other.json | MIT |\n| train.json | questions, CC BY-SA 4.0 |\n"
    )
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'model = "reader"\nmethod = "lora"\ntask = "squad"\n'
        f'[data]\ntrain = ["{tmp_path}/data/train.json"]\nvalidation = ["dev.json"]\n'
        "[training]\nseed = 7\n[spans]\nmax_length = 384\n"
    )
    lines = [
        {"step": 5, "loss": 1.0, "seconds": 120.0},
        {"step": 5, "evaluation": {"f1": 71.25}, "seconds": 180.0},
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    return folder


def test_a_card_from_the_run_alone(run: Path) -> None:
    text = card(run)
    assert text.startswith("---\nlicense: unknown\nlibrary_name: headwater\n")
    assert "pipeline_tag: question-answering" in text
    assert "on the task `squad`, from reader, by method `lora`." in text
    assert "| f1 | 71.25 |" in text and "Seed 7." in text and "5 steps in 0:03:00 (" in text
    digest = sha256(run.parent / "data" / "train.json")[:16]
    assert f"| squad | train | train.json | {digest} | CC BY-SA 4.0 |" in text
    assert f"| squad | validation | dev.json | not at hand | {UNKNOWN} |" in text
    assert "Not measured: `headwater overlap" in text
    assert 'train = ["train.json"]' in text and str(run.parent) not in text
    assert "headwater finetune recipe.toml --output runs/mine" in text


def test_nothing_is_said_of_scores_that_nobody_measured(run: Path) -> None:
    assert "weights were chosen" in card(run)
    lines = (run / "log.jsonl").read_text().splitlines()
    (run / "log.jsonl").write_text(f"{lines[0]}\n")
    text = card(run)
    assert "Nothing was measured." in text
    assert "weights were chosen" not in text and "It was measured" not in text


BINS = [
    {"low": 0.4, "high": 0.5, "answers": 4, "score": 0.45, "right": 0.5},
    {"low": 0.8, "high": 0.9, "answers": 2, "score": 0.85, "right": 1.0},
    {"low": 0.9, "high": 1.0, "answers": 2, "score": 0.95, "right": 0.5},
]
ABOUT = {
    "model": "/home/me/runs/mine",
    "task": "squad",
    "data": ["/home/me/dev.json"],
    "examples": 1234,
    "precision": "fp32",
    "machine": "A CPU, with bf16",
    "headwater": "0.2.0",
    "torch": "2.13.0",
}


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    folder = tmp_path / "dev set"
    folder.mkdir()
    contents = {
        "metrics": {"f1": 71.254, "total": 9, "best_f1": 72.0},
        "intervals": {"f1": [68.0, 74.5]},
        "calibration": {"answers": 8, "expected_calibration_error": 0.0415, "bins": BINS},
        "evaluation": ABOUT,
    }
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def overlap(tmp_path: Path) -> Path:
    part = {"metrics": {"f1": 70.0, "total": 9}, "intervals": {"f1": [69.0, 71.0]}}
    groups = {"all": 9, "clean": 8, "unmatched": 6, "overlapping": 1}
    found = {
        "test": "/home/me/dev.json",
        "train": ["/home/me/a.json", "b"],
        "items": 9,
        "words": 12_000,
        "found": [],
        "parts": {"question": {"texts": 9, "short": 2, "matched": 0, "overlapping": 0}},
        "matched": ["q1", "q2", "q3"],
        "overlapping": ["q1"],
        "scores": {name: {"examples": count, **part} for name, count in groups.items()},
    }
    file = tmp_path / "overlap.json"
    file.write_text(json.dumps(found))
    return file


def test_scores_with_intervals_calibration_and_overlap(
    run: Path, measured: Path, overlap: Path
) -> None:
    text = card(run, Added([measured], [overlap], "cc-by-sa-4.0"))
    assert "license: cc-by-sa-4.0" in text
    assert "| dev set | `squad` | `dev.json` | 1,234 | f1 | 71.25 | 68.00 to 74.50 |" in text
    assert "total" not in text and "best_f1" not in text
    assert "Measured on: A CPU, with bf16 (headwater 0.2.0, PyTorch 2.13.0)." in text
    repeated = "headwater evaluate --model mine --task squad --data dev.json --precision fp32"
    assert repeated in text.splitlines()
    assert "| dev set | 8 | 0.042 | 50% of 4 | none | 75% of 4 |" in text
    assert "| `dev.json` | 9 | 3 (33.33%) | 1 (11.11%) | 12,000 |" in text
    assert "Training text: `a.json`, `b`." in text
    assert "`dev.json` 2 of 9 (question)." in text
    assert "| `dev.json` | all (9) | clean (8) | without 8 words in common (6) |" in text
    assert f"| f1 |{' 70.00 (69.00 to 71.00) |' * 3}" in text
    assert "may give less" not in text and "is not known" not in text and "/home" not in text


def test_evaluations_without_their_circumstances_or_probabilities(
    run: Path, measured: Path
) -> None:
    for name in ("evaluation", "calibration", "intervals"):
        (measured / f"{name}.json").unlink()
    text = card(run, Added([measured]))
    assert "| dev set |  |  |  | f1 | 71.25 |  |" in text
    assert "Measured on" not in text and "none of the evaluations has probabilities" in text


def test_a_file_that_is_no_overlap_is_refused(run: Path, measured: Path) -> None:
    with pytest.raises(UserError, match="is not what `headwater overlap"):
        card(run, Added(overlap=[measured / "metrics.json"]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics", []),
        ("metrics", {"f1": "high"}),
        ("intervals", {"f1": 3}),
        ("calibration", {"bins": [{}], "answers": 1, "expected_calibration_error": 0.1}),
        ("calibration", {"bins": [], "answers": None}),
        ("evaluation", {"task": "squad"}),
    ],
)
def test_damaged_files_of_an_evaluation(run: Path, measured: Path, name: str, content: Any) -> None:
    (measured / f"{name}.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"{name}.json: is not what `headwater evaluate"):
        card(run, Added([measured]))


def test_an_evaluation_on_several_tasks_names_the_folders_to_take(
    run: Path, tmp_path: Path
) -> None:
    (tmp_path / "metrics.json").write_text('{"tasks": {"cola": {"matthews": 1.0}}}')
    with pytest.raises(UserError, match="several tasks; give the folder of one"):
        card(run, Added([tmp_path]))


@pytest.mark.parametrize("change", [{"items": "many"}, {"parts": {"a": {}}}, {"matched": 3}])
def test_a_damaged_overlap(run: Path, overlap: Path, change: dict[str, Any]) -> None:
    overlap.write_text(json.dumps(json.loads(overlap.read_text()) | change))
    with pytest.raises(UserError, match="is not what `headwater overlap"):
        card(run, Added(overlap=[overlap]))


def test_scores_that_are_no_number(run: Path, measured: Path) -> None:
    line = {"step": 5, "evaluation": {"f1": None}, "seconds": 180.0}
    (run / "log.jsonl").write_text(json.dumps(line) + "\n")
    assert "| f1 | no number |" in card(run)
    (measured / "metrics.json").write_text('{"f1": null}')
    (measured / "intervals.json").unlink()
    assert "| 1,234 | f1 | no number |  |" in card(run, Added([measured]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is no run's recipe"),
        ('objective = "mlm"\n', "is no run's recipe"),
        ('model = "reader"\n', "is no run's recipe"),
        ('model = "reader"\ntask = "squad"\ndata = 3\n', "data: a table was expected"),
    ],
)
def test_a_config_that_is_no_recipe(run: Path, text: str, expected: str) -> None:
    (run / "config.toml").write_text(text)
    with pytest.raises(UserError, match=expected):
        card(run)


def test_names_that_markdown_and_a_shell_would_obey(run: Path, measured: Path) -> None:
    hostile = run.rename(run.with_name("a|b `c` <i> $HOME"))
    config = hostile / "config.toml"
    config.write_text(config.read_text().replace("dev.json", "a|b\\n<script>.json"))
    set_of_tests = measured.rename(measured.with_name("x|y<b>"))
    about = json.dumps(ABOUT | {"data": ["a|b`c.json"], "task": "my task.toml"})
    (set_of_tests / "evaluation.json").write_text(about)
    text = card(hostile, Added([set_of_tests]))
    assert r"# a\|b \`c\` &lt;i> $HOME" in text.splitlines()
    assert r"| squad | validation | a\|b &lt;script>.json | not at hand |" in text
    assert r"| x\|y&lt;b> | `my task.toml` | `a\|b'c.json` | 1,234 | f1 |" in text
    assert "--task 'my task.toml' --data 'a|b`c.json' --precision fp32" in text
    assert "--output 'runs/a|b `c` <i> $HOME'    # the recipe above" in text
    columns = {line.replace(r"\|", "").count("|") for line in text.splitlines() if "not at" in line}
    assert columns == {6}


def test_the_base_is_named_where_it_is_of_the_hub(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = run / "config.toml"
    config.write_text(config.read_text().replace('"reader"', '"somebody/body"'))
    monkeypatch.chdir(run)
    assert "base_model: somebody/body" in card(run).splitlines()
    (run / "somebody").mkdir()
    assert "base_model" not in card(run)


def test_a_licence_is_a_name(run: Path) -> None:
    with pytest.raises(UserError, match="a name such as apache"):
        card(run, Added(licence="mit\nbase_model: other"))


def test_the_card_of_a_pre_training_run(tmp_path: Path) -> None:
    run = tmp_path / "body"
    run.mkdir()
    (run / "config.toml").write_text(
        'objective = "mlm"\n[network]\npreset = "bert-tiny"\n'
        '[corpus]\ntrain = ["stores/books", "stores/news"]\nvalidation = "stores/held-out"\n'
    )
    text = card(run)
    assert "on the objective `mlm`, from random weights of bert-tiny" in text
    for part, name in (("train", "books"), ("train", "news"), ("validation", "held-out")):
        assert f"| mlm | {part} | {name} |  | {UNKNOWN} |" in text
    assert "headwater pretrain recipe.toml --output runs/body" in text


@pytest.mark.parametrize(("model", "warned"), [("", False), ("/model", False), ("-old", True)])
def test_scores_of_another_model_are_warned_of(
    run: Path, measured: Path, caplog: pytest.LogCaptureFixture, model: str, warned: bool
) -> None:
    about = json.dumps(ABOUT | {"model": f"{run}{model}"})
    (measured / "evaluation.json").write_text(about)
    card(run, Added([measured]))
    assert ("dev set: was measured on" in caplog.text) is warned


def test_on_the_screen_and_in_a_file(headwater: Any, run: Path, tmp_path: Path) -> None:
    shown = headwater("card", run)
    assert shown.code == 0 and shown.out == card(run)
    assert headwater("card", run, "--output", tmp_path / "README.md").code == 0
    assert (tmp_path / "README.md").read_text() == shown.out


def test_a_model_without_its_run_has_no_card(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run"):
        card(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.json: Apache 2.0", "Apache 2.0"),
        ("All is CC0.", "CC0"),
        ("Omit MITIGATION, permit nothing.", None),
        ("a.json is public domain; b.json is MIT", "public domain, MIT"),
    ],
)
def test_licences_beside_a_file(tmp_path: Path, text: str, expected: str | None) -> None:
    (tmp_path / "README.md").write_text(text)
    assert licence_near(tmp_path / "a.json") == expected
