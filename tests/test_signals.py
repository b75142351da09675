"""SIGTERM and Ctrl-C: noted, breaking off, an orderly end, and what was before comes back."""

import os
import signal
from collections.abc import Iterator

import pytest

from headwater.signals import Interruption, Stop, exiting, killing

BOTH = (signal.SIGTERM, signal.SIGINT)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of another kind")


@pytest.fixture(autouse=True)
def as_in_a_terminal() -> Iterator[None]:
    """A background process of a shell ignores Ctrl-C, and so would a test run in one."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in BOTH]


def test_a_signal_is_noted_and_the_second_acts_at_once() -> None:
    before = handlers()
    with Stop() as stop:
        assert stop.reason is None
        signal.raise_signal(signal.SIGINT)
        assert stop.reason == stop.signalled == "sigint"
        assert handlers() == before
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert handlers() == before


def test_a_signal_may_break_off_what_is_long() -> None:
    with Stop() as stop:
        with pytest.raises(Interruption), stop.breaking():
            signal.raise_signal(signal.SIGTERM)
        assert stop.signalled == "sigterm"


def test_a_time_limit_is_a_reason_and_no_signal() -> None:
    with Stop(minutes=0) as stop:
        assert (stop.reason, stop.signalled) == ("time_limit", None)
    with Stop(minutes=60) as stop:
        assert stop.reason is None


@pytest.mark.parametrize("number", BOTH)
def test_exiting_tells_the_signal(number: signal.Signals) -> None:
    before = handlers()
    with pytest.raises(SystemExit) as ended, exiting():
        signal.raise_signal(number)
    assert ended.value.code == 128 + number
    assert handlers() == before


def test_killing_leaves_ctrl_c_to_the_system() -> None:
    before = handlers()
    with killing():
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == before[0]
    assert handlers() == before
