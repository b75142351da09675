"""A user's own limits on answers win over those that travelled with a model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.errors import UserError
from headwater.inference.loaded import load

TEXT = "the old mill by the river was built of wood"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.reader(tmp_path_factory.mktemp("reader") / "model")


def test_the_threshold_decides_whether_there_is_an_answer(reader: Path) -> None:
    [shy] = load(reader, no_answer_threshold=-1e6).answer("the mill?", TEXT)
    [bold] = load(reader, no_answer_threshold=1e6).answer("the mill?", TEXT)
    assert shy.no_answer and not bold.no_answer
    [usual] = load(reader).answer("the mill?", TEXT)
    [same] = load(reader, no_answer_threshold=0.0).answer("the mill?", TEXT)
    assert usual == same


def test_no_answer_is_longer_than_asked(reader: Path) -> None:
    lengths = {}
    for longest in (1, 2, 30):
        loaded = load(reader, no_answer_threshold=1e6, max_answer_length=longest)
        found = loaded.answer("the mill?", TEXT, top_k=20)
        lengths[longest] = max(len(loaded.vocabulary.encode(each.text)) for each in found)
    assert lengths[1] == 1 and lengths[2] == 2 < lengths[30]


@pytest.mark.parametrize("limit", [{"no_answer_threshold": 0.0}, {"max_answer_length": 3}])
def test_who_finds_no_spans_refuses_them(tmp_path: Path, limit: dict[str, Any]) -> None:
    words = tiny.wordpiece(tmp_path / "words", ["the"])
    folder = tiny.model_folder(tmp_path / "model", words, "sequence")
    with pytest.raises(UserError, match=f"{next(iter(limit))} is for models that find spans"):
        load(folder, **limit)


def test_a_number_that_is_none_is_refused(reader: Path) -> None:
    with pytest.raises(UserError, match="a finite number was expected"):
        load(reader, no_answer_threshold=float("nan"))


def test_the_commands_hand_them_on(
    reader: Path, tmp_path: Path, headwater: Callable[..., Any]
) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    asked = ("ask", "the mill?", "--context", tmp_path / "text.txt", "--model", reader)
    shy = headwater(*asked, "--no-answer-threshold", "-1000000", "--json")
    assert json.loads(shy.out)[0]["no_answer"] is True
    paragraph = tiny.paragraph(TEXT, tiny.question("a", "the mill?", "the", 0))
    questions = tiny.squad_file(tmp_path / "in.json", paragraph)
    files = ("--input", questions, "--output", tmp_path / "out.json")
    ran = headwater(
        "predict", "--model", reader, "--task", "squad", *files, "--max-answer-length", 1
    )
    assert ran.code == 0, ran
    [answer] = json.loads((tmp_path / "out.json").read_text()).values()
    assert len(load(reader).vocabulary.encode(answer)) == 1
