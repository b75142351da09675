"""Every family and head equals the published code: outputs, losses, gradients, both directions."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from headwater.checkpoints.folder import load_model, save_model
from headwater.checkpoints.huggingface import FAMILIES, their_name
from headwater.models.build import head_name

SIZES = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
}
CONFIGS = {
    "bert": lambda **extra: transformers.BertConfig(**SIZES, **extra),
    "roberta": lambda **extra: transformers.RobertaConfig(**SIZES, type_vocab_size=1, **extra),
    "distilbert": lambda **extra: transformers.DistilBertConfig(
        vocab_size=60,
        dim=24,
        n_layers=2,
        n_heads=3,
        hidden_dim=40,
        max_position_embeddings=40,
        **extra,
    ),
}
CASES = [
    (family, head) for family, table in FAMILIES.items() for head in table.heads if family != "t5"
]
TOLERANCE = {torch.float32: (1e-5, 1e-4), torch.float64: (1e-9, 1e-8)}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)


def reference(family: str, head: str | None, dtype: torch.dtype) -> Any:
    extra = {"num_labels": 1} if head == "regression" else {}
    if head in ("sequence", "token"):
        extra = {"id2label": {0: "no", 1: "maybe", 2: "yes"}}
    config = CONFIGS[family](**extra)
    config._attn_implementation = "eager"
    model = getattr(transformers, FAMILIES[family].heads[head].architecture)(config)
    for parameter in model.parameters():  # biases and norms too must differ from their defaults
        torch.nn.init.normal_(parameter, 0.3, 0.2) if parameter.dim() == 1 else None
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, 0.0, 0.15)
    return model.to(dtype).eval()


def batch_for(family: str, head: str | None) -> dict[str, Tensor]:
    ids = torch.randint(4, 60, (4, 17))
    lengths = torch.tensor([17, 9, 1, 12])
    mask = torch.arange(17)[None] < lengths[:, None]
    ids = ids.where(mask, 1 if family == "roberta" else 0)
    batch = {"input_ids": ids, "attention_mask": mask}
    if family == "bert":
        batch["token_type_ids"] = (torch.arange(17) > 5).long().expand(4, 17) * mask
    asked = torch.rand(4, 17) < 0.4
    asked[0, 3] = True
    match head:
        case "span":
            batch["start_positions"] = torch.tensor([3, 0, 0, 2])
            batch["end_positions"] = torch.tensor([5, 8, 0, 2])
        case "sequence":
            batch["labels"] = torch.tensor([0, 2, 1, 1])
        case "regression":
            batch["labels"] = torch.tensor([0.5, 2.0, -1.0, 3.0])
        case "next_sentence":
            batch["next_sentence_label"] = torch.tensor([0, 1, 1, 0])
        case "token":
            batch["labels"] = torch.randint(0, 3, (4, 17)).where(asked & mask, -100)
        case "masked_lm" | "pretraining":
            batch["labels"] = ids.where(asked & mask, -100)
    if head == "pretraining":
        batch["next_sentence_label"] = torch.tensor([0, 1, 1, 0])
    return batch


def ask_reference(model: Any, batch: dict[str, Tensor], head: str | None) -> Any:
    renamed = dict(batch) | {"attention_mask": batch["attention_mask"].long()}
    if head == "next_sentence":
        renamed["labels"] = renamed.pop("next_sentence_label")
    if head == "regression":
        renamed["labels"] = renamed["labels"].to(next(model.parameters()).dtype)
    return model(**renamed)


def outputs_of(ours: Any, theirs: Any, batch: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Pair the outputs, those of padding left out."""
    published = [value for name, value in theirs.items() if name not in ("loss", "pooler_output")]
    mine = list(ours) if isinstance(ours, tuple) else [ours]
    assert len(mine) == len(published)
    real = batch["attention_mask"]
    pairs = []
    for left, right in zip(mine, published, strict=True):
        per_place = left.shape[:2] == real.shape
        pairs.append((left[real], right[real]) if per_place else (left, right))
    return pairs


def assert_close(ours: Tensor, theirs: Tensor, tolerance: float, what: str) -> None:
    assert ours.shape == theirs.shape, what
    assert ours.dtype == theirs.dtype, what
    difference = (ours - theirs).abs().max().item()
    assert difference <= tolerance * max(1.0, theirs.abs().max().item()), (what, difference)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize(("family", "head"), CASES)
def test_loads_and_equals(
    tmp_path: Path, family: str, head: str | None, dtype: torch.dtype
) -> None:
    theirs = reference(family, head, dtype)
    theirs.save_pretrained(tmp_path)
    loaded = load_model(tmp_path, dtype=dtype)
    assert head_name(loaded.model) == head
    assert loaded.new_parameters == ()
    batch = batch_for(family, head)
    if head is None:
        arguments = [batch["input_ids"], batch["attention_mask"], batch.get("token_type_ids")]
        ours = loaded.model(*arguments)
    else:
        ours = loaded.model(batch)
    published = ask_reference(theirs, batch, head)
    for number, (left, right) in enumerate(outputs_of(ours, published, batch)):
        assert_close(left, right, TOLERANCE[dtype][0], f"output {number}")
    if head is None:
        if "pooler_output" in published:
            assert_close(
                loaded.model.pooler(ours), published.pooler_output, TOLERANCE[dtype][0], "pooler"
            )
        return
    sums, counts = loaded.model.loss_sums(batch), loaded.model.loss_counts(batch)
    assert sums.keys() == counts.keys()
    loss = torch.stack([sums[name] / counts[name] for name in sums]).sum()
    assert_close(loss, published.loss, TOLERANCE[dtype][1], "loss")
    loss.backward()
    published.loss.backward()
    gradients = {name: p.grad for name, p in theirs.named_parameters()}
    for name, parameter in loaded.model.named_parameters():
        published_name = their_name(name, FAMILIES[family], head)
        assert parameter.grad is not None, name
        assert_close(parameter.grad, gradients[published_name], TOLERANCE[dtype][1], name)


@pytest.mark.parametrize(("family", "head"), CASES)
def test_published_code_opens_what_we_save(tmp_path: Path, family: str, head: str | None) -> None:
    theirs = reference(family, head, torch.float32)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = load_model(tmp_path / "theirs").model
    save_model(tmp_path / "ours", ours)
    cls = getattr(transformers, FAMILIES[family].heads[head].architecture)
    again, report = cls.from_pretrained(
        tmp_path / "ours", output_loading_info=True, attn_implementation="eager"
    )
    assert not report["missing_keys"], report
    assert not report["unexpected_keys"], report
    before, after = theirs.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert theirs.config.to_diff_dict().get("id2label") == again.config.to_diff_dict().get(
        "id2label"
    )
    batch = batch_for(family, head)
    left, right = ask_reference(theirs, batch, head), ask_reference(again.eval(), batch, head)
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_real_minilm_equals(minilm: Path) -> None:
    theirs = transformers.BertModel.from_pretrained(minilm, attn_implementation="eager").eval()
    ours = load_model(minilm)
    assert ours.ignored == ("bert.embeddings.position_ids",)
    ids = torch.randint(1000, 20000, (3, 40))
    mask = torch.arange(40)[None] < torch.tensor([40, 25, 8])[:, None]
    with torch.no_grad():
        left = ours.model(ids, mask)
        right = theirs(ids, attention_mask=mask.long()).last_hidden_state
        pooled = theirs.pooler(right)
    assert_close(left[mask], right[mask], 1e-5, "hidden states")
    assert_close(ours.model.pooler(left), pooled, 1e-5, "pooler")


def test_real_minilm_takes_a_new_span_head(minilm: Path) -> None:
    loaded = load_model(minilm, "span")
    assert loaded.new_parameters == ("head.dense.weight", "head.dense.bias")
    assert 0.01 < loaded.model.head.dense.weight.std() < 0.03
    assert loaded.model.head.dense.bias.abs().max() == 0
    assert loaded.architecture == "BertModel"
