"""The verb: what it prints, and what it refuses in one line."""

import json
from pathlib import Path

import pytest

from conftest import Headwater
from oracle import Oracle

Models = dict[str, str]


@pytest.fixture
def given(models: Models, tmp_path: Path) -> list[object]:
    output = tmp_path / "q.json"
    return ["--model", models["writer"], "--reader", models["reader"], "--output", output]


def test_the_report(
    oracle: Oracle, headwater: Headwater, spring: Path, given: list[object], tmp_path: Path
) -> None:
    ran = headwater("generate-questions", spring, *given)
    assert ran.code == 0 and ran.out == f"{tmp_path / 'q.json'}\n"
    lines = [line.rsplit(maxsplit=1) for line in ran.err.splitlines() if "->" not in line]
    assert ["answers asked for", str(oracle.written)] in lines
    assert ["questions kept", str(oracle.written)] in lines
    assert ran.err.count("?  ->  ") == 5


def test_json_and_settings(
    oracle: Oracle, headwater: Headwater, spring: Path, given: list[object]
) -> None:
    options = ["--answers", "name,date", "--passages", 1, "--per-passage", 2, "--set", "seed=3"]
    ran = headwater("generate-questions", spring, *given, *options, "--json")
    report = json.loads(ran.out)
    assert (report["passages"], report["candidates"], report["kept"]) == (1, 2, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--answers", "name,verb"], "answers[1] = 'verb'"),
        (["--per-passage", "0"], "per_passage = 0"),
        (["--set", "min_f2=0.5"], "unknown key 'min_f2'; did you mean 'min_f1'?"),
        (["--set", "min_f1=2"], "--set min_f1=2"),
        (["--set", "writing.num_beam=2"], "num_beam"),
        (["--set", "min_characters=2000"], "more than max_characters"),
        (["--held-out", "none.json"], "none.json"),
        (["--text-field", "body"], ""),
    ],
)
def test_mistakes_are_one_line(
    headwater: Headwater, spring: Path, given: list[object], options: list[str], message: str
) -> None:
    if options[0] == "--text-field":
        spring = spring.with_suffix(".jsonl")
        spring.write_text('{"text": "It rained."}\n', encoding="utf-8")
        message = "spring.jsonl, line 1: no column body"
    ran = headwater("generate-questions", spring, *given, *options)
    assert ran.code == 2 and message in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_files_that_are_there_or_not(
    headwater: Headwater, spring: Path, given: list[object], tmp_path: Path
) -> None:
    ran = headwater("generate-questions", tmp_path / "none", *given)
    assert ran.code == 2 and "none: no such file or folder" in ran.err
    (tmp_path / "empty.txt").touch()
    ran = headwater("generate-questions", tmp_path / "empty.txt", *given)
    assert ran.code == 2 and "no text to ask of: the documents are empty" in ran.err
    (tmp_path / "q.json").touch()
    ran = headwater("generate-questions", spring, *given)
    assert ran.code == 2 and "q.json: exists already" in ran.err
