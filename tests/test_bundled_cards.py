"""The cards of the bundled models are complete, and say how sure their scores are."""

import re
from pathlib import Path

import pytest

from card_rows import card_rows
from headwater.checkpoints.hub import ASSETS, BUNDLED

ROOT = Path(__file__).resolve().parents[1]
BODIES = ROOT / "studies" / "bodies" / "README.md"
SECTIONS = ("Scores", "Calibration", "Data", "Training", "Licence", "Limits", "Commands")
OVERLAP = "Overlap of test and training text"
TESTS = {
    "reader": {"dev-v1.1.json", "dev-v2.0.first12articles.json", "cells.json"},
    "writer": {"dev-v1.1.json"},
    "tagger": {"emerging.test.annotated", "emerging.dev.conll", "f.conll", "h.conll"},
    "sentiment": {"dev.tsv"},
}
_SHARE = re.compile(
    r"^\| `([\w.-]+)` \| ([\d,]+) \| (\d+) \([\d.]+%\) \| (\d+) \([\d.]+%\) \|", re.MULTILINE
)


def sections(card: Path) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", card.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_bundled_model_is_looked_at() -> None:
    assert TESTS.keys() == {*ASSETS}


@pytest.mark.parametrize("name", sorted(TESTS))
def test_a_card_is_complete(name: str) -> None:
    found = sections(BUNDLED[name] / "README.md")
    for each in (*SECTIONS, OVERLAP):
        assert len(found[each].split()) > 10, f"{name}: {each}"
    assert re.search(r"\bseed \d|\| seed \|", found["Training"])
    assert re.search(r"recipes/[\w/]+\.toml", found["Training"])
    assert "Measured on: " in found["Scores"] and "headwater evaluate" in found["Scores"]
    assert "| licence |" in found["Data"] and "cannot be checked" in found["Data"].replace(
        "\n", " "
    )
    assert "headwater evaluate" in found["Commands"]


@pytest.mark.parametrize("name", sorted(TESTS))
def test_every_score_has_an_interval_around_it(name: str) -> None:
    rows = card_rows(BUNDLED[name])
    assert {each.file for each in rows} == TESTS[name]
    for each in rows:
        if each.metric.startswith("f1 "):  # of one type of entity
            continue
        assert each.interval is not None, each
        low, high = each.interval
        assert low < each.score < high, each


@pytest.mark.parametrize("name", sorted(TESTS))
def test_the_score_of_the_clean_part_stands_beside_all(name: str) -> None:
    text = sections(BUNDLED[name] / "README.md")[OVERLAP]
    shares = {file: [*map(int, numbers)] for file, *numbers in _numbers(text)}
    assert shares.keys() == TESTS[name]
    for file, (items, matched, overlapping) in shares.items():
        assert overlapping <= matched < items
        assert f"| `{file}` | all ({items:,}) | clean ({items - overlapping:,}) |" in text
    stated = {(each.file, each.metric): each.score for each in card_rows(BUNDLED[name])}
    for table in re.split(r"\n\n", text):
        if head := re.match(r"\s*\| `([\w.-]+)` \| all ", table):
            for metric, score in re.findall(r"^\| ([\w ]+) \| ([\d.]+) \(", table, re.MULTILINE):
                assert stated[head[1], metric] == float(score)


def _numbers(text: str) -> list[tuple[str, ...]]:
    return [tuple(part.replace(",", "") for part in row) for row in _SHARE.findall(text)]


def test_the_card_of_the_bodies_is_complete() -> None:
    found = sections(BODIES)
    for each in ("Scores", "Data", OVERLAP, "Training", "Licence", "Limits", "Commands"):
        assert len(found[each].split()) > 10, each
    for folder in BODIES.parent.glob("*/"):
        assert f"| `{folder.name}` |" in found["Scores"]
