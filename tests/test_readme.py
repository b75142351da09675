"""The commands of README, docs/start.md and docs/howto, run in a copy of the examples."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
HOW_TOS = sorted((ROOT / "docs" / "howto").glob("*.md"))
SET_UP = ("make ask", "python3 -m venv")  # what made the environment that runs this test


def _blocks(document: str) -> list[tuple[str, str]]:
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.findall(r"^```(sh|python)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [(kind, text) for kind, text in found if not text.startswith(SET_UP)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    for name in ("examples", "recipes", "docs/course"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def _run(command: list[str], text: str, folder: Path) -> str:
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        input=text,
        cwd=folder,
        env={**os.environ, "PATH": binaries},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("document", "least"), [("README.md", 1), ("docs/start.md", 9)])
def test_every_command_runs(copy: Path, document: str, least: int) -> None:
    """In order, since later ones use what earlier ones made."""
    blocks = _blocks(document)
    assert len(blocks) >= least
    for kind, text in blocks:
        _run(["bash", "-e"] if kind == "sh" else [sys.executable, "-"], text, copy)


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: page.stem)
def test_every_command_of_the_how_tos_runs(copy: Path, page: Path) -> None:
    blocks = _blocks(str(page.relative_to(ROOT)))
    assert blocks
    for _, text in blocks:
        _run(["bash", "-e"], text, copy)


def test_make_ask_prints_what_the_readme_shows() -> None:
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    question = re.search(r"^QUESTION \?= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert shown
    assert question
    command = f'headwater ask "{question[1]}" --context examples/spring.txt'
    assert _run(["bash", "-e"], command, ROOT).strip() == shown[1].strip()
