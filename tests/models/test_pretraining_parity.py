"""BERT's two pre-training losses on batches of our own objective, beside `BertForPreTraining`."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import tiny
from headwater.checkpoints.folder import load_model
from headwater.checkpoints.hub import BUNDLED
from headwater.corpus.store import TokenStore
from headwater.data.batching import collate
from headwater.models.families import BY_MODEL_TYPE
from headwater.objectives.mlm import MaskedLM, MaskedLMConfig
from headwater.text.loading import load_vocabulary

TABLES = {name: family.formats[name].keys for name, family in BY_MODEL_TYPE.items()}


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, torch.Tensor]]:
    """Sentence pairs of the example text, masked anew in each of three epochs."""
    folder = tmp_path_factory.mktemp("pairs")
    vocabulary = load_vocabulary(BUNDLED["reader"])
    store = TokenStore.open(tiny.token_store(folder / "store", vocabulary))
    rows = MaskedLM(store, vocabulary, MaskedLMConfig(max_length=48), 0)
    assert vocabulary.pad_id is not None
    numbers = np.arange(min(6, len(rows)))
    return [collate(rows.features(numbers, epoch), vocabulary.pad_id) for epoch in range(3)]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-8)])
def test_both_losses_are_the_published_ones(
    batches: list[dict[str, torch.Tensor]], tmp_path: Path, dtype: torch.dtype, tolerance: float
) -> None:
    torch.manual_seed(5)
    config = transformers.BertConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40
    )
    config._attn_implementation = "eager"
    theirs = transformers.BertForPreTraining(config).to(dtype).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, 0.3 if parameter.dim() == 1 else 0.0, 0.15)
    theirs.save_pretrained(tmp_path)
    ours = load_model(tmp_path, dtype=dtype).model
    labels = set()
    for batch in batches:
        labels |= set(batch["next_sentence_label"].tolist())
        sums, counts = ours.loss_sums(batch), ours.loss_counts(batch)
        loss = torch.stack([sums[name] / counts[name] for name in sums]).sum()
        published = theirs(**batch | {"attention_mask": batch["attention_mask"].long()}).loss
        assert abs(loss.item() - published.item()) <= tolerance * published.item()
        loss.backward()
        published.backward()
    assert labels == {0, 1}  # true and false pairs
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    for name, parameter in ours.named_parameters():
        expected = gradients[TABLES["bert"].name_in_file(name, "pretraining")]
        assert (parameter.grad - expected).abs().max() <= tolerance, name
