"""Which special tokens stand in the rows that a model with a head reads."""

from dataclasses import replace

from torch import nn

from headwater.models.bert.network import Bert
from headwater.models.feature_model import FeatureModel
from headwater.tasks.windows import Layout, layout, running_layout
from headwater.text.vocabulary import Vocabulary


def row_layout(network: nn.Module, vocabulary: Vocabulary) -> Layout:
    """Return an encoder's marks; for features of a body trained on running text, each text's end.

    A small model tells the texts of a pair by their segments, also where its body knows none.

    Raises:
        UserError: the vocabulary has none of these tokens.
    """
    if not isinstance(network, FeatureModel):
        return layout(vocabulary)
    marks = layout if isinstance(network.body, Bert) else running_layout
    return replace(marks(vocabulary), segments=True)
