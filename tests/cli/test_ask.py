"""What `ask` is asked of: folders of which a part cannot be read, and texts that hold escapes."""

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.commands.documents import FolderTexts
from headwater.documents import walk as walking
from headwater.errors import UserError

TEXT = "the mill is by the river. who is by the mill? a fox."
HOSTILE = "\x1b]0;title\x07 \x1b[2J \x9b31m \u202e \r"
ESCAPES = ["\\u001b]0;title\\u0007", "\\u001b[2J", "\\u009b31m", "\\u202e"]


def no_control(text: str) -> bool:
    return not any(c in text for c in "\x1b\x07\x9b\u202e\r\x00\x7f")


def test_what_a_folder_holds_that_cannot_be_read_is_said(
    headwater: Any, reader: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "c.md").write_bytes(b"the mill\n\x00\n")
    (tmp_path / "d.txt").symlink_to("nowhere.txt")
    (tmp_path / "e.txt").symlink_to("e.txt")  # a loop
    (tmp_path / "self").symlink_to(".")
    for number in range(5):
        (tmp_path / f"f{number}.txt").write_bytes(b"\xff")
    ran = headwater("ask", "where ?", "--context", tmp_path, "--model", reader, "--json")
    assert ran.code == 0
    assert {place["source"] for each in json.loads(ran.out) for place in each["places"]} == {
        str(tmp_path / "a.txt")
    }
    assert ran.err.count("\n") == 1
    assert "warning: not read:" in ran.err and "d.txt: a link to nothing" in ran.err
    assert "b.txt, line 1: not UTF-8" in ran.err and ran.err.endswith("and 6 more\n")


def test_a_folder_of_which_nothing_can_be_read(
    headwater: Any, reader: Path, tmp_path: Path
) -> None:
    for content, reason in ((b"\xff", "not UTF-8"), (b" \n", "every text in this folder is empty")):
        (tmp_path / "a.txt").write_bytes(content)
        ran = headwater("ask", "where ?", "--context", tmp_path, "--model", reader)
        assert (ran.code, reason in ran.err, ran.err.count("\n")) == (2, True, 1)
    (tmp_path / "a.txt").unlink()
    (tmp_path / "a.txt").symlink_to("b.txt")
    ran = headwater("ask", "where ?", "--context", tmp_path, "--model", reader)
    assert (ran.code, "a link to nothing" in ran.err) == (2, True)
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    ran = headwater("ask", "where ?", "--context", loop, "--model", reader)
    assert (ran.code, ran.err.count("\n")) == (2, 1)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_entered_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "closed").mkdir(mode=0)
    assert "closed: Permission denied" in FolderTexts(tmp_path).faults


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(folder: Path, onerror: Any) -> Any:
        onerror(PermissionError(13, "Permission denied", str(folder / "closed")))
        yield str(folder), [], ["a.txt"]

    (tmp_path / "a.txt").write_text(TEXT)
    monkeypatch.setattr(walking.os, "walk", walk)
    assert FolderTexts(tmp_path).faults == f"{tmp_path / 'closed'}: Permission denied"


def test_a_file_that_must_be_converted_names_the_index(headwater: Any, tmp_path: Path) -> None:
    (tmp_path / "Manual.PDF").write_bytes(b"%PDF-1.7\n\xe2\xe3")
    ran = headwater("ask", "What is it?", "--context", tmp_path / "Manual.PDF")
    assert ran.code == 2 and ran.err.count("\n") == 1
    assert "Manual.PDF: ask reads text; `headwater index build` makes an index" in ran.err


def test_an_address_is_not_fetched(headwater: Any) -> None:
    ran = headwater("ask", "What is it?", "--context", "http://127.0.0.1:9/x")
    assert ran.code == 2 and ran.err.count("\n") == 1
    assert "http://127.0.0.1:9/x: ask reads files and folders here" in ran.err


def test_the_texts_of_a_folder_are_read_one_by_one(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(name)
    texts = FolderTexts(tmp_path)
    (tmp_path / "b.txt").write_text("later")
    assert list(texts.values()) == ["a", "later"]
    assert len(texts) == 2 and texts.faults == "" and not texts.empty
    (tmp_path / "b.txt").unlink()  # it vanishes meanwhile
    assert list(texts.values()) == ["a", ""]
    assert "b.txt: no such file" in texts.faults
    texts.check()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"no \.txt or \.md"):
        FolderTexts(empty)


@pytest.mark.skipif(sys.platform != "linux", reason="any byte may stand in a name there")
def test_what_a_terminal_would_obey_is_made_visible(
    headwater: Any, reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "\x1b]0;title\x07\x9b\u202e\r.txt"
    text = tmp_path / name
    text.write_text(f"the mill {HOSTILE} is{HOSTILE}by the river", encoding="utf-8")
    given = ("ask", "where ?", "--model", reader, "--top-k", 3)
    ran = headwater(*given, "--context", text)
    assert ran.code == 0 and no_control(ran.out) and no_control(ran.err)
    assert "\\u001b]0;title\\u0007\\u009b\\u202e\\u000d.txt" in ran.out
    ran = headwater(*given, "--context", text, "--json")
    assert no_control(ran.out)
    assert json.loads(ran.out)[0]["places"][0]["source"] == str(text)
    ran = headwater(*given, "--context", tmp_path / f"not{name}")
    assert (ran.code, no_control(ran.err), ran.err.count("\n")) == (2, True, 1)
    assert "\\u001b]0;title\\u0007\\u009b\\u202e\\u000d.txt: no such file" in ran.err
    text.write_bytes(b"\xff")
    ran = headwater(*given, "--context", tmp_path)
    assert (ran.code, no_control(ran.err), ran.err.count("\n")) == (2, True, 1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HOSTILE.encode() * 3)))
    ran = headwater(*given, "--context", "-")
    assert no_control(ran.out + ran.err)


def test_every_place_is_shown(headwater: Any, reader: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    for name in "bcdef":
        (tmp_path / f"{name}.txt").write_text(TEXT)
    given = ("ask", "where ?", "--context", tmp_path, "--model", reader)
    answer = json.loads(headwater(*given, "--json").out)[0]
    ran = headwater(*given)
    if answer["no_answer"]:
        pytest.skip("these weights find no answer")
    places = answer["places"]
    assert {each["source"] for each in places} == {str(tmp_path / f"{n}.txt") for n in "abcdef"}
    assert answer["score"] == pytest.approx(sum(each["score"] for each in places))
    assert f"  also      {places[1]['start']} to {places[1]['end']} of {tmp_path}" in ran.out
    assert f"and {len(places) - 4} more\n" in ran.out
