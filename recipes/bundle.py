"""Save a run's model in the project, in half precision. The model card of the folder is kept.

python recipes/bundle.py runs/reader src/headwater/assets/reader
python recipes/bundle.py runs/bodies/bert studies/bodies/bert
"""

import sys
from pathlib import Path

import torch

from headwater.checkpoints.folder import load_model, read_extra, save_model
from headwater.checkpoints.hub import resolve
from headwater.files import replace_file
from headwater.text.loading import load_vocabulary


def main() -> None:
    """Read the run's model and write the folder."""
    source, target = resolve(sys.argv[1]), Path(sys.argv[2])
    card = target / "README.md"
    text = card.read_text(encoding="utf-8") if card.exists() else None
    save_model(
        target,
        load_model(source).model,
        vocabulary=load_vocabulary(source),
        extra=read_extra(source),
        dtype=torch.float16,
    )
    if text is not None:
        replace_file(card, text)
    size = sum(file.stat().st_size for file in target.iterdir())
    print(f"{target}: {size:,} bytes")


if __name__ == "__main__":
    main()
