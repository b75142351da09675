"""Builds end to end: what is dropped, what a stopped build leaves, how much memory one takes."""

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from headwater import lock, messages
from headwater.corpus import build as building
from headwater.corpus import store as storing
from headwater.corpus.build import build
from headwater.corpus.held_out import HeldOut
from headwater.corpus.store import TokenStore
from headwater.errors import UserError
from headwater.progress import Progress
from headwater.text.vocabulary import Vocabulary


def write_lines(file: Path, texts: list[str]) -> Path:
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return file


def test_what_was_left_out_is_counted_and_said(built: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "the mill"}\n{oops\n{"text": " "}\n')
    (folder / "b.txt").write_text("")
    (folder / "c.md").write_text("x")
    (folder / "d.txt").write_bytes(random.Random(0).randbytes(5000))
    store, display = built(folder)
    info = store.info
    assert (info.documents, info.bad_lines, info.empty_documents) == (1, 2, 3)
    assert info.sources[0].files == 3
    assert info.sources[0].bytes == display.total * 1e6 == display.positions[-1] * 1e6
    said = "\n".join(display.lines)
    assert f"{folder / 'a.jsonl'}, line 2: broken JSON" in said
    assert f"{folder / 'd.txt'}, line 1: not text" in said
    assert "bad lines passed over: 2" in said
    assert "empty documents dropped: 3" in said
    assert f"files of other kinds passed over: 1\n  {folder / 'c.md'}" in said


def test_what_the_vocabulary_does_not_know_is_reported(built: Any, tmp_path: Path) -> None:
    store, display = built(write_lines(tmp_path / "a.jsonl", ["the mill ŋŋ the the", "ŋ the the"]))
    assert (store.info.tokens, store.info.unknown_tokens) == (8, 2)
    assert "tokens that the vocabulary does not know: 2 (25.00%)" in display.lines
    _, display = built(write_lines(tmp_path / "b.jsonl", ["the mill"]), name="all known")
    assert not any("does not know" in line for line in display.lines)


def test_a_long_document_is_stored_whole(built: Any, letters: Vocabulary, tmp_path: Path) -> None:
    sentence = "The mill by the river was old. "
    text = sentence * 20_000
    (tmp_path / "a.txt").write_text(text)
    write_lines(tmp_path / "b.jsonl", [text])
    one, other = (built(tmp_path / name, name=name + ".store")[0] for name in ("a.txt", "b.jsonl"))
    assert one.fingerprint == other.fingerprint
    tokens = letters.encode(sentence).ids
    np.testing.assert_array_equal(one.document(0), np.tile(tokens, 20_000))
    np.testing.assert_array_equal(one.sentences, np.arange(20_001) * len(tokens))


HELD_OUT = "The mill by the river was built of stone and stood for nine hundred years."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dev.json", tiny.squad(tiny.paragraph(HELD_OUT))),
        ("dev.jsonl", {"passage": HELD_OUT, "answer": "a b c"}),
        ("dev.txt", None),
    ],
)
def test_paragraphs_that_overlap_with_held_out_text_are_dropped(
    built: Any, tmp_path: Path, name: str, content: Any
) -> None:
    (tmp_path / name).write_text(HELD_OUT if content is None else json.dumps(content))
    kept = "the mill by the river was a"  # 7 words of it
    near = f"they say {HELD_OUT.lower().replace('.', ' !')}"
    texts = [f"{kept}\n{near}\nabc", HELD_OUT, "a b c"]
    store, display = built(write_lines(tmp_path / "in.jsonl", texts), excluded=(tmp_path / name,))
    vocabulary = store.load_vocabulary()
    found = [vocabulary.decode(store.document(i).tolist()) for i in range(len(store))]
    assert found == [f"{kept} abc", "a b c"]
    assert store.info.overlapping_paragraphs == 2
    assert "paragraphs dropped that overlap with held-out text: 2" in "\n".join(display.lines)


def test_a_fifth_of_the_grams_may_be_shared(tmp_path: Path) -> None:
    (tmp_path / "dev.txt").write_text("a b c d e f g h i")  # 2 grams
    held_out = HeldOut([tmp_path / "dev.txt"])
    ten = "a b c d e f g h i s t u v w x y z"
    assert held_out.clear(ten) == ten
    assert held_out.clear(ten[:-2] + "\nz") == "z"
    assert held_out.dropped == 1


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", "{"), ("a.jsonl", '"x"\n{'), ("a.txt", "too short")]
)
def test_held_out_text_must_be_whole(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=name):
        HeldOut([tmp_path / name])


def test_an_output_that_exists_is_kept(letters: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the mill")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    for name in ("out", "a.txt"):
        with pytest.raises(UserError, match="exists already"):
            build([tmp_path / "a.txt"], letters, tmp_path / name)
    assert (tmp_path / "a.txt").read_text() == "the mill"
    with pytest.raises(UserError, match="folder was expected"):
        build([tmp_path / "a.txt"], letters, tmp_path / "a.txt/out")
    (tmp_path / "out/mine").unlink()
    build([tmp_path / "a.txt"], letters, tmp_path / "out")
    assert len(TokenStore.open(tmp_path / "out")) == 1


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\n", bytes(1000)])
def test_an_input_of_nothing_is_a_mistake(
    letters: Vocabulary, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match="nothing to store"):
        build([tmp_path], letters, tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["TOKENS", "DOCUMENTS", "SENTENCES"])
@pytest.mark.parametrize("count", [1, 200_000])
def test_a_full_disk_leaves_nothing(
    letters: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, count: int
) -> None:
    write_lines(tmp_path / "a.jsonl", ["a"] * count)
    monkeypatch.setattr(storing, name, "/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        build([tmp_path], letters, tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.jsonl"]


def test_a_disk_that_fills_at_the_end_leaves_nothing(
    letters: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("the mill")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(OSError, match="No space left on device"):
                build([tmp_path], letters, tmp_path / "out")
        assert os.listdir(tmp_path) == ["a.txt"]


PROGRAM = """
import os, signal, sys
from headwater import cli
from headwater.corpus import encode, store as storing

signal_number, where, *arguments = sys.argv[1:]
encode._MOST = 10
left = 5

def stop(call):
    def stopped(*given, **named):
        global left
        left -= 1
        if not left or where != "add":
            os.kill(os.getpid(), int(signal_number))
        return call(*given, **named)
    return stopped

if where == "add":
    storing.StoreWriter.add = stop(storing.StoreWriter.add)
elif where == "finish":
    storing.StoreWriter.finish = stop(storing.StoreWriter.finish)
else:
    real = os.replace
    def replace(source, target):
        if str(target).endswith("out"):
            os.kill(os.getpid(), int(signal_number))
        real(source, target)
    os.replace = replace
sys.argv = ["headwater", *arguments]
cli.main()
"""


def stopped_build(number: int, where: str, folder: Path, letters_folder: Path) -> Any:
    given = ["corpus", "build", folder / "a.jsonl", "--vocabulary", letters_folder]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(number), where, *given, "--output", folder / "out"],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("where", ["add", "finish", "rename"])
def test_a_killed_build_leaves_no_store_and_the_next_one_starts_afresh(
    built: Any, letters_folder: Path, tmp_path: Path, where: str
) -> None:
    write_lines(tmp_path / "a.jsonl", ["the mill"] * 50)
    killed = stopped_build(signal.SIGKILL, where, tmp_path, letters_folder)
    assert killed.returncode == -signal.SIGKILL
    left = set(os.listdir(tmp_path)) - {"a.jsonl"}
    assert left and all(name.startswith(".out.") for name in left)
    store, _ = built(tmp_path / "a.jsonl", name="out")
    assert sorted(os.listdir(tmp_path)) == ["a.jsonl", "out"]
    assert len(store) == 50
    store.verify()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_build_that_is_ended_cleans_up(
    letters_folder: Path, tmp_path: Path, number: int, code: int
) -> None:
    write_lines(tmp_path / "a.jsonl", ["the mill"] * 50)
    ended = stopped_build(number, "add", tmp_path, letters_folder)
    assert ended.returncode == code, ended.stderr
    assert os.listdir(tmp_path) == ["a.jsonl"]
    assert ended.stderr == "headwater: stopped; nothing was written\n"


def test_two_builds_of_one_store_do_not_meet(letters: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the mill")
    other = tmp_path / ".out.abc.tmp"
    other.mkdir()
    with (
        lock.locked(tmp_path / ".out.lock", "locked by the test"),
        pytest.raises(UserError, match="another process"),
    ):
        build([tmp_path / "a.txt"], letters, tmp_path / "out")
    assert other.exists()
    build([tmp_path / "a.txt"], letters, tmp_path / "out")
    assert not other.exists()


MEASURE = """
import sys
from pathlib import Path
from headwater.corpus.build import build
from headwater.text.loading import load_vocabulary

vocabulary, output, *inputs = map(Path, sys.argv[1:])
build(inputs, load_vocabulary(vocabulary), output)
# not getrusage: its maximum begins with that of the process that started this one
[line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(line.split()[1])
"""


def peak(letters_folder: Path, file: Path) -> float:
    """Return the most memory a build took, in MB."""
    given = [letters_folder, file.with_suffix(".store"), file]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, given)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TOKENIZERS_PARALLELISM": "false"},
    )
    return int(done.stdout) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("kind", [".txt", ".jsonl"])
def test_memory_stays_flat_when_the_input_grows_tenfold(
    letters_folder: Path, tmp_path: Path, kind: str
) -> None:
    """One document of 1 and of 9 MB as text; 700 and 7,000 documents as JSON lines."""
    line = ("x" * 120 + " ") * 11 + ". The river. "  # long words are one token, and fast
    peaks = []
    for size, name in ((700, "small"), (7000, "large")):
        file = tmp_path / (name + kind)
        if kind == ".txt":
            file.write_text(line * size)
        else:
            write_lines(file, [line] * size)
        peaks.append(peak(letters_folder, file))
    assert file.stat().st_size > 9e6
    assert peaks[1] < peaks[0] + 5


def test_plain_progress_tells_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with messages.shown(), Progress(replace(building.DISPLAY, every=0.0)) as progress:
        progress.start(2.0)
        progress.advance(0.0, tokens=0)
        progress.advance(1.0, tokens=1234)
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("? left")
    assert second.startswith("1.0/2.0 MB  1,234 tokens  ")
    assert "MB/s" in second
