"""How far something is: lines in the log, a bar on a terminal."""

import io
import logging
import sys

import pytest

from headwater import messages
from headwater.commands.bar import terminal_bar
from headwater.progress import Display, Progress, installed

LOGGER = logging.getLogger("headwater.training.trainer")
DISPLAY = Display(
    "training [x]",
    LOGGER,
    line="{name}: {done} of {total}, loss {loss:.2f}, {rate:.1f}/s, {left} left",
    every=30.0,
    rate="{rate:.2f} steps/s",
    fields="loss {loss:.4f}",
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The one number in it is the time."""
    time = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: time[0])
    return time


def test_a_log_gets_lines_now_and_then(
    capsys: pytest.CaptureFixture[str], now: list[float]
) -> None:
    with messages.shown(), installed(terminal_bar), Progress(DISPLAY) as progress:
        progress.start(110, done=10)
        for done in range(11, 111):
            now[0] = float(done - 10)
            progress.advance(done, loss=0.5)
        progress.report("step {done}/{total}  {left} left", above="for bars only")
    assert capsys.readouterr().err.splitlines() == [
        "training [x]: 40 of 110, loss 0.50, 1.0/s, 0:01:10 left",
        "training [x]: 70 of 110, loss 0.50, 1.0/s, 0:00:40 left",
        "training [x]: 100 of 110, loss 0.50, 1.0/s, 0:00:10 left",
        "step 110/110  0:00:00 left",
    ]


def test_what_is_left_is_unknown_until_enough_is_done(
    capsys: pytest.CaptureFixture[str], now: list[float]
) -> None:
    with messages.shown():
        progress = Progress(DISPLAY)
        progress.start(100)
        for done, passed in enumerate((60.0, 61.0, 62.0, 63.0, 64.0, 65.0, 66.0), start=1):
            now[0] = passed
            progress.advance(done, loss=0.5)
            progress.report("{done}: {left}")
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith(tuple("1234567"))] == [
        *("1: ?", "2: ?", "3: ?", "4: ?", "5: ?"),
        *("6: 0:01:34", "7: 0:01:33"),  # as if the first had taken no longer than the others
    ]


def test_many_quick_parts_tell_nothing_before_some_seconds(
    capsys: pytest.CaptureFixture[str], now: list[float]
) -> None:
    with messages.shown():
        progress = Progress(DISPLAY)
        progress.start(10_000)
        for done in range(1, 61):
            now[0] = done / 10
            progress.advance(done, loss=0.5)
            if done in (50, 60):
                progress.report("{left} left")
    assert capsys.readouterr().err == "? left\n0:16:34 left\n"


def test_what_is_left_is_unknown_before_anything_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with messages.shown():
        progress = Progress(DISPLAY)
        progress.start(20)
        progress.report("{left} left")
    assert capsys.readouterr().err == "? left\n"


def test_nothing_is_shown_to_who_shows_no_messages(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(DISPLAY) as progress:
        progress.start(2)
        progress.report("step {done}/{total}")
    assert capsys.readouterr() == ("", "")


def test_where_messages_are_hidden_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    hidden = messages.hidden("headwater.training")
    with messages.shown(), installed(terminal_bar), hidden, Progress(DISPLAY) as progress:
        progress.start(2)
        progress.advance(1, loss=0.5)
    assert shown.getvalue() == ""


def test_a_terminal_gets_a_bar_with_messages_above(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    with messages.shown(), installed(terminal_bar), Progress(DISPLAY) as progress:
        progress.start(20, done=5)
        progress.advance(6, loss=0.125)
        progress.report("step {done}/{total}", above="half [way]")
        LOGGER.warning("a [bracketed] word")
    text = shown.getvalue()
    assert "training [x]" in text
    assert "6/20" in text and "loss 0.1250" in text
    assert "half [way]\n" in text and "step 6/20" not in text
    assert "warning: a [bracketed] word\n" in text


def test_messages_of_other_rooms_name_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with messages.shown():
        logging.getLogger("headwater.evaluation.several_tasks").info("skipped rte: no model")
        logging.getLogger("headwater.data.example").info("3 repaired")
        with messages.hidden("headwater.data"):
            logging.getLogger("headwater.data.example").info("not shown")
    logging.getLogger("headwater.data.example").info("not shown")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["headwater: skipped rte: no model", "3 repaired"]
