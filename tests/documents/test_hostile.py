"""Files that are broken or mean harm, names that are no text: each is named, none is fatal."""

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest

import made
from headwater.documents import conversion
from headwater.documents.conversion import Child, Refused, convert_all
from headwater.documents.index import open_index
from headwater.documents.limits import Limits
from headwater.documents.update import Options, build, update
from headwater.errors import UserError
from made import Opened, rows

HOSTILE = "\x1b]0;title\x07 \x1b[2J \u202e <script>alert(1)</script> '; DROP TABLE files; --"
SMALL = Limits(seconds=30, memory=2**30, size=2**21)


def test_broken_files_are_named(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    made.docx(folder / "whole.docx")
    word = (folder / "whole.docx").read_bytes()
    deep = b"<div>" * 100_000 + b"<p>deep"
    expected = {
        "bomb.docx": (made.zip_bomb(), "too large: holds more than 256 MiB"),
        "bomb.epub": (made.zip_bomb(), "too large: holds more than 256 MiB"),
        "bomb.txt.gz": (b"", "cannot be read"),
        "line.txt": (b"x" * 2**22, "holds more than 2 MiB"),
        "cut.docx": (word[: len(word) // 2], "broken"),
        "empty.pdf": (b"", "broken"),
        "cut.pdf": (made.pdf([made.lines("text")])[:100], "broken"),
        "secret.pdf": (made.encrypted_pdf(), "encrypted"),
        "picture.pdf": (made.pdf([[]]), "OCR"),
        "cycle.pdf": (made.pdf([[]]).replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"), "broken"),
        "nul.txt": (b"a\x00b", "NUL"),
        "latin.md": ("Mühle".encode("latin-1"), "not UTF-8"),
        "blank.html": (b"<html></html>", "no text"),
        "deep.html": (deep, ""),
    }
    for name, (content, _) in expected.items():
        (folder / name).write_bytes(content)
    (folder / "bomb.txt.gz").write_bytes(word)
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "self").symlink_to(".")
    os.mkfifo(folder / "pipe.txt")
    build([folder], tmp_path / "x.index", options=Options(limits=SMALL))
    found = rows(opened, tmp_path / "x.index")
    assert found["whole.docx"].status == "indexed"
    for name, (_, reason) in expected.items():
        if name != "bomb.txt.gz" and reason:
            assert found[name].status == "failed" and reason in found[name].reason, name
    assert found["bomb.txt.gz"].status == "failed"
    assert found["loop.txt"].reason == "a link to nothing"
    assert found["pipe.txt"].reason == "not a file"
    assert len(found) == len(expected) + 3


def _drawn(file: Path) -> bytes:
    """Return a PDF with compressed streams and a font of its own."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure()
    figure.text(0.1, 0.5, "The castle burned in 1720.")
    with rc_context({"pdf.fonttype": 42}):
        figure.savefig(file)
    return file.read_bytes()


@pytest.mark.parametrize("count", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_broken_pdfs_are_never_fatal(tmp_path: Path, count: int) -> None:
    action = "/OpenAction << /S /JavaScript /JS (while(true){}) >>"
    plain = made.pdf([made.lines("The castle burned\nin 1720.")] * 3, root=action)
    kinds = plain, _drawn(tmp_path / "drawn.pdf"), made.encrypted_pdf()
    rng = random.Random(0)
    files = [tmp_path / f"{number}.pdf" for number in range(count)]
    for number, file in enumerate(files):
        content = bytearray(kinds[number % len(kinds)])
        if number % 4 == 0:
            content = content[: rng.randrange(len(content))]
        else:
            for _ in range(1 + number % 20):
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        file.write_bytes(content)
    results = list(convert_all(files, Limits(seconds=20)))
    assert [file for file, _ in results] == files
    assert all(result.reason for _, result in results if isinstance(result, Refused))
    assert any(not isinstance(result, Refused) for _, result in results)


@pytest.mark.slow
def test_a_pdf_of_ten_thousand_pages(tmp_path: Path) -> None:
    page = made.lines("The castle burned\nin 1720.")
    (tmp_path / "a.pdf").write_bytes(made.pdf([page] * 10_000))
    ((_, result),) = convert_all([tmp_path / "a.pdf"], Limits())
    assert not isinstance(result, Refused) and (result.passages[-1].page or 0) > 9_900


def bad_child(folder: Path, code: str) -> tuple[str, ...]:
    """Return a command for a child in which converting Markdown runs some code."""
    script = folder / "bad_child.py"
    script.write_text(
        "import os, signal, sys, time\n"
        "from headwater.documents import child\n"
        "from headwater.documents.converters import markdown\n"
        "from headwater.documents.document import Block, Document\n"
        f"def convert(content):\n    {code}\n"
        "markdown.convert = convert\nchild.main()\n"
    )
    return (sys.executable, str(script))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("time.sleep(60)", "takes longer than 2 seconds"),
        ("exec('while True: pass')", "takes longer than 2 seconds"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "ends its converter (SIGSEGV)"),
        ("os._exit(7)", "ends its converter (exit code 7)"),
        ("os.closerange(3, 99); time.sleep(0.3); os._exit(7)", "ends its converter (exit code 7)"),
        ("bytearray(2**40)", "needs more memory than 1.0 GiB"),
        ("return Document('', 'A', [Block(0, 1)], chr(233) * 10**8)", "needs more memory than 1.0"),
        ("raise KeyError('x')", "broken (KeyError: 'x')"),
        ("print('hello', flush=True); return None", "broken (AttributeError"),
    ],
)
def test_what_ends_a_converter_ends_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    monkeypatch.setattr(conversion, "COMMAND", bad_child(tmp_path, code))
    files = [tmp_path / name for name in ("a.txt", "b.md", "c.txt")]
    for file in files:
        file.write_text("Some text.")
    limits = Limits(seconds=2 if "seconds" in reason else 60, memory=2**30)
    results = [result for _, result in convert_all(files, limits)]
    assert [isinstance(each, Refused) for each in results] == [False, True, False]
    assert isinstance(results[1], Refused) and results[1].reason.startswith(reason)


def test_a_part_of_a_second_is_a_limit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "raise KeyError(0 < signal.getitimer(signal.ITIMER_PROF)[0] < 1)"
    monkeypatch.setattr(conversion, "COMMAND", bad_child(tmp_path, code))
    (tmp_path / "a.md").write_text("Some text.")
    ((_, result),) = convert_all([tmp_path / "a.md"], Limits(seconds=0.5))
    assert result == Refused("broken (KeyError: True)")


def test_what_an_earlier_file_left_behind_is_no_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "global n; n = globals().get('n', 0) + 1; "
    code += "n > 1 and os._exit(1); return markdown.decoded(content) and child.CONVERTED"
    monkeypatch.setattr(conversion, "COMMAND", bad_child(tmp_path, code))
    files = [tmp_path / f"{number}.md" for number in range(3)]
    for file in files:
        file.write_text("Some text.")
    child = Child(Limits())
    reasons = [child.convert(file) for file in files]
    child.end()
    assert all(isinstance(each, Refused) and "AttributeError" in each.reason for each in reasons)


@pytest.mark.skipif(sys.platform != "linux", reason="any byte may stand in a name there")
def test_names_and_texts_that_mean_harm(headwater: Any, tmp_path: Path) -> None:
    folder, index = tmp_path / "documents", tmp_path / "x.index"
    folder.mkdir()
    names = [os.fsdecode(b"caf\xe9.txt"), "caf\\xe9.md", "a'b\"; DROP TABLE files;--.txt"]
    names += ["\x1b]0;title\x07\u202e\r.txt", "-rf.txt", "new\nline.txt", "%s{0}$(ls).txt"]
    for number, name in enumerate(names):
        (folder / name).write_text(f"word{number} {HOSTILE}", encoding="utf-8")
    (folder / "a.html").write_text(made.html("<b>Bold</b>", f"word99 {HOSTILE}"))
    ran = headwater("index", "build", folder, "--output", index)
    assert ran.code == 0, ran.err
    for number in range(len(names)):
        ran = headwater("index", "search", index, f"word{number}", "--json")
        (hit,) = json.loads(ran.out)
        assert "\x1b" not in ran.out and hit["quote"].startswith(f"word{number}")
    for call in (("show", index, "--all"), ("show", index, "--json"), ("search", index, "title")):
        ran = headwater("index", *call)
        assert ran.code == 0
        assert not any(mark in ran.out + ran.err for mark in "\x1b\x07\u202e\r")
    with open_index(index) as opened:
        assert opened.summary().files == {"indexed": len(names) + 1}
    assert update(index).unchanged == len(names) + 1


@pytest.mark.parametrize(
    "question",
    [
        '"', "'", "mill*", "NEAR(mill river)", "mill AND", "OR", "NOT mill", "title:mill", "^mill",
        "mill - river", "(mill", "{text}: mill", "mill\x00river", "mill " * 10_000,
        "'; DROP TABLE files; --", "\x1b[2J mill", '" OR "" : mill', "mill + river", "-1", "mill,",
    ],
)  # fmt: skip
def test_a_question_is_words_and_no_syntax(opened: Opened, standing: Path, question: str) -> None:
    hits = opened(standing).search(question)
    assert bool(hits) == ("mill" in question)
    assert opened(standing).summary().files == {"indexed": 7}


def test_half_a_character_is_refused(opened: Opened, standing: Path) -> None:
    with pytest.raises(UserError, match="question holds half a character"):
        opened(standing).search("\ud800 mill")


def test_a_folder_that_changes_while_it_is_read(opened: Opened, tmp_path: Path) -> None:
    import threading

    folder, over = tmp_path / "documents", threading.Event()
    folder.mkdir()
    (folder / "stays.txt").write_text("It stays.")

    def change() -> None:
        rng = random.Random(0)
        while not over.is_set():
            file = folder / f"{rng.randrange(20)}.txt"
            if rng.random() < 0.3:
                file.unlink(missing_ok=True)
            else:
                file.write_text(f"number{rng.randrange(10**6)} " * rng.randrange(1, 2000))

    changer = threading.Thread(target=change)
    changer.start()
    try:
        build([folder], tmp_path / "x.index")
        for _ in range(2):
            update(tmp_path / "x.index")
    finally:
        over.set()
        changer.join()
    update(tmp_path / "x.index")
    found = rows(opened, tmp_path / "x.index")
    assert found.keys() == {each.name for each in folder.iterdir()}
    for hit in opened(tmp_path / "x.index").search(
        " ".join({each.read_text().split()[0] for each in folder.iterdir()}), 1000
    ):
        assert Path(hit.file).read_text()[hit.start : hit.end] == hit.quote().text
    assert {row.status for row in found.values()} == {"indexed"}


def test_a_folder_that_may_not_be_read_keeps_what_it_had(
    opened: Opened, folder: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("below"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    update(index)
    found = rows(opened, index)
    assert found["below"].reason == "this folder cannot be read (Permission denied)"
    assert found["castle.pdf"].status == "indexed"
    monkeypatch.undo()
    update(index)
    assert "below" not in rows(opened, index)
