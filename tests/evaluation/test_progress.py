"""How far an evaluation is, in a log and on a terminal."""

import io
import sys

import pytest

from headwater import messages
from headwater.commands.bar import terminal_bar
from headwater.evaluation.evaluator import progress_of
from headwater.progress import installed
from headwater.tasks.glue import COLA


def test_a_log_gets_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with messages.shown(), progress_of(COLA) as progress:
        progress.start(100)
        for done in range(1, 101):
            now[0] = float(done)
            progress.advance(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"headwater: cola: {done} of 100 examples, 1.0/s, 0:0{left} left"
        for done, left in ((30, "1:10"), (60, "0:40"), (90, "0:10"))
    ]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    with messages.shown(), installed(terminal_bar), progress_of(COLA) as progress:
        progress.start(3)
        progress.advance(1)
        progress.advance(3)
    assert "cola" in shown.getvalue() and "3/3" in shown.getvalue()
    assert "headwater:" not in shown.getvalue()
