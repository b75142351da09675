"""Train and bundle the models on the bundled reader's body, and measure them for their cards.

python recipes/heads.py              both
python recipes/heads.py tagger       one of tagger, sentiment

They are refused on any other reader, so run this again after the reader has changed. Interrupted
runs continue. Runs are in runs/NAME; delete those of an older reader, and runs/cards/NAME.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from verbs import headwater

ASSETS = Path("src/headwater/assets")
NAMES = ("tagger", "sentiment")


def main() -> None:
    """Make each of the named models."""
    parser = argparse.ArgumentParser(description="Train, bundle and measure what reads by a head.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; else all")
    names = parser.parse_args().names
    if unknown := set(names) - set(NAMES):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    for name in names or NAMES:
        run, folder = Path("runs") / name, ASSETS / name
        headwater("finetune", f"recipes/{name}.toml", "--output", run, "--resume")
        subprocess.run([sys.executable, "recipes/bundle.py", run, folder], check=True)
        subprocess.run([sys.executable, "recipes/cards.py", name], check=True)


if __name__ == "__main__":
    main()
