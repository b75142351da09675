"""Put what was trained on one body on another of the same shape, where a further stage goes on.

    python recipes/writer/move.py runs/writer-people/model runs/reader-last/model FOLDER

Practice and questions take hours and need some reader. So they run beside the reader's last stage,
on the reader of people.toml, and a shorter stage accustoms what was learned to the final one.
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
