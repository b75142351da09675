"""The course's commands and snippets run as they stand, page after page, without a network."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs" / "course").glob("[0-9]*.md"))
NOTEBOOKS = sorted((ROOT / "docs" / "course").glob("*.ipynb"))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_every_command_runs(
    headwater: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("examples", "docs/course", "studies/bodies"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for page in PAGES:
        for kind, text in blocks(page):
            if kind == "python":
                subprocess.run([sys.executable, "-c", text], check=True)
                continue
            for line in text.splitlines():
                ran = headwater(*shlex.split(line)[1:])
                assert ran.code == 0, f"{page.name}: {line}\n{ran.err}"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("docs/course", "studies/bodies"):
        shutil.copytree(ROOT / name, tmp_path / name)
    copy = tmp_path / notebook.relative_to(ROOT)
    command = [sys.executable, "-m", "jupyter", "execute", "--inplace", str(copy)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    assert pictures(copy) == pictures(notebook)


def pictures(notebook: Path) -> int:
    """Return how many pictures a notebook shows."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [each for cell in cells for each in cell.get("outputs", ())]
    return sum("image/png" in each.get("data", {}) for each in outputs)


def test_notebooks_are_small_and_show_pictures() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["06-context", "07-bert"]
    assert [pictures(path) for path in NOTEBOOKS] == [3, 4]
    for path in NOTEBOOKS:
        assert path.stat().st_size < 200_000
        assert f"]({path.name})" in path.with_suffix(".md").read_text(encoding="utf-8")


def test_every_page_has_its_parts() -> None:
    assert [page.name[:2] for page in PAGES] == [f"{number:02}" for number in range(1, 13)]
    index = (ROOT / "docs" / "course" / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert f"]({page.name})" in index
        for part in ("```text", "```sh", "**Look at**", "**Exercise.**", "<summary>Answer"):
            assert part in text, f"{page.name}: {part}"
        commands = [
            line for kind, block in blocks(page) if kind == "sh" for line in block.splitlines()
        ]
        assert all(line.startswith("headwater ") for line in commands), page.name


def test_the_table_names_tests_that_are_there() -> None:
    index = (ROOT / "docs" / "course" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/.]+)`", index)
    assert len(named) > 12
    assert [name for name in named if not (ROOT / name).exists()] == []
