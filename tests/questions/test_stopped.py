"""A stopped run goes on where it was, and gives the same file."""

import errno
import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Headwater
from headwater.errors import UserError
from headwater.questions.config import QuestionConfig
from headwater.questions.generate import generate_questions
from headwater.questions.progress_file import ProgressFile
from oracle import Oracle

Models = dict[str, str]
CONFIG = QuestionConfig(max_characters=300, per_passage=3)


@pytest.fixture(autouse=True)
def two_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.questions.round_trip.TOGETHER", 2)


def stopped_after(oracle: Oracle, count: int, number: signal.Signals) -> None:
    def spoil(question: str) -> str:
        if oracle.written == count:
            signal.raise_signal(number)
        return question

    oracle.spoil = spoil


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal(
    number: signal.Signals,
    code: int,
    oracle: Oracle,
    models: Models,
    spring: Path,
    tmp_path: Path,
    headwater: Headwater,
) -> None:
    whole, output = tmp_path / "whole.json", tmp_path / "q.json"
    given = [spring, "--model", models["writer"], "--reader", models["reader"], "--per-passage", 3]
    given += ["--set", "max_characters=300"]
    assert headwater("generate-questions", *given, "--output", whole).code == 0
    written = oracle.written
    stopped_after(oracle, written + 20, number)
    ran = headwater("generate-questions", *given, "--output", output)
    assert ran.code == code
    assert "stopped after 6 of" in ran.err and "--resume goes on from there" in ran.err
    assert not output.exists() and output.with_name("q.json.partial").exists()
    ran = headwater("generate-questions", *given, "--output", output)
    assert ran.code == 2 and "go on with --resume" in ran.err
    before = oracle.written
    ran = headwater("generate-questions", *given, "--output", output, "--resume")
    assert ran.code == 0
    assert oracle.written - before == written - 18  # six passages were not asked of again
    assert output.read_bytes() == whole.read_bytes()
    assert sorted(each.name for each in tmp_path.glob("*.json*")) == ["q.json", "whole.json"]


def test_a_file_that_was_cut_anywhere(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("headwater.questions.generate._finish", lambda *given: None)
        generate_questions([spring], tmp_path / "a", config=CONFIG, **models)
    left = (tmp_path / "a.partial").read_bytes()
    generate_questions([spring], tmp_path / "a", config=CONFIG, resume=True, **models)
    whole = (tmp_path / "a").read_bytes()
    for length in range(0, len(left), len(left) // 12):
        (tmp_path / "b.partial").write_bytes(left[:length])
        generate_questions([spring], tmp_path / "b", config=CONFIG, resume=True, **models)
        assert (tmp_path / "b").read_bytes() == whole
        (tmp_path / "b").unlink()


def test_a_damaged_file_is_refused(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = tmp_path / "q.partial"
    with monkeypatch.context() as patch:
        patch.setattr("headwater.questions.generate._finish", lambda *given: None)
        generate_questions([spring], tmp_path / "q", config=CONFIG, **models)
    left = partial.read_bytes()
    first, *others = left.splitlines(keepends=True)
    damaged = [left.replace(b"?", b"!", 1), left.replace(b'"passages": 2', b'"passages": 3', 1)]
    damaged += [b'{"settings": []}\n', b"[]\n", b"3\n", b"[" * 100_000 + b"\n", b"\xff\n"]
    damaged += [first + b'{"passages": 2, "candidates": 1, "kept": 3, "dropped": {}}\n']
    for content in damaged:
        partial.write_bytes(content)
        with pytest.raises(UserError, match="partial: damaged, or not what a stopped run leaves"):
            generate_questions([spring], tmp_path / "q", config=CONFIG, resume=True, **models)
        assert partial.read_bytes() == content
    older = [re.sub(rb', "sum": "\w+"', b"", line) for line in (first, *others)]  # without sums
    assert older != [first, *others]
    partial.write_bytes(b"".join(older))
    generate_questions([spring], tmp_path / "q", config=CONFIG, resume=True, **models)
    assert (tmp_path / "q").exists()


def test_another_corpus_or_setting_does_not_go_on(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path
) -> None:
    stopped_after(oracle, 10, signal.SIGTERM)
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        with pytest.raises(SystemExit):
            generate_questions([spring], tmp_path / "q", config=CONFIG, **models)
    finally:
        signal.signal(signal.SIGTERM, before)
    changed = CONFIG.model_copy(update={"per_passage": 2})
    with pytest.raises(UserError, match=r"q.partial: asked with per_passage = 3, not 2;"):
        generate_questions([spring], tmp_path / "q", config=changed, resume=True, **models)
    spring.write_text(spring.read_text(encoding="utf-8")[500:], encoding="utf-8")
    with pytest.raises(UserError, match="asked with corpus = "):
        generate_questions([spring], tmp_path / "q", config=CONFIG, resume=True, **models)
    (tmp_path / "q.partial").write_text('{"other": 1}\n[]\n', encoding="utf-8")
    with pytest.raises(UserError, match="not what a stopped run leaves"):
        generate_questions([spring], tmp_path / "q", config=CONFIG, resume=True, **models)


def test_a_file_that_came_meanwhile_is_not_overwritten(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "q"

    def ended(*given: object) -> None:
        output.write_text("of another process", encoding="utf-8")

    monkeypatch.setattr("headwater.questions.generate.check_reader", ended)
    with pytest.raises(UserError, match="q: exists already"):
        generate_questions([spring], output, config=CONFIG, **models)
    assert output.read_text(encoding="utf-8") == "of another process" and not oracle.written


def _exit(*given: object) -> None:
    raise SystemExit(143)


def test_a_full_disk_loses_nothing(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    generate_questions([spring], whole, config=CONFIG, **models)
    append = ProgressFile._append
    with monkeypatch.context() as patch:
        patch.setattr(ProgressFile, "_append", _full_after(4, append))
        with pytest.raises(OSError, match="No space left") as raised:
            generate_questions([spring], tmp_path / "q", config=CONFIG, **models)
    assert raised.value.filename == str(tmp_path / "q.partial")
    assert len((tmp_path / "q.partial").read_text(encoding="utf-8").splitlines()) == 4
    generate_questions([spring], tmp_path / "q", config=CONFIG, resume=True, **models)
    assert json.loads((tmp_path / "q").read_bytes()) == json.loads(whole.read_bytes())


def _full_after(count: int, append: Callable[..., None]) -> Callable[..., None]:
    calls: list[int] = []

    def refuse(file: ProgressFile, record: object) -> None:
        calls.append(1)
        if len(calls) > count:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(file, record)

    return refuse
