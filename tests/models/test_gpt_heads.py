"""Heads on GPT and GPT-2 equal the published code, in both directions; the losses beside them."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from torch.nn import functional as F

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.models.config import label_names
from headwater.models.gpt.network import GPT, GPTWriter
from headwater.models.heads import ModelWithHead
from headwater.models.losses import IGNORED
from headwater.models.text_to_text import PerTaskLoss

SIZES = {"vocab_size": 50, "n_positions": 40, "n_embd": 24, "n_layer": 3, "n_head": 3}
PAD = 0
PUBLISHED: dict[tuple[str, str], tuple[Any, Any]] = {
    ("gpt2", "sequence"): (transformers.GPT2Config, transformers.GPT2ForSequenceClassification),
    ("gpt2", "token"): (transformers.GPT2Config, transformers.GPT2ForTokenClassification),
    ("gpt2", "span"): (transformers.GPT2Config, transformers.GPT2ForQuestionAnswering),
    ("openai-gpt", "sequence"): (
        transformers.OpenAIGPTConfig,
        transformers.OpenAIGPTForSequenceClassification,
    ),
}
PROBLEMS = {
    "sequence": "single_label_classification",
    "multi_label": "multi_label_classification",
    "regression": "regression",
}
FAMILIES = ("gpt2", "openai-gpt")
CASES = [
    *PUBLISHED,
    *(
        (family, head)
        for family in ("gpt2", "openai-gpt")
        for head in ("multi_label", "regression")
    ),
]
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(11)


def published(family: str, head: str) -> Any:
    kind, model_class = PUBLISHED.get((family, head)) or PUBLISHED[family, "sequence"]
    extra = {"problem_type": PROBLEMS[head]} if head in PROBLEMS else {}
    labels = 1 if head == "regression" else 2 if head == "span" else 3
    config = kind(**SIZES, num_labels=labels, pad_token_id=PAD, **extra)
    config._attn_implementation = "eager"
    model = model_class(config)
    tiny.draw_weights(model, 0.3)
    return model.eval()


def batch(head: str) -> dict[str, Tensor]:
    """Sequences padded on the right, with labels for a head."""
    ids = torch.randint(1, 49, (4, 17))
    mask = torch.arange(17)[None] < torch.tensor([17, 9, 2, 12])[:, None]
    found = {"input_ids": ids.where(mask, PAD), "attention_mask": mask}
    match head:
        case "span":
            starts, ends = torch.tensor([2, 3, 0, 11]), torch.tensor([5, 3, 1, 11])
            return found | {"start_positions": starts, "end_positions": ends}
        case "token":
            return found | {"labels": torch.randint(0, 3, (4, 17)).where(mask, IGNORED)}
        case "regression":
            return found | {"labels": torch.randn(4)}
        case "multi_label":
            return found | {"labels": torch.randint(0, 2, (4, 3)).float()}
    return found | {"labels": torch.randint(0, 3, (4,))}


def ours_of(folder: Path, theirs: Any) -> ModelWithHead:
    theirs.save_pretrained(folder)
    loaded = load_model(folder)
    assert loaded.new_parameters == loaded.ignored == ()
    assert isinstance(loaded.model, ModelWithHead) and isinstance(loaded.model.body, GPT)
    return loaded.model


def same(ours: ModelWithHead, theirs: Any, head: str) -> None:
    given = batch(head)
    mask = given["attention_mask"]
    result = theirs(**given | {"attention_mask": mask.long()})
    if head == "span":
        logits = ours(given)
        for name in ("start_logits", "end_logits"):
            torch.testing.assert_close(
                getattr(logits, name)[mask], getattr(result, name)[mask], **CLOSE
            )
        return  # the published loss lets padding be chosen, as ours does; its padding differs
    found = ours(given)
    rows = mask if head == "token" else torch.ones(4, dtype=torch.bool)
    torch.testing.assert_close(found[rows], result.logits[rows], **CLOSE)
    [loss], [count] = ours.loss_sums(given).values(), ours.loss_counts(given).values()
    torch.testing.assert_close(loss / count, result.loss, **CLOSE)


@pytest.mark.parametrize(("family", "head"), CASES)
def test_heads_equal(tmp_path: Path, family: str, head: str) -> None:
    theirs = published(family, head)
    ours = ours_of(tmp_path / "theirs", theirs)
    assert ours.head_name == head
    same(ours, theirs, head)


@pytest.mark.parametrize(("family", "head"), CASES)
def test_published_code_opens_ours(tmp_path: Path, family: str, head: str) -> None:
    theirs = published(family, head)
    save_model(tmp_path / "ours", ours_of(tmp_path / "theirs", theirs))
    again, report = type(theirs).from_pretrained(
        tmp_path / "ours", output_loading_info=True, attn_implementation="eager"
    )
    assert not report["missing_keys"] and not report["unexpected_keys"], report
    assert again.config.problem_type == theirs.config.problem_type
    given = batch(head)["input_ids"][:1]
    for one, other in zip(again.eval()(given)[:1], theirs(given)[:1], strict=True):
        assert torch.equal(one, other)


def test_the_first_gpt_takes_heads_that_only_gpt2_has_published(tmp_path: Path) -> None:
    for head in ("span", "token"):
        model = tiny.model(tiny.gpt_config(model_type="openai-gpt"), head, labels=("O", "B-x"))
        save_model(tmp_path / head, model)
        loaded = load_model(tmp_path / head).model
        assert loaded.head_name == head
        assert head == "span" or loaded.labels == ("O", "B-x")
        for name, value in model.state_dict().items():
            assert torch.equal(value, loaded.state_dict()[name]), name


def test_a_classifier_gives_its_body_and_a_body_takes_a_head(tmp_path: Path) -> None:
    save_model(tmp_path / "head", tiny.model(tiny.gpt_config(), "sequence", labels=("no", "yes")))
    body = load_model(tmp_path / "head", None).model
    assert body.head_name == "sequence" and label_names(body.config) == ("no", "yes")
    save_model(tmp_path / "body", tiny.gpt())
    loaded = load_model(tmp_path / "body", "sequence", labels=("a", "b", "c"))
    assert loaded.new_parameters == ("head.dense.weight",)
    assert loaded.model(batch("sequence") | {"input_ids": torch.ones(4, 17).long()}).shape == (4, 3)


def test_the_last_real_token_decides_wherever_padding_stands() -> None:
    model = tiny.model(tiny.gpt_config(dropout=0.0), "sequence", labels=("no", "yes")).eval()
    ids = torch.randint(1, 40, (1, 6))
    alone = model({"input_ids": ids})
    for before, after in ((0, 3), (2, 0), (1, 1)):
        padded = F.pad(ids, (before, after))
        mask = F.pad(torch.ones_like(ids), (before, after)).bool()
        torch.testing.assert_close(model({"input_ids": padded, "attention_mask": mask}), alone)
    later = torch.cat([ids, torch.tensor([[7]])], 1)
    assert not torch.allclose(model({"input_ids": later}), alone)


def test_the_auxiliary_loss_is_the_mean_of_the_texts_own_tokens() -> None:
    model = tiny.model(tiny.gpt_config(dropout=0.0), "sequence", labels=("no", "yes")).eval()
    assert isinstance(model, ModelWithHead) and isinstance(model.body, GPT)
    given = batch("sequence") | {"labels": torch.tensor([0, 1, 1, 0])}
    given["input_ids"] %= 40
    plain = model.loss_sums(given)["sequence"]
    model.auxiliary_lm = 0.5
    sums, counts = model.loss_sums(given), model.loss_counts(given)
    by_hand, tokens = torch.zeros(()), 0
    for row, length in enumerate((17, 9, 2, 12)):
        ids = given["input_ids"][row : row + 1, :length]
        scores = model.body({"input_ids": ids})[0].log_softmax(-1)
        for position in range(length - 1):
            by_hand = by_hand - scores[position, ids[0, position + 1]]
            tokens += 1
    assert counts == {"sequence": 4, "lm": tokens}
    torch.testing.assert_close(sums["lm"], 0.5 * by_hand)
    assert torch.equal(sums["sequence"], plain)


def writer() -> GPTWriter:
    model = tiny.gpt(dropout=0.0, target_start_token_id=1).eval()
    assert isinstance(model, GPTWriter)
    return model


def pairs() -> dict[str, Tensor]:
    inputs, labels = torch.randint(2, 40, (3, 7)), torch.randint(2, 40, (3, 5))
    mask = torch.arange(7)[None] < torch.tensor([7, 3, 5])[:, None]
    labels[1, 2:] = IGNORED
    return {"input_ids": inputs.where(mask, 0), "attention_mask": mask, "labels": labels}


def test_the_loss_of_targets_is_that_of_one_text() -> None:
    model, given = writer(), pairs()
    plain = GPT(model.config)
    plain.load_state_dict(model.state_dict())
    plain.eval()
    by_hand = torch.zeros(())
    for row, length in enumerate((7, 3, 5)):
        targets = given["labels"][row][given["labels"][row] != IGNORED]
        ids = torch.cat([given["input_ids"][row, :length], torch.tensor([1]), targets])[None]
        scores = plain({"input_ids": ids})[0].log_softmax(-1)
        for number, target in enumerate(targets.tolist()):
            by_hand = by_hand - scores[length + number, target]
    torch.testing.assert_close(model.loss_sums(given)["tokens"], by_hand)
    assert model.loss_counts(given) == {"tokens": 12}
    split = PerTaskLoss(model, ["a", "b"]).loss_sums(given | {"task": torch.tensor([0, 1, 0])})
    torch.testing.assert_close(sum(split.values(), torch.zeros(())), by_hand)


def test_steps_of_a_writer_equal_its_loss() -> None:
    model, given = writer(), pairs()
    with torch.no_grad():
        scores = model(given)
        cache = model.init_cache(
            model.encode(given["input_ids"], given["attention_mask"]), given["attention_mask"]
        )
        ids = torch.full((3, 1), model.start_id)
        for number in range(5):
            step = model.step(ids, cache)
            real = given["labels"][:, number] != IGNORED
            torch.testing.assert_close(step[real], scores[:, number][real])
            ids = given["labels"][:, number : number + 1].clamp(min=0)


def test_a_writer_is_saved_as_the_published_language_model(tmp_path: Path) -> None:
    model = writer()
    save_model(tmp_path, model)
    again = load_model(tmp_path).model
    assert isinstance(again, GPTWriter) and again.start_id == 1
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    ids = torch.randint(2, 40, (1, 9))
    torch.testing.assert_close(
        theirs(ids).logits[0], model.scores(model.hidden({"input_ids": ids}))[0]
    )
    with_head = load_model(tmp_path, "sequence").model
    assert isinstance(with_head.body, GPT) and not with_head.body.config.writes
