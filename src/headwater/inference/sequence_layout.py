"""Which special tokens stand in the sequences that a model with a head reads."""

from dataclasses import replace

from torch import nn

from headwater.models.families import family_of
from headwater.models.feature_model import FeatureModel
from headwater.text.sequence_layout import SequenceLayout, encoder_layout, running_text_layout
from headwater.text.vocabulary import Vocabulary


def layout_for(network: nn.Module, vocabulary: Vocabulary) -> SequenceLayout:
    """Return an encoder's layout, or running text's for features of a body trained on it.

    A feature model tells the texts of a pair by their segments, also where its body knows none.
    """
    if not isinstance(network, FeatureModel):
        return encoder_layout(vocabulary)
    encoder = family_of(network.config).kind == "encoder"
    chosen = encoder_layout if encoder else running_text_layout
    return replace(chosen(vocabulary), segments=True)
