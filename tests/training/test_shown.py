"""What a run shows and writes: the log file, lines, the bar, TensorBoard."""

import io
import json
import sys
from pathlib import Path

import pytest
from toy_training import toy_run

from headwater.errors import UserError
from headwater.training.log import Log, cut_log, read_log
from headwater.training.progress import LiveProgress, PlainProgress, choose_progress


def test_the_log_is_cut_after_a_step_and_a_broken_line_goes(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = Log(path)
    for step in range(1, 6):
        log.write({"step": step, "loss": 0.1 * step})
        log.write({"step": step, "evaluation": {"f1": 1.0 * step}})
    log.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"step": 6, "lo')
    cut_log(path, step=4, evaluated=3)
    lines = read_log(path)
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4]
    assert [line["step"] for line in lines if "evaluation" in line] == [1, 2, 3]
    assert whole.startswith(b"".join(path.read_bytes().splitlines(keepends=True)[:7]))
    cut_log(path, 0, 0)
    assert path.read_bytes() == b""


def test_numbers_json_has_no_form_for_become_null(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    log.write({"step": 1, "evaluation": {"pearson": float("nan"), "f1": 0.1}})
    log.close()
    expected = {"step": 1, "evaluation": {"pearson": None, "f1": 0.1}}
    assert json.loads((tmp_path / "log.jsonl").read_text()) == expected


def test_reading_no_log_gives_no_lines(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.jsonl") == []
    cut_log(tmp_path / "log.jsonl", 3, 3)
    assert not (tmp_path / "log.jsonl").exists()


def test_plain_lines_tell_loss_rate_and_time_left() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.start(0, 100)
    progress.line({"step": 10, "loss": 1.25, "learning_rate": 1e-3, "padding": 0.02})
    progress.line({"step": 10, "evaluation": {"f1": 81.5, "other": None}})
    progress.line({"step": 10, "epoch": 1, "padding": 0.0213})
    progress.close()
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("step 10/100  loss 1.2500  learning rate 1.00e-03")
    assert "steps/s" in lines[0]
    assert lines[0].endswith("left")
    assert lines[1] == "step 10/100  evaluation: f1 81.5000  other not finite"
    assert lines[2] == "step 10/100  epoch 1: padding 2.13%"


def test_the_bar_shows_loss_and_lets_lines_pass(capsys: pytest.CaptureFixture[str]) -> None:
    progress = LiveProgress()
    progress.start(5, 20)
    progress.advance(6, 0.125)
    progress.line({"step": 6, "evaluation": {"f1": 50.0}})
    progress.say("a [bracketed] word")
    progress.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert "evaluation: f1 50.0000" in err
    assert "a [bracketed] word" in err
    assert "6/20" in err
    assert "loss 0.1250" in err


def test_the_bar_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_progress(), PlainProgress)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(choose_progress(), LiveProgress)


def test_tensorboard_asked_for_and_absent_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"pip install 'headwater\[tensorboard\]'"):
        toy_run(tmp_path / "run", tensorboard=True)
    assert toy_run(tmp_path / "run").reason == "finished"
