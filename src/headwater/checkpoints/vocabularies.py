"""Where a model's vocabulary lies: in its folder, or in that of the body it was trained on."""

from pathlib import Path

from headwater.checkpoints.parts import Adaptation, base_folder, read_adaptation
from headwater.checkpoints.peft_folder import PeftFolder
from headwater.errors import UserError
from headwater.text.loading import holds_vocabulary, load_vocabulary
from headwater.text.vocabulary import Vocabulary


def vocabulary_of(folder: Path) -> Vocabulary:
    """Load the vocabulary of a model's folder; of one without a body or a vocabulary the body's."""
    if holds_vocabulary(folder):
        return load_vocabulary(folder)
    adaptation, peft = read_adaptation(folder), PeftFolder.find(folder)
    if adaptation is not None:
        return vocabulary_of(base_folder(adaptation, folder))
    return load_vocabulary(folder if peft is None else peft.base)


def own_vocabulary(vocabulary: Vocabulary | None, adaptation: Adaptation) -> Vocabulary | None:
    """Return a vocabulary that is to be saved without its body; None where it is the body's."""
    if vocabulary is None:
        return None
    try:
        base = vocabulary_of(adaptation.base.folder)
    except UserError:  # the body has moved, or has no vocabulary
        return vocabulary
    return None if base.fingerprint == vocabulary.fingerprint else vocabulary
