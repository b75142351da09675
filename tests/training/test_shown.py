"""What a run shows and writes: the log file, lines, the bar, TensorBoard."""

import json
import sys
from pathlib import Path

import pytest

from headwater.commands.bar import terminal_bar
from headwater.errors import UserError
from headwater.messages import shown
from headwater.progress import installed
from headwater.training.log import Log, cut_log, read_log
from headwater.training.record import Record
from headwater.training.train_state import RunningStatistics, TrainState
from toy_training import toy_run


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


def test_lines_tell_loss_rate_and_time_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    statistics = RunningStatistics(steps=2, losses={"a": 2.5}, shares={"a": 2.0})
    state = TrainState(step=10, log_statistics=statistics)
    state.epoch_statistics = RunningStatistics(tokens=9787, padded_tokens=10000)
    with Record(tmp_path, False, 0, 100) as record:
        record.step(state, 1.25)
        record.training(state, 1e-3)
        record.evaluation(state, {"f1": 81.5, "{other}": float("nan")})
        record.epoch(state)
    lines = [each.getMessage() for each in caplog.records]
    assert lines[0].startswith("step 10/100  loss 1.2500  learning rate 1.00e-03")
    assert "steps/s" in lines[0]
    assert lines[0].endswith("left")
    assert lines[1] == "step 10/100  evaluation: f1 81.5000  {other} not finite"
    assert lines[2] == "step 10/100  epoch 1: padding 2.13%"


def test_padding_is_shown_where_it_is_another_than_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Record(tmp_path, False, 0, 4) as record:
        for epoch, tokens in enumerate([90, 90, 80, 90]):
            statistics = RunningStatistics(tokens=tokens, padded_tokens=100)
            record.epoch(TrainState(step=epoch + 1, epoch=epoch, epoch_statistics=statistics))
    shown_lines = [each.getMessage().split("  ")[1] for each in caplog.records]
    assert shown_lines == [
        "epoch 1: padding 10.00%",
        "epoch 3: padding 20.00%",
        "epoch 4: padding 10.00%",
    ]
    assert [line["epoch"] for line in read_log(tmp_path / "log.jsonl")] == [1, 2, 3, 4]


def test_the_bar_shows_loss_and_lets_lines_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    state = TrainState(step=6)
    with shown(), installed(terminal_bar), Record(tmp_path, False, 5, 20) as record:
        record.step(state, 0.125)
        record.evaluation(state, {"f1": 50.0})
    out, err = capsys.readouterr()
    assert out == ""
    assert "step 6  evaluation: f1 50.0000" in err
    assert "6/20" in err
    assert "loss 0.1250" in err


def test_tensorboard_asked_for_and_absent_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"pip install 'headwater\[tensorboard\]'"):
        toy_run(tmp_path / "run", tensorboard=True)
    assert toy_run(tmp_path / "run").reason == "finished"
