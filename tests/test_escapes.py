"""Nothing that the program prints is obeyed by a terminal, and help needs no docstrings."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headwater import messages
from headwater.commands.bar import _RichBar
from headwater.commands.terminal import echo, print_json, print_table
from headwater.escapes import visible
from headwater.progress import Display

ROOT = Path(__file__).resolve().parents[1]
OBEYED = ["\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\u202e", "\u2066", "\r", "\b", "\x7f", "\x00"]
KEPT = "a\tb\nc é 日本 🙂 \u200d\u200c שלום"


@pytest.mark.parametrize("text", OBEYED)
def test_what_is_obeyed_is_made_visible(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert all(c.isprintable() for c in visible(text))
    assert visible(text).encode("latin-1").decode("unicode_escape") == text
    echo(text)
    echo(text, error=True)
    print_json([text])
    print_table({"name": text}, as_json=False)
    with messages.shown():
        logging.getLogger("headwater.commands").warning(text)
    said = capsys.readouterr()
    assert text not in said.out + said.err
    assert visible(text) in said.err
    assert said.out.count(visible(text)) >= 2


def test_all_else_stays_as_it_is() -> None:
    assert visible(KEPT) == KEPT


def test_a_bar_shows_a_name_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    bar = _RichBar(Display("a\x1b]0;x\x07", logging.getLogger(), fields="{name}"))
    bar.start(3, 0, "0\x1b[2J")
    bar.move(1, "1\x1b[2J", "", "?", "\x9b")
    bar.close()
    shown = capsys.readouterr().err
    assert "\x1b]0;x" not in shown and "\x1b[2J" not in shown and "\x9b" not in shown


def test_commands_print_by_echo_only() -> None:
    files = sorted((ROOT / "src/headwater/commands").glob("*.py"))
    bare = [
        f"{file.name}: {line.strip()}"
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"(?<![\w.])print\(", line)
    ]
    assert [
        each for each in bare if not re.match(r"(terminal|screen|reply_screen|ask)\.py", each)
    ] == []


HELP = """
from typer.main import get_command
from headwater.cli import app

def bare(name, command):
    children = getattr(command, "commands", {})
    lines = [] if (command.help or "").strip() else [name]
    return lines + [x for k, v in children.items() for x in bare(f"{name} {k}", v)]

print(*bare("headwater", get_command(app)))
"""


def test_every_verb_has_its_help_without_docstrings() -> None:
    ran = subprocess.run([sys.executable, "-OO", "-c", HELP], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "\n", "")


@pytest.mark.parametrize("columns", ["0", "00", ""])
def test_no_columns_still_print(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = ROOT / "examples" / "spring.txt"
    for given in (("tasks", "show", "--help"), ("ask", "Who?", "--context", str(text))):
        command = [sys.executable, "-m", "headwater", *given]
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert len(ran.stdout) > 20
