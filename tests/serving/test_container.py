"""The container's steps, in an environment of their own: a wheel, its page, its command."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTENT = (ROOT / "Containerfile").read_text(encoding="utf-8")


def values(name: str) -> list[str]:
    """Return the list that an instruction of the file has, without its last lines' breaks."""
    [found] = re.findall(rf"^{name} .*?(\[.*\])$", CONTENT.replace("\\\n", ""), re.MULTILINE)
    given: list[str] = json.loads(found)
    return given


def test_it_is_not_root_and_writes_nothing() -> None:
    assert re.search(r"^USER 10001$", CONTENT, re.MULTILINE)
    assert "--chown" not in CONTENT and "VOLUME" not in CONTENT
    _, _, health = values("HEALTHCHECK")
    compile(health, "HEALTHCHECK", "exec")
    assert "/livez" in health


@pytest.mark.slow  # a wheel is built
def test_the_installed_command_takes_the_entry_point(tmp_path: Path) -> None:
    run = {"check": True, "capture_output": True, "text": True}
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT]
    subprocess.run(wheel, **run)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], **run)
    python = tmp_path / "venv" / "bin" / "python"
    [file] = tmp_path.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "--no-deps", file], **run)
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    program, *arguments = values("ENTRYPOINT")
    command = [tmp_path / "venv" / "bin" / Path(program).name, *arguments]
    others = {**clean, "PYTHONPATH": sysconfig.get_paths()["purelib"]}
    subprocess.run([*command, "--help"], **run, env=others)
    done = subprocess.run(command, capture_output=True, text=True, env=others, check=False)
    assert done.returncode == 2 and "--without-key" in done.stderr
    page = "from importlib.resources import files; files('headwater.serving')"
    subprocess.run([python, "-c", f"{page}.joinpath('page.html').read_text()"], **run, env=others)
