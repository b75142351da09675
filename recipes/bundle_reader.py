"""Put a fine-tuned reader into the package: half precision, with the model card that stands there.

python recipes/bundle_reader.py runs/reader
"""

import sys

import torch

from headwater.checkpoints.folder import load_model, read_extra, save_model
from headwater.checkpoints.hub import BUNDLED, resolve
from headwater.files import replace_file
from headwater.text.vocabulary import load_vocabulary


def main() -> None:
    """Read the run's model and write the bundled folder."""
    source, target = resolve(sys.argv[1]), BUNDLED["reader"]
    card = target / "README.md"
    text = card.read_text(encoding="utf-8") if card.exists() else ""
    save_model(
        target,
        load_model(source).model,
        vocabulary=load_vocabulary(source),
        extra=read_extra(source),
        dtype=torch.float16,
    )
    replace_file(card, text)
    size = sum(file.stat().st_size for file in target.iterdir())
    print(f"{target}: {size:,} bytes")


if __name__ == "__main__":
    main()
