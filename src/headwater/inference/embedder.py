"""Vectors of texts: an encoder with what stands on it, over texts of about equal length.

embed = Embedder(network, vocabulary, layout)
embed(["Who wrote it?"], "query")          float32 [1, width]

Products are computed in float32 unless another precision is asked for: vectors are kept, and are
compared with those of other machines.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from headwater.checkpoints.sentence_folder import read_head
from headwater.checkpoints.weights import ENGINE
from headwater.data.config import SequenceConfig
from headwater.data.example import PairExample
from headwater.errors import UserError
from headwater.files import replace_file
from headwater.inference.batches import chunks, predict_logits
from headwater.inference.running import device_of
from headwater.inference.verbs import what_it_does
from headwater.models.build import Model
from headwater.models.embedding import EmbeddingHead
from headwater.models.embedding_config import EmbeddingConfig
from headwater.models.families import kind_of, sizes_of
from headwater.models.heads import ModelWithHead
from headwater.tasks.pair_features import encode_pairs
from headwater.text.sequence_layout import SequenceLayout
from headwater.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

Vectors = NDArray[np.float32]

CHUNK = 8192  # texts in memory at once: enough to sort by length


@final
@dataclass(frozen=True, slots=True)
class Embedder:
    """Gives vectors of texts. Calls may come from many threads at once.

    Args:
        network: an encoder with an `EmbeddingHead`.
        vocabulary: the one that the encoder was trained with.
        layout: the special tokens around a text.
        precision: of the matrix products.
    """

    network: ModelWithHead
    vocabulary: Vocabulary
    layout: SequenceLayout
    precision: torch.dtype = torch.float32

    def __call__(self, texts: Iterable[str], prompt: str | None = None) -> Vectors:
        """Return float32 `[texts, width]`; of a text that is too long the end is cut.

        Args:
            prompt: the name of the prompt before each text; None: the model's default one.
        """
        found = [self._embedded(chunk, prompt) for chunk in chunks(texts, CHUNK)]
        return np.concatenate(found or [self._embedded([""], prompt)[:0]])

    @property
    def head(self) -> EmbeddingHead:
        """What stands on the encoder."""
        assert isinstance(self.network.head, EmbeddingHead)
        return self.network.head

    @property
    def longest(self) -> int:
        """The most tokens of a text that are read, special ones included."""
        most = sizes_of(self.network.config).longest_input
        return min(self.head.config.max_length or most, most)

    def _embedded(self, texts: list[str], prompt: str | None) -> Vectors:
        asked = self.head.config.asked(texts, prompt)
        features = encode_pairs(
            self.vocabulary,
            [PairExample("", text) for text in asked],
            SequenceConfig(max_length=self.longest),
            (),
            labelled=False,
            layout=self.layout,
        )
        pad_id = self.vocabulary.pad_id or 0
        found = predict_logits(self.network, features, pad_id, precision=self.precision)
        return np.stack(found)


def embedding_network(network: Model, name: str, folder: Path | None) -> ModelWithHead:
    """Return a network that gives vectors: any encoder, with what its folder says stands on it.

    Args:
        name: what it was loaded by.
        folder: where its files lie, if it was loaded. Without a modules.json there, a vector is the
            mean of the encoder's outputs.
    """
    if isinstance(network, ModelWithHead) and isinstance(network.head, EmbeddingHead):
        return network
    config = network.config
    if kind_of(config) != "encoder":
        raise UserError(f"{name} {what_it_does(config)}; an encoder gives vectors of texts")
    if folder and (folder / ENGINE).exists():
        raise UserError(f"{name}: an export gives no vectors of texts; take what it was made of")
    head = None if folder is None else read_head(folder, sizes_of(config).hidden_size)
    if head is None:
        logger.info(f"{name}: no modules.json; a vector is the mean of a text's outputs")
        head = EmbeddingHead(EmbeddingConfig())
    return ModelWithHead(network.body, head.to(device_of(network))).eval()


def save(file: Path, vectors: Vectors) -> None:
    """Write vectors as numpy's `.npy`, whole or not at all."""
    content = BytesIO()
    np.save(content, vectors)
    replace_file(file, content.getvalue())
