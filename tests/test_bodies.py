"""The small pre-trained bodies of the studies load, are small, and know what they were taught."""

from pathlib import Path

import pytest
import torch

import headwater
from headwater.models.heads import ModelWithHead

BODIES = Path(__file__).resolve().parents[1] / "studies" / "bodies"
MODEL_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")


@pytest.mark.parametrize("folder", sorted(BODIES.glob("*/")), ids=lambda folder: folder.name)
def test_a_body_is_whole_and_at_most_8_megabytes(folder: Path) -> None:
    loaded = headwater.load(folder, "cpu")
    assert all(torch.isfinite(each).all() for each in loaded.network.parameters())
    size = sum(file.stat().st_size for pattern in MODEL_FILES for file in folder.glob(pattern))
    assert size <= 8_000_000


def test_the_bert_knows_what_stands_beside_a_blank() -> None:
    loaded = headwater.load(BODIES / "bert", "cpu")
    vocabulary, network = loaded.vocabulary, loaded.network
    assert isinstance(network, ModelWithHead)
    text = "he opened the door and went into the [MASK] ."
    ids = vocabulary.encode(text).ids
    row = [vocabulary.cls_id, *ids.tolist(), vocabulary.sep_id]
    with torch.no_grad():
        logits = network({"input_ids": torch.tensor([row])})[0, row.index(vocabulary.mask_id)]
    likeliest = {vocabulary.token(id) for id in logits.topk(5).indices.tolist()}
    assert "house" in likeliest or "room" in likeliest, likeliest
