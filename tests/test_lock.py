"""One process a folder: refused while it is locked, free again when its process is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from headwater.errors import UserError
from headwater.lock import LOCK, locked

HOLD = """
import sys, time
from pathlib import Path
from headwater.lock import locked

with locked(Path(sys.argv[1]), "taken"):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_lock_refuses_others_and_ends_with_its_process(tmp_path: Path) -> None:
    file = tmp_path / LOCK
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match="somebody is at work here"):
            locked(file, "somebody is at work here").__enter__()
        other.kill()
    with locked(file, "somebody is at work here"):
        pass
    assert file.exists()


def test_the_file_may_be_removed(tmp_path: Path) -> None:
    with locked(tmp_path / LOCK, "taken", remove=True):
        assert (tmp_path / LOCK).exists()
    assert not (tmp_path / LOCK).exists()
