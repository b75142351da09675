"""Train and bundle the models on the bundled reader's body, and measure them for their cards.

python recipes/heads.py              both
python recipes/heads.py tagger       one of tagger, sentiment

They are refused on any other reader, so run this again after the reader has changed. Interrupted
runs continue. Runs are in runs/NAME; delete those of an older reader, and runs/cards/NAME.
"""

import subprocess
import sys
from pathlib import Path

from verbs import chosen, headwater

ASSETS = Path("src/headwater/assets")
NAMES = ("tagger", "sentiment")


def main() -> None:
    """Make each of the named models."""
    for name in chosen("Train, bundle and measure what reads by a head.", NAMES):
        run, folder = Path("runs") / name, ASSETS / name
        headwater("finetune", f"recipes/{name}.toml", "--output", run, "--resume")
        subprocess.run([sys.executable, "recipes/bundle.py", run, folder], check=True)
        subprocess.run([sys.executable, "recipes/cards.py", name], check=True)


if __name__ == "__main__":
    main()
