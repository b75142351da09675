"""Takes the pictures of the terminal and of the server's page: `make pictures`.

The bundled models answer about examples/spring.txt; chromium draws what they say. Which chromium is
in $CHROMIUM, or the one on the path.
"""

import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

DOCS = Path(__file__).resolve().parent
QUESTIONS = ("When did the spring begin to flow again?", "Who owned the quarry?")
TEXT = "examples/spring.txt"
_COLUMNS = 92
_TERMINAL = """
<body style="margin: 0"><pre id="shown" style="display: inline-block; margin: 0; padding: 18px;
font: 15px/1.4 'DejaVu Sans Mono', monospace; color: {foreground}; background: {background};
border-radius: 8px">{code}</pre></body>
"""


def draw(folder: Path) -> None:
    """Write ask.png and page.png into a folder."""
    shown = terminal([["headwater", "ask", each, "--context", TEXT] for each in QUESTIONS])
    with _browser() as browser:
        page = browser.new_page(device_scale_factor=1.5)
        page.set_content(shown)
        _save(page.locator("#shown").screenshot(omit_background=True), folder / "ask.png")
        page = browser.new_page(viewport={"width": 860, "height": 1130})
        with _server() as address:
            _ask(page, address)
            _save(page.screenshot(), folder / "page.png")


def terminal(commands: list[list[str]]) -> str:
    """Return as HTML what a terminal shows of commands and of what they print."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    for number, command in enumerate(commands):
        if number:
            console.print()
        console.print(Text(f"$ {shlex.join(command).replace(chr(39), chr(34))}", style="bold"))
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"},
            cwd=DOCS.parent,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        console.print(Text.from_ansi(done.stdout.rstrip()))
    return console.export_html(theme=MONOKAI, code_format=_TERMINAL, inline_styles=True)


@contextmanager
def _browser() -> Iterator[Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        sys.exit("there is no chromium on the path; name one in $CHROMIUM")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextmanager
def _server() -> Iterator[str]:
    """Serve the reader at a free port; yield the address."""
    command = [sys.executable, "-m", "headwater", "serve", "reader", "tagger", "sentiment"]
    command += ["--port", "0", "--log-format", "json", "--drain-seconds", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            events = (json.loads(line) for line in server.stderr)
            yield next(each["address"] for each in events if each.get("event") == "ready")
        finally:
            server.terminate()


def _ask(page: Any, address: str) -> None:
    """Ask on the page, and look where the model looked."""
    page.set_default_timeout(300_000)
    page.goto(address)
    page.locator("#models", has_text="reader").wait_for()
    lines = (DOCS.parent / TEXT).read_text(encoding="utf-8")
    paragraphs = [" ".join(each.split()) for each in lines.split("\n\n")]
    page.fill("#ask-text", "\n\n".join(paragraphs[1:-1]))
    page.fill("#ask-question", QUESTIONS[0])
    page.click("#panel-ask button.main")
    page.locator("ol.answers li button").first.click()
    page.locator("details summary").wait_for()
    page.evaluate("document.getElementById('ask-text').scrollTop = 0; window.scrollTo(0, 0)")


def _save(picture: bytes, path: Path) -> None:
    """Write a picture of 256 colours, which is a third of the size."""
    Image.open(io.BytesIO(picture)).convert("RGBA").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    draw(DOCS)
