"""Save a run's model in the project, in half precision. The model card of the folder is kept.

Of a run that was saved without its body (LoRA, adapters) this saves what was trained, again alone.

python recipes/bundle.py runs/reader-calibrated src/headwater/assets/reader
python recipes/bundle.py runs/writer src/headwater/assets/writer
python recipes/bundle.py runs/bodies/bert studies/bodies/bert
"""

import argparse
from pathlib import Path

import torch

from headwater.checkpoints.adapted import open_model
from headwater.checkpoints.folder import read_extra, save_model
from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import read_adaptation
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.files import replace_file
from headwater.inference.generation_file import read_generation


def main() -> None:
    """Read the run's model and write the folder."""
    parser = argparse.ArgumentParser(description="Save a run's model in half precision.")
    parser.add_argument("run")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    source, target = resolve(options.run), options.folder
    card = target / "README.md"
    text = card.read_text(encoding="utf-8") if card.exists() else None
    model = open_model(source).model
    save_model(
        target,
        model,
        adaptation=read_adaptation(source),
        vocabulary=vocabulary_of(source),
        extra=read_extra(source),
        generation=read_generation(source, model.config),
        dtype=torch.float16,
    )
    if text is not None:
        replace_file(card, text)
    size = sum(file.stat().st_size for file in target.iterdir())
    print(f"{target}: {size:,} bytes")


if __name__ == "__main__":
    main()
