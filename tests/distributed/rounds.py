"""Starting the scripts `*_rounds.py`, which train or measure in several processes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def outcome(script: str, *arguments: object, timeout: float = 1200) -> Any:
    """Run a script of this folder, and return the JSON of its last line."""
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])
