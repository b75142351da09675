"""Names that are not UTF-8 are names; links in circles and what is no file are said in one line."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.corpus.sources import find_sources
from headwater.errors import UserError
from headwater.files import read_json
from headwater.paths import as_path, as_text, real

CAFE = os.fsdecode(b"caf\xe9")
STEPS = ("--set", "training.steps=1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Everything under one name: a model, questions, a text."""
    folder = tmp_path_factory.mktemp("names")
    made = tiny.reader(folder / "model")
    one = tiny.question("q1", "where is the mill ?", "by the river", 12)
    try:
        shutil.copytree(made, folder / CAFE)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    content = json.dumps(tiny.squad(tiny.paragraph("the mill is by the river", one)))
    (folder / f"{CAFE}.json").write_text(content)
    (folder / f"{CAFE}.txt").write_text(tiny.example_text())
    yield folder
    shutil.rmtree(folder)  # pytest's own removal prints the name


def test_text_and_path(tmp_path: Path) -> None:
    assert as_text(f"a/{CAFE}.txt") == "a/caf\\xe9.txt" == as_text("a/caf\\xe9.txt")
    assert as_path("a/caf\\xe9.txt") == Path(f"a/{CAFE}.txt")
    assert as_path("a/café") == Path("a/café") and as_text("a/café") == "a/café"
    (tmp_path / "caf\\xe9").touch()  # a name may have a backslash
    assert as_path(tmp_path / "caf\\xe9") == tmp_path / "caf\\xe9"


def test_a_model_and_questions(folder: Path, tmp_path: Path, headwater: Any) -> None:
    model, data, out = folder / CAFE, folder / f"{CAFE}.json", tmp_path / CAFE
    given = ("--model", model, "--task", "squad")
    for call in [
        ("evaluate", *given, "--data", data, "--output", out),
        ("predict", *given, "--input", data, "--output", out / "p.json"),
        ("score", "squad", "--data", data, "--predictions", out / "p.json"),
        ("ask", "where ?", "--context", folder / f"{CAFE}.txt", "--model", model, "--json"),
        ("ask", "where ?", "--context", folder, "--model", model, "--json"),
        ("tasks", "show", "squad", "--data", data, "--model", model, "--json"),
    ]:
        ran = headwater(*call)
        assert ran.code == 0, (call, ran.err)
        if "--json" in call:
            json.loads(ran.out)
    assert read_json(out / "p.json").keys() == {"q1"}


def test_runs_and_their_bodies(folder: Path, tmp_path: Path, headwater: Any) -> None:
    model, data = folder / CAFE, folder / f"{CAFE}.json"
    run, merged = tmp_path / f"{CAFE}-run", tmp_path / f"{CAFE}-merged"
    given = ("finetune", "--model", model, "--task", "squad", "--data", data, *STEPS)
    ran = headwater(*given, "--set", "method=lora", "--output", run)
    assert ran.code == 0, ran.err
    assert as_text(data).replace("\\", "\\\\") in (run / "config.toml").read_text("utf-8")
    assert read_json(run / "model" / "base.json")["path"] == as_text(model)
    for call in [
        ("finetune", "--output", run, "--resume"),
        ("merge", run, "--output", merged),
        ("ask", "where ?", "--context", folder / f"{CAFE}.txt", "--model", merged),
    ]:
        ran = headwater(*call)
        assert ran.code == 0, (call, ran.err)


def test_corpora(folder: Path, tmp_path: Path, headwater: Any) -> None:
    text, store, vocabulary = folder / f"{CAFE}.txt", tmp_path / f"{CAFE}-s", tmp_path / CAFE
    learn = ("--kind", "wordpiece", "--size", 120)
    network = ("--set", "network.preset=bert-base-uncased", "--set", "mlm.max_length=32")
    network += ("--set", "mlm.next_sentence=false")
    sizes = "hidden_size=16,num_hidden_layers=1,num_attention_heads=2,intermediate_size=16"
    network += ("--set", f"network.sizes={{{sizes}}}")
    for call in [
        ("vocabulary", "train", text, *learn, "--output", vocabulary),
        ("corpus", "build", text, "--vocabulary", vocabulary, "--output", store),
        ("corpus", "show", store),
        ("pretrain", "--objective", "mlm", "--corpus", store, *network, *STEPS,
         "--output", tmp_path / "run"),
        ("pretrain", "--output", tmp_path / "run", "--resume"),
    ]:  # fmt: skip
        ran = headwater(*call)
        assert ran.code == 0, (call, ran.err)
    assert read_json(store / "store.json")["sources"][0]["path"] == as_text(text)


def test_cleaning(folder: Path, tmp_path: Path, headwater: Any) -> None:
    pytest.importorskip("datatrove")
    pytest.importorskip("langdetect")
    text = folder / f"{CAFE}.txt"
    ran = headwater("corpus", "clean", text, "--output", tmp_path / CAFE, "--workers", 1)
    assert ran.code == 0, ran.err
    assert read_json(tmp_path / CAFE / "report.json")["sources"][0]["path"] == as_text(text)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder with a text, and with much that has the name of one."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "a.txt").write_text("the mill is by the river. " * 20)
    (folder / "circle.txt").symlink_to("circle.txt")
    (folder / "nowhere.txt").symlink_to("absent")
    (folder / "zero.txt").symlink_to("/dev/zero")
    (folder / "itself").symlink_to(".")
    os.mkfifo(folder / "pipe.txt")
    return folder


def test_what_is_no_file_is_passed_over_aloud(odd: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert find_sources([odd]).files == [odd / "a.txt"]
    said = "\n".join(sorted(caplog.messages))
    assert said == "\n".join(
        [
            f"{odd}/circle.txt: a link that leads nowhere; passed over",
            f"{odd}/nowhere.txt: a link that leads nowhere; passed over",
            f"{odd}/pipe.txt: not a plain file (a device or a pipe); passed over",
            f"{odd}/zero.txt: not a plain file (a device or a pipe); passed over",
        ]
    )


def test_a_folder_that_cannot_be_read_is_refused(
    odd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (odd / "secret").mkdir()
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("secret"):  # root may read anything
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=r"odd/secret: this folder cannot be read \(Permission"):
        find_sources([odd])


@pytest.mark.parametrize("name", ["circle", "nowhere", "pipe", "zero"])
def test_every_verb_that_reads_or_writes_a_file(
    name: str, odd: Path, folder: Path, tmp_path: Path, headwater: Any
) -> None:
    model, data, file = folder / "model", folder / f"{CAFE}.json", odd / f"{name}.txt"
    (odd / f"{name}.json").symlink_to(file)
    given = ("--model", model, "--task", "squad")
    new = tmp_path / "new"
    calls = [
        ("predict", *given, "--input", odd / f"{name}.json", "--output", new),
        ("evaluate", *given, "--data", odd / f"{name}.json"),
        ("score", "squad", "--data", data, "--predictions", odd / f"{name}.json"),
        ("finetune", *given, "--data", odd / f"{name}.json", "--output", new),
        ("finetune", *given, "--data", data, "--output", file),
        ("corpus", "build", file, "--vocabulary", model, "--output", new),
        ("corpus", "build", odd / "a.txt", "--vocabulary", file, "--output", new),
        ("vocabulary", "train", file, "--kind", "word", "--size", 20, "--output", new),
        ("ask", "where ?", "--context", file, "--model", model),
        ("ask", "where ?", "--context", data, "--model", file),
        ("evaluate", "--index", file, "--data", data),
        ("index", "search", file, "mill"),
        ("index", "calibrate", file, "--data", data),
        ("overlap", "squad", "--train", odd / f"{name}.json", "--held-out", data),
    ]
    if name in ("pipe", "zero"):  # a link that leads nowhere may become a file
        calls.append(("predict", *given, "--input", data, "--output", file))
    for call in calls:
        ran = headwater(*call)
        last = ran.err.strip().splitlines()[-1]
        assert ran.code == 2 and last.startswith("headwater: "), (call, ran.err)
        assert "Traceback" not in ran.err and not new.exists(), call


def test_links_in_a_circle_lead_nowhere(odd: Path) -> None:
    assert real(odd / "circle.txt").name == "circle.txt"
