"""ELECTRA learns to tell what a generator filled in from the text, and its generator with it."""

from pathlib import Path

import pytest
import torch
import transformers
from torch.nn import functional as F

import tiny
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from headwater.models.build import build_model
from headwater.models.electra.config import ElectraConfig
from headwater.models.losses import IGNORED
from headwater.runs.run import pretrain

SIZES = {
    "embedding_size": 16,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 32,
}
PRESET = "electra-small-discriminator"


def model(**changes: int) -> torch.nn.Module:
    torch.manual_seed(4)
    sizes = {"vocab_size": 40, "generator_hidden_size": 16, **SIZES, **changes}
    return build_model(ElectraConfig(**sizes), "replaced_token").eval()


def masked() -> dict[str, torch.Tensor]:
    ids = torch.arange(5, 29).reshape(2, 12)
    mask = torch.ones_like(ids)
    mask[1, 9:] = 0
    labels = torch.full_like(ids, IGNORED)
    labels[0, 3], labels[0, 7], labels[1, 2] = ids[0, 3], ids[0, 7], ids[1, 2]
    return {
        "input_ids": torch.where(labels != IGNORED, 4, ids),
        "attention_mask": mask,
        "labels": labels,
    }


def test_the_losses_are_those_of_their_definition() -> None:
    network, batch = model(), masked()
    real, labelled = batch["attention_mask"].bool(), batch["labels"] != IGNORED
    original = torch.where(labelled, batch["labels"], batch["input_ids"])
    read = network.head.prepared(batch, network.body)
    filled = read["input_ids"]
    assert torch.equal(filled[~labelled], original[~labelled])
    assert torch.equal(read["labels"][real], (filled != original).long()[real])
    assert (read["labels"][~real] == IGNORED).all()
    scores = network.head.generator(batch, network.body.embeddings)
    assert scores.shape == (3, 40)
    logits = network({"input_ids": filled, "attention_mask": batch["attention_mask"]})
    told = F.binary_cross_entropy_with_logits(
        logits[real], (filled != original)[real].float(), reduction="sum"
    )
    sums, counts = network.loss_sums(batch), network.loss_counts(batch)
    torch.testing.assert_close(sums["replaced_token"], 50 * told)
    torch.testing.assert_close(
        sums["masked_lm"], F.cross_entropy(scores, batch["labels"][labelled], reduction="sum")
    )
    assert counts == {"masked_lm": 3, "replaced_token": 21}


def test_the_discriminator_teaches_the_generator_nothing() -> None:
    network = model()
    network.loss_sums(masked())["replaced_token"].backward()
    assert all(each.grad is None for each in network.head.generator.parameters())
    assert network.body.embeddings.token.weight.grad is not None


def test_samples_follow_the_generator() -> None:
    network = model().train()
    with torch.no_grad():
        network.head.generator.head.bias[:] = -30.0
        network.head.generator.head.bias[7] = 30.0
    filled = network.head.prepared(masked(), network.body)["input_ids"]
    assert filled[0, 3] == filled[0, 7] == filled[1, 2] == 7


def test_a_run_gives_a_discriminator_that_the_published_code_opens(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "words", tiny.WORDS)
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(" ".join(tiny.WORDS) for _ in range(30)))
    store = tiny.token_store(tmp_path / "store", vocabulary, text)
    recipe = tiny.pretrain_recipe(
        "replaced_tokens",
        PRESET,
        store,
        sizes={**SIZES, "generator_hidden_size": 16},
        mlm={"max_length": 16},
    )
    pretrain(recipe, tmp_path / "run")
    folder = tmp_path / "run" / "model"
    loaded = load_model(folder).model
    assert loaded.head_name == "replaced_token" and loaded.head.generator is None
    theirs, report = transformers.ElectraForPreTraining.from_pretrained(
        folder, output_loading_info=True
    )
    assert not any(report.values()), report
    ids = torch.arange(2, 12).reshape(1, 10)
    with torch.no_grad():
        torch.testing.assert_close(loaded({"input_ids": ids}), theirs.eval()(ids).logits)
    assert load_model(folder, "span").new_parameters == ("head.dense.weight", "head.dense.bias")


def test_a_generator_belongs_to_this_objective_alone(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "words", tiny.WORDS)
    text = tmp_path / "text.txt"
    text.write_text(" ".join(tiny.WORDS * 30))
    store = tiny.token_store(tmp_path / "store", vocabulary, text)
    for objective, sizes, message in (
        ("replaced_tokens", SIZES, "needs a generator"),
        ("mlm", {**SIZES, "generator_hidden_size": 16}, "has no generator"),
    ):
        shape = {"max_length": 16, "next_sentence": False}
        recipe = tiny.pretrain_recipe(objective, PRESET, store, sizes=sizes, mlm=shape)
        with pytest.raises(UserError, match=message):
            pretrain(recipe, tmp_path / "run")
