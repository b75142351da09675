"""Put what was trained on one body on another of the same shape, where a further stage goes on.

    python recipes/writer/move.py runs/writer-practice/model BODY FOLDER

The writer's first stages run beside the reader's last one, on the readers there are by then. What
they learned is put on the final one, and a further stage accustoms it to that.
"""

import argparse
import shutil
from dataclasses import asdict
from pathlib import Path

from headwater.checkpoints.parts import BASE, Base
from headwater.files import write_json


def main() -> None:
    """Copy the folder, and name the new body in it."""
    parser = argparse.ArgumentParser(description="Put what was trained on a body on another.")
    parser.add_argument("trained", type=Path, help="a model saved without its body")
    parser.add_argument("body", help="the other body")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    shutil.copytree(options.trained, options.output)
    write_json(options.output / BASE, asdict(Base.of(options.body)))


if __name__ == "__main__":
    main()
