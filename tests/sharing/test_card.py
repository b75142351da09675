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
    assert "| f1 | 71.25 |" in text and "Seed 7." in text and "5 steps in 3 minutes." in text
    digest = sha256(run.parent / "data" / "train.json")[:16]
    assert f"| squad | train | train.json | {digest} | CC BY-SA 4.0 |" in text
    assert f"| squad | validation | dev.json | not at hand | {UNKNOWN} |" in text
    assert "Not measured: `headwater overlap" in text
    assert 'train = ["train.json"]' in text and str(run.parent) not in text
    assert "headwater finetune recipe.toml --output runs/mine" in text


def test_scores_with_intervals_calibration_and_overlap(run: Path, tmp_path: Path) -> None:
    measured = tmp_path / "dev"
    measured.mkdir()
    (measured / "metrics.json").write_text('{"f1": 71.254, "total": 9}')
    (measured / "intervals.json").write_text('{"f1": [68.0, 74.5]}')
    (measured / "calibration.json").write_text('{"expected_calibration_error": 0.0415}')
    scores = {"clean": {"examples": 8, "metrics": {"f1": 70.0}, "intervals": {}}}
    overlap = {"items": 9, "words": 12_000, "overlapping": ["q1"], "scores": scores}
    (tmp_path / "overlap.json").write_text(json.dumps(overlap))
    text = card(run, Added([measured], tmp_path / "overlap.json", "cc-by-sa-4.0"))
    assert "license: cc-by-sa-4.0" in text
    assert "| dev | f1 | 71.25 | 68.00 to 74.50 |" in text
    assert "| dev | expected calibration error | 0.041 | |" in text or "0.042" in text
    assert "1 of 9 test items (11.11%) overlap with 12,000 words" in text
    assert "- clean, 8 items: f1 70.00" in text
    assert "may give less" not in text and "is not known" not in text


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
