"""Small models of every family, of random weights, over vocabularies at hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from headwater.checkpoints.hub import BUNDLED
from headwater.checkpoints.spelling import know_words
from headwater.inference.loaded import LoadedModel
from headwater.models.bert.config import BertConfig
from headwater.models.build import build_model
from headwater.models.cbow.config import CBOWConfig
from headwater.models.config import ModelConfig
from headwater.models.elmo.config import ELMoConfig
from headwater.models.gpt.config import GPTConfig
from headwater.models.t5.config import T5Config
from headwater.text.loading import load_vocabulary
from headwater.text.training import VocabularyPlan, train_vocabulary
from headwater.text.vocabulary import Vocabulary

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

CONFIGS: dict[str, ModelConfig] = {
    "bert": BertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    ),
    "gpt": GPTConfig(n_embd=16, n_layer=2, n_head=2, n_positions=32),
    "t5": T5Config(
        d_model=16, d_kv=8, d_ff=32, num_layers=3, num_decoder_layers=2, num_heads=2, vocab_size=0
    ),
    "cbow": CBOWConfig(vector_size=8, samples=16),
    "elmo": ELMoConfig(
        filters=((1, 4), (2, 4)), num_highway=1, projection_dim=8, cells=16, samples=16
    ),
}

Make = Callable[..., LoadedModel]


@pytest.fixture(scope="session")
def vocabularies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Vocabulary]:
    """A vocabulary for each family."""
    folder = tmp_path_factory.mktemp("words") / "vocabulary"
    text = (EXAMPLES / "spring.txt").read_text(encoding="utf-8")
    words = train_vocabulary(
        VocabularyPlan(kind="word", size=60), [text.replace("spring", "mill")] * 2, folder
    )
    tokens, unigram = load_vocabulary(BUNDLED["reader"]), load_vocabulary(EXAMPLES / "vocabulary")
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
