"""`headwater vocabulary`: what is learned can be shown, and a mistake is one line."""

import inspect
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.commands.vocabulary import train
from headwater.text.loading import load_vocabulary
from headwater.text.training import COVERAGE, SENTENCES

TEXT = "Der alte Müller mahlt, le vieux meunier moud, the old miller grinds the old corn.\n"
HEAVY = ("torch", "tokenizers", "sentencepiece", "pyarrow")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder with two files to learn from and one that is not text."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT * 30, encoding="utf-8")
    lines = [json.dumps({"body": TEXT}), '{"body": 3}', "{"]
    (folder / "b.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "notes.md").write_text("passed over")
    return folder


def _train(headwater: Any, *arguments: object, kind: str = "bpe", size: int = 280) -> Any:
    return headwater("vocabulary", "train", "--kind", kind, "--size", size, *arguments)


@pytest.mark.parametrize(("kind", "size"), [("wordpiece", 80), ("bpe", 280), ("unigram", 130)])
def test_train_then_show(headwater: Any, texts: Path, kind: str, size: int) -> None:
    output = texts.parent / "made" / kind
    ran = _train(headwater, texts / "a.txt", "--output", output, "--json", kind=kind, size=size)
    assert ran.code == 0
    about = json.loads(ran.out)
    assert (about.pop("output"), about["kind"], about["size"]) == (str(output), kind, size)
    assert ran.err == f"headwater: learning {size} tokens from 30 of 30 sentences\n"
    text = "der Müller"
    shown = json.loads(headwater("vocabulary", "show", output, text, "--json").out)
    found = shown.pop("tokens")
    assert shown == about
    assert [each["id"] for each in found] == load_vocabulary(output).encode(text).ids.tolist()
    assert found[-1]["end"] == len(text)


def test_a_person_sees_sizes_special_tokens_and_offsets(headwater: Any, texts: Path) -> None:
    output = texts.parent / "v"
    ran = _train(headwater, texts / "a.txt", "--output", output, kind="unigram", size=130)
    assert ran.out.splitlines()[-1] == str(output)
    assert ran.out.splitlines()[:-1] == headwater("vocabulary", "show", output).out.splitlines()
    shown = headwater("vocabulary", "show", output, "old <extra_id_0>").out
    for expected in ("unigram", "eos          1      </s>", "129 down to 30", "4:16  <extra_id_0>"):
        assert expected in shown


def test_options_reach_the_vocabulary(headwater: Any, texts: Path) -> None:
    made = texts.parent / "v"
    options = ("--lower-case", "--letters", "Ωž", "--coverage", 1, "--sentences", 20)
    ran = _train(headwater, texts / "a.txt", "--output", made, *options, kind="wordpiece", size=75)
    assert (ran.code, "from 20 of 30 sentences" in ran.err) == (0, True)
    vocabulary = load_vocabulary(made)
    assert vocabulary.id_of("ω") and vocabulary.id_of("##z")
    assert vocabulary.encode("MÜLLER").ids.tolist() == vocabulary.encode("muller").ids.tolist()


def test_defaults_are_those_of_the_function() -> None:
    options = inspect.signature(train).parameters
    assert options["coverage"].default == COVERAGE
    assert options["sentences"].default == SENTENCES


def test_bad_lines_are_counted_and_the_first_is_named(headwater: Any, texts: Path) -> None:
    made = texts.parent / "v"
    ran = _train(headwater, texts, "--output", made, "--text-field", "body")
    assert ran.code == 0
    assert "from 31 of 31 sentences" in ran.err
    bad = f"bad lines passed over: 2, the first: {texts / 'b.jsonl'}, line 2: no text"
    assert bad in ran.err
    ran = _train(headwater, texts / "b.jsonl", "--output", texts.parent / "w")
    assert ran.code == 2
    assert "bad lines passed over: 3" in ran.err
    assert ran.err.splitlines()[-1].startswith("headwater: no text to learn from")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"--kind": "wordpeice"}, "did you mean 'wordpiece'"),
        ({"--size": "100000"}, "size 100000: these texts give"),
        ({"--size": "-1"}, "size -1: the special tokens and the letters alone are 257"),
        ({"--output": "texts"}, "texts: exists already"),
        ({"--output": "texts/a.txt/v"}, "a.txt: a folder was expected"),
        ({"--letters": "ä"}, "letters: a byte-level BPE knows every letter"),
        ({"--coverage": "2"}, "coverage 2.0: a share"),
        ({"--sentences": "0"}, "sentences 0: at least 1"),
        ({"INPUT": "missing.txt"}, "missing.txt: no such file or folder"),
        ({"INPUT": "texts/notes.md"}, "notes.md: no text to read"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    headwater: Any, texts: Path, change: dict[str, str], expected: str
) -> None:
    root = texts.parent
    before = sorted(root.rglob("*"))
    given = {"INPUT": "texts/a.txt", "--kind": "bpe", "--size": "280", "--output": "v"} | change
    given |= {name: str(root / given[name]) for name in ("INPUT", "--output")}
    first = given.pop("INPUT")
    ran = headwater(
        "vocabulary", "train", first, *(part for item in given.items() for part in item)
    )
    assert ran.code == 2
    assert expected in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err
    assert sorted(root.rglob("*")) == before


def test_show_of_a_run_and_of_a_store(
    headwater: Any, texts: Path, reader: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    given = ("corpus", "build", texts / "a.txt", "--vocabulary", reader, "--output", store)
    assert headwater(*given).code == 0
    expected = headwater("vocabulary", "show", reader).out
    assert "wordpiece" in expected
    for folder in (reader.parent, store):  # a run folder holds model/
        assert headwater("vocabulary", "show", folder).out == expected


def test_show_of_what_is_no_vocabulary(headwater: Any, texts: Path) -> None:
    for path, expected in ((texts, "no vocabulary here"), (texts / "x", "no such file")):
        ran = headwater("vocabulary", "show", path)
        assert (ran.code, ran.out) == (2, "")
        assert expected in ran.err


@pytest.mark.parametrize("verb", ["train", "show"])
def test_help_imports_nothing_heavy(verb: str) -> None:
    code = (
        "import sys; from headwater import cli; sys.argv = ['headwater', 'vocabulary', "
        f"'{verb}', '--help']\n"
        "try: cli.main()\n"
        f"finally: print(sorted(set({HEAVY}) & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: headwater vocabulary" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_ends_the_learning_at_once(tmp_path: Path) -> None:
    """sentencepiece alone would go on for the minute or so that this takes."""
    words = (f"{number:x} " + ("\n" if number % 20 == 0 else "") for number in range(400_000))
    (tmp_path / "many.txt").write_text("".join(words))
    command = ["vocabulary", "train", "--kind", "unigram", "--size", "9000", "many.txt"]
    process = subprocess.Popen(
        [sys.executable, "-m", "headwater", *command, "--output", "v"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert "learning 9,000 tokens" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=10)[1]
    expected = {-signal.SIGINT, 128 + signal.SIGINT}  # both 130 in a shell
    assert process.returncode in expected, said
    assert [item.name for item in tmp_path.iterdir()] == ["many.txt"]
