"""`headwater corpus clean` and `corpus show` on what it made."""

import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.corpus.cleaning import pages as pages_room
from headwater.corpus.cleaning.clean import clean
from headwater.corpus.cleaning.pages import records
from headwater.corpus.cleaning.warc import archive_pages
from headwater.corpus.read import BadLines, documents
from headwater.errors import UserError

ENGLISH = "The old mill number {0} stood by the river. It was built of stone in year {0}."


def page(number: int, *more: str) -> str:
    sentences = [ENGLISH.format(100 * number + index) for index in range(3)]
    return "\n".join([*sentences, *more])


REPEATED = "We all like bread a lot. You all like wine a lot. They all like cheese a lot."
PAGES = [
    page(1, "Menu", REPEATED),
    page(2, "lorem ipsum"),
    page(3, "if (x) { y }"),
    "Too short a page.",
    "\n".join(f"Die Mühle Nummer {number} steht noch heute am Fluss." for number in range(6)),
    page(4, "That was naughty, they said."),
    page(5, REPEATED, "Please enable Javascript here.", "See our privacy policy.[3]", "Ok."),
    page(1, "Menu", REPEATED),
]


@pytest.fixture
def crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two shards: the first five pages in one file, and the rest in another."""
    monkeypatch.setattr(pages_room, "SHARD", 1)
    folder = tmp_path / "crawl"
    folder.mkdir()
    for name, part in (("a", PAGES[:5]), ("b", PAGES[5:])):
        text = "\n".join(json.dumps({"text": text}) for text in part)
        (folder / f"{name}.jsonl").write_text(text + "\nbroken\n")
    (folder / "list.words").write_text("naughty\n")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_each_rule_drops_what_it_should(crawl: Path, tmp_path: Path) -> None:
    report = clean([crawl], tmp_path / "out", bad_words=crawl / "list.words", workers=1)
    assert report is not None
    assert report.pages == 8
    assert report.pages_kept == 2
    assert set(report.pages_dropped.values()) == {1}
    assert report.lines_dropped == {
        "no_end_mark": 2,
        "too_few_words": 1,
        "javascript": 1,
        "policy": 1,
    }
    assert report.repeated_sentences == 3 + 9
    assert report.unreadable == 2
    assert "a.jsonl, line 6" in report.unreadable_named[0]
    kept = [each for file in ("00000", "00001") for each in records_of(tmp_path, "kept", file)]
    assert [each["text"] for each in kept] == [page(1, REPEATED), page(5)]
    assert [(each["rule"], each["text"]) for each in kept[1]["removed"]][-1] == (
        "repeated_span",
        REPEATED,
    )
    assert report.characters_kept == sum(len(each["text"]) for each in kept)
    dropped = [
        each for file in ("00000", "00001") for each in records_of(tmp_path, "dropped", file)
    ]
    assert [each["rule"] for each in dropped] == [
        "lorem_ipsum",
        "curly_bracket",
        "too_few_sentences",
        "language",
        "bad_words",
        "repeated",
    ]
    assert [each["dropped_text"] for each in dropped] == [*PAGES[1:6], PAGES[7]]
    assert [each["page"] for each in dropped] == [1, 2, 3, 4, 0, 2]
    assert not list(tmp_path.glob(".*"))


def records_of(folder: Path, kind: str, shard: str) -> list[dict[str, Any]]:
    return list(records(folder / "out" / kind / f"{shard}.jsonl.gz"))


def test_only_kept_pages_are_read_from_the_folder(crawl: Path, tmp_path: Path) -> None:
    clean([crawl], tmp_path / "out", workers=1)
    kept = list(documents([tmp_path / "out" / "kept"]))
    assert list(documents([tmp_path / "out"])) == kept
    assert kept


@pytest.mark.slow
def test_the_outcome_does_not_depend_on_how_many_take_part(crawl: Path, tmp_path: Path) -> None:
    clean([crawl], tmp_path / "one", workers=1)
    clean([crawl], tmp_path / "two", workers=2)
    assert content(tmp_path / "two") == content(tmp_path / "one")


def test_a_killed_run_goes_on(crawl: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    kill = (
        "import os, signal, sys; from pathlib import Path\n"
        "from headwater.corpus.cleaning import clean, pages, steps\n"
        "pages.SHARD = 1\n"
        "def killed(*given): os.kill(os.getpid(), signal.SIGKILL)\n"
        "steps.repeats = killed\n"
        "clean.clean([Path(sys.argv[1])], Path(sys.argv[2]), workers=1)\n"
    )
    ended = subprocess.run([sys.executable, "-c", kill, str(crawl), str(output)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not output.exists()
    before = (tmp_path / ".out.work" / "rules" / "00000").stat().st_ino
    seen = []
    real = pages_room.read_pages

    def noted(*given: Any) -> Any:
        seen.append(given)
        return real(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headwater.corpus.cleaning.steps.read_pages", noted)
        clean([crawl], output, workers=1)
    assert before and not seen
    clean([crawl], tmp_path / "unbroken", workers=1)
    assert content(output) == content(tmp_path / "unbroken")
    assert not list(tmp_path.glob(".*"))


def test_another_plan_starts_afresh(crawl: Path, tmp_path: Path) -> None:
    work = tmp_path / ".out.work"
    (work / "logs" / "rules" / "completions").mkdir(parents=True)
    (work / "logs" / "rules" / "completions" / "00000").touch()
    (work / "plan.json").write_text('{"files": []}')
    clean([crawl], tmp_path / "out", workers=1)
    clean([crawl], tmp_path / "fresh", workers=1)
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def archive(file: Path, kind: str, content: bytes) -> None:
    """Write a web archive of one record, with a member of gzip to each record as is usual."""
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://example.com/{file.name}\r\n"
    head += f"WARC-Date: 2024-01-01T00:00:00Z\r\nContent-Length: {len(content)}\r\n\r\n"
    info = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 3\r\n\r\na: \r\n\r\n"
    file.write_bytes(gzip.compress(info) + gzip.compress(head.encode() + content + b"\r\n\r\n"))


def test_a_crawl_without_a_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text("{oops\n")
    with pytest.raises(UserError, match=r"no page could be read .*broken\.jsonl, line 1"):
        clean([tmp_path / "broken.jsonl"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_web_archives(tmp_path: Path) -> None:
    pytest.importorskip("warcio")
    pytest.importorskip("trafilatura")
    archive(tmp_path / "a.wet.gz", "conversion", page(6).encode())
    body = "".join(f"<p>{line}</p>" for line in page(7).split("\n"))
    html = f"<html><body><nav>Menu</nav><article>{body}</article></body></html>"
    http = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    archive(tmp_path / "b.warc.gz", "response", f"{http}{html}".encode())
    report = clean([tmp_path], tmp_path / "out", workers=1)
    assert report is not None and report.pages == 2
    kept = records_of(tmp_path, "kept", "00000")
    assert [(each["url"], each["text"]) for each in kept] == [
        ("http://example.com/a.wet.gz", page(6)),
        ("http://example.com/b.warc.gz", page(7)),
    ]
    (tmp_path / "c.wet.gz").write_bytes((tmp_path / "a.wet.gz").read_bytes()[:100])
    with pytest.raises(UserError, match="no page could be read"):
        clean([tmp_path / "c.wet.gz"], tmp_path / "cut", workers=1)


@pytest.mark.parametrize("name", ["a.wet.gz", "a.wet"])
def test_what_is_cut_off_an_archive_is_reported(tmp_path: Path, name: str) -> None:
    pytest.importorskip("warcio")
    for number in range(3):
        archive(tmp_path / "one", "conversion", page(number).encode())
        content = (tmp_path / "one").read_bytes()
        with (tmp_path / name).open("ab") as file:
            file.write(content if name.endswith(".gz") else gzip.decompress(content))
    whole, bad = (tmp_path / name).read_bytes(), BadLines()
    assert [text for text, _ in archive_pages(tmp_path / name, bad)] == [page(n) for n in range(3)]
    assert bad.count == 0
    (tmp_path / name).write_bytes(whole[:-30])
    assert [text for text, _ in archive_pages(tmp_path / name, bad)] == [page(0), page(1)]
    assert bad.named == [
        f"{tmp_path / name}, after record 5: cannot be read (cut short, the rest of it is lost)"
    ]


def test_a_warning_of_an_archive_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("warcio")
    archive(tmp_path / "one", "conversion", b"A page of one line, long enough.")
    content = gzip.decompress((tmp_path / "one").read_bytes())
    wrong = content.replace(b"Content-Length: 32", b"Content-Length: 25")
    (tmp_path / "a.wet").write_bytes(wrong + content)
    bad = BadLines()
    texts = [text for text, _ in archive_pages(tmp_path / "a.wet", bad)]
    assert texts == ["A page of one line, long ", "A page of one line, long enough."]
    assert capsys.readouterr().err == ""
    [said] = bad.named
    assert "record 2: WARNING: Record not followed by newline" in said and "\n" not in said


def test_files_of_other_kinds_are_named(call: Any, crawl: Path, tmp_path: Path) -> None:
    lines = (crawl / "a.jsonl").read_bytes()
    (crawl / "a.jsonl").unlink()
    (crawl / "a.json.gz").write_bytes(gzip.compress(lines))  # as C4 is published
    (crawl / "notes.json").write_bytes(lines)
    output = tmp_path / "out"
    code, _, err = call("clean", crawl, "--output", output, "--workers", 1)
    assert code == 0
    passed = f"other kinds passed over: 2\n  {crawl / 'list.words'}\n  {crawl / 'notes.json'}\n"
    assert passed in err
    assert json.loads((output / "report.json").read_text())["pages"] == 8
    assert "notes.json" in call("show", output)[1]
    content = json.loads((output / "report.json").read_text())
    del content["passed_over"]  # an older folder
    (output / "report.json").write_text(json.dumps(content))
    assert call("show", output)[0] == 0


def test_the_command_and_a_look_at_its_output(call: Any, crawl: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    given = ("clean", crawl, "--output", output, "--workers", 1)
    code, out, err = call(*given)
    assert (code, out) == (0, f"{output}\n"), err
    assert "no list of bad words was given" in err
    assert "Stats" not in err and "datatrove" not in err
    code, out, err = call(*given)
    assert code == 2 and "exists already" in err and err.count("\n") == 1

    code, out, _ = call("show", output)
    assert code == 0
    assert "lorem_ipsum" in out and "kept  a.jsonl, page 0" in out and " | dropped" in out
    assert "- no_end_mark: Menu" in out
    code, out, _ = call("show", output, "--rule", "language", "--json")
    found = json.loads(out)
    assert [each["why"] for each in found["dropped"]] == ["de 1.00"]
    assert found["pages"] == 8 and len(found["kept"]) == 3
    _, out, _ = call("show", output, "--document", 1, "--json")
    assert [each["page"] for each in json.loads(out)["kept"]] == [0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("clean", "CRAWL/none", "--output", "OUT"), "no such file"),
        (
            ("clean", "CRAWL/list.words", "--output", "OUT"),
            "or .txt.gz and such; also .warc, .warc.gz,",
        ),
        (("clean", "CRAWL", "--output", "OUT", "--bad-words", "CRAWL/no"), "no such file"),
        (("clean", "CRAWL", "--output", "OUT", "--set", "rules.min_word=1"), "'min_words'"),
        (("clean", "CRAWL", "--output", "OUT", "--set", "rules.language=xx"), "'xx' is not known"),
        (("clean", "CRAWL", "--output", "OUT", "--executor", "slrm"), "'slurm'"),
        (("clean", "CRAWL", "--output", "OUT", "--executor", "slurm"), "no `sbatch` here"),
        (("clean", "CRAWL", "--output", "OUT", "--set", "executor.time=1"), "it has none"),
        (("show", "CRAWL", "--rule", "language"), "not a folder of `corpus clean`"),
    ],
)
def test_a_mistake_in_cleaning_is_one_line(
    call: Any,
    crawl: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: Any,
    said: str,
) -> None:
    monkeypatch.setattr("headwater.corpus.executors.shutil.which", lambda name: None)
    paths = {"CRAWL": str(crawl), "OUT": str(tmp_path / "out")}
    given = []
    for argument in arguments:
        for name, path in paths.items():
            argument = argument.replace(name, path)
        given.append(argument)
    code, out, err = call(*given)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert said in err
    assert not (tmp_path / "out").exists()


def test_a_missing_library_is_named(
    crawl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.corpus.cleaning.clean.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'headwater\[clean\]'"):
        clean([crawl], tmp_path / "out")


def test_a_full_disk_leaves_no_output(
    call: Any, crawl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device", "spans.npy")

    monkeypatch.setattr("headwater.corpus.cleaning.steps.np.save", full)
    code, out, err = call("clean", crawl, "--output", tmp_path / "out", "--workers", 1)
    assert (code, out) == (2, "")
    assert "No space left on device" in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; sys.argv = ['headwater', 'corpus', 'clean', '--help']\n"
        "from headwater import cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: assert stop.code in (0, None), stop.code\n"
        "assert not {'torch', 'numpy', 'datatrove', 'langdetect'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_cleaning_imports_no_torch() -> None:
    code = (
        "import sys, headwater.corpus.cleaning.steps, headwater.corpus.local_executor\n"
        "assert not {'torch', 'tokenizers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
