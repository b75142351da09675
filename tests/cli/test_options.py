"""A wrong option is one line that names the fix."""

import signal
import subprocess
import sys
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nonsense"], "no such command 'nonsense'; see `headwater --help`"),
        (["ask"], "missing argument 'question'; see `headwater ask --help`"),
        (["ask", "a", "b"], "got unexpected extra argument(s) (b); see `headwater ask --help`"),
        (["corpus", "bild"], "no such command 'bild'"),
        (["study", "--budget", "huge"], "invalid value for '--budget': 'huge' is not one of"),
        (["study", "--jobs", "0"], "greater than or equal to 1; see `headwater study --help`"),
        (["finetune", "--modle", "x"], "no such option: --modle (Possible options: "),
        (["evaluate", "--model", "x", "--data"], "option '--data' requires an argument; see `"),
        (["finetune", "a.toml", "--output", ""], "--output is empty; give a file or a folder"),
        (["finetune", "a.toml", "--output="], "--output is empty; give a file or a folder"),
        (["ask", "who", "--context", ""], "--context is empty; give a file or a folder"),
        (["finetune", "a.toml", "--output", "-x"], "--output -x: reads like an option; a file or"),
        (["tune", "a.toml", "--output=--json"], "--output --json: reads like an option"),
        (["finetune", "--data", "--model", "x"], "folder of that name is ./--model"),
    ],
)
def test_a_wrong_option_is_one_line(headwater: Any, arguments: list[str], expected: str) -> None:
    ran = headwater(*arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith("headwater: ")
    assert expected in ran.err


@pytest.mark.parametrize(
    "verb", [[], ["corpus"], ["export"], ["inspect"], ["vectors"], ["vocabulary"]]
)
def test_a_verb_alone_shows_its_help(headwater: Any, verb: list[str]) -> None:
    ran = headwater(*verb)
    assert ran.code == 2
    assert ran.err.startswith(" ".join(["Usage: headwater", *verb]))


def test_ctrl_c_ends_without_a_traceback() -> None:
    code = "import os, signal; from headwater import cli; from headwater.commands import ask\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # where it is ignored
    code += "ask.read_context = lambda context: os.kill(os.getpid(), signal.SIGINT)\n"
    code += "import sys; sys.argv = ['headwater', 'ask', 'who', '--context', '-']; cli.main()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode in (130, -signal.SIGINT), ran.stderr) == (True, "")
