"""Copies of a model, in one process that stands for several."""

import torch

import tiny
from headwater.distributed.processes import Together
from headwater.training.parallel import Copies


def test_what_an_elmo_knows_of_words_is_not_sent(together: Together) -> None:
    """Gloo has no numbers of 16 bits, and each process has read the vocabulary itself."""
    model = tiny.model(tiny.elmo_config(vocab_size=20), None)
    ids = torch.arange(12).reshape(2, 6)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids, dtype=torch.bool)}
    spelled = torch.arange(20 * 50, dtype=torch.int16).reshape(20, 50) % 200 + 1
    model.know_words(spelled)
    torch.manual_seed(0)
    expected = model.loss_sums(batch)["tokens"]
    copies = Copies(model, together)
    for _ in range(2):
        torch.manual_seed(0)
        found = copies.loss_sums(batch)["tokens"]
        assert torch.equal(found, expected)
        found.backward()
    assert torch.equal(model.words, spelled)
