"""Small models of every family, of random weights, over vocabularies at hand."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

import tiny
from headwater.checkpoints.folder import know_words
from headwater.checkpoints.hub import BUNDLED
from headwater.inference.loaded import LoadedModel
from headwater.models.build import build_model
from headwater.models.config import ModelConfig
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

CONFIGS: dict[str, ModelConfig] = {
    "bert": tiny.bert_config(max_position_embeddings=32),
    "gpt": tiny.gpt_config(),
    "t5": tiny.t5_config(num_layers=3),
    "cbow": tiny.cbow_config(samples=16),
    "elmo": tiny.elmo_config(),
}

Make = Callable[..., LoadedModel]


@pytest.fixture(scope="session")
def vocabularies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Vocabulary]:
    """A vocabulary for each family."""
    folder = tmp_path_factory.mktemp("words") / "vocabulary"
    words = tiny.words(folder, [tiny.example_text().replace("spring", "mill")] * 2, 60)
    tokens, unigram = load_vocabulary(BUNDLED["reader"]), tiny.example_unigram()
    return {"bert": tokens, "gpt": tokens, "t5": unigram, "cbow": words, "elmo": words}


@pytest.fixture(scope="session")
def made(vocabularies: dict[str, Vocabulary]) -> Make:
    """Make a model of a family: `made("bert", head="masked_lm", num_hidden_layers=1)`."""

    def make(
        family: str, head: str | None = None, extra: object = None, **sizes: object
    ) -> LoadedModel:
        vocabulary = vocabularies[family]
        config = replace(CONFIGS[family], vocab_size=vocabulary.size, **sizes)  # type: ignore[arg-type]
        torch.manual_seed(0)
        model = build_model(config, head)
        know_words(model, vocabulary)
        given = {"text": {"max_targets": 6}} if extra is None else extra
        return LoadedModel(model.eval(), vocabulary, config, given, family)  # type: ignore[arg-type]

    return make
