"""One body, a head for each task: with a single task it is the plain model, to the bit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import tiny
from headwater.checkpoints.description import read_config
from headwater.checkpoints.folder import load_model, load_multi_task, save_model
from headwater.errors import UserError
from headwater.methods.freezing import HeadOnly
from headwater.models.build import build_model, build_multi_task
from headwater.models.config import TaskHead
from headwater.models.multi_task import MultiTask

SMALL = tiny.bert_config(intermediate_size=24, max_position_embeddings=20)
BODIES = {
    "bert": SMALL,
    "pre_norm": replace(SMALL, block="pre_norm"),
    "roberta": replace(SMALL, **tiny.ENCODERS["roberta"]),
    "distilbert": replace(SMALL, **tiny.ENCODERS["distilbert"]),
}
HEADS: dict[str, tuple[str, ...]] = {
    "sequence": ("no", "yes"),
    "regression": (),
    "token": ("O", "B-x", "I-x"),
    "span": (),
    "masked_lm": (),
}
TASKS = {f"on_{head}": TaskHead(head, labels) for head, labels in HEADS.items()}  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(5)


def batch_for(head: str) -> dict[str, Tensor]:
    ids = torch.randint(5, 40, (3, 7))
    mask = torch.arange(7)[None] < torch.tensor([[7], [4], [6]])
    batch = {"input_ids": ids.where(mask, 0), "attention_mask": mask}
    match head:
        case "sequence":
            labels = {"labels": torch.tensor([0, 1, 1])}
        case "regression":
            labels = {"labels": torch.tensor([0.5, -100.0, 3.0])}
        case "span":
            labels = {f"{name}_positions": torch.tensor([1, 2, 0]) for name in ("start", "end")}
        case _:
            labels = {"labels": torch.randint(0, 3, (3, 7)).where(mask, -100)}
    return batch | labels


def numbered(batch: dict[str, Tensor], number: int) -> dict[str, Tensor]:
    return batch | {"task": torch.full((3,), number)}


@pytest.mark.parametrize("head", HEADS)
def test_one_task_equals_the_plain_model(head: str) -> None:
    torch.manual_seed(1)
    plain = build_model(SMALL, head, labels=HEADS[head]).eval()
    torch.manual_seed(1)
    several = build_multi_task(SMALL, {"only": TaskHead(head, HEADS[head])}).eval()  # type: ignore[arg-type]
    batch = batch_for(head)
    asked = numbered(batch, 0)
    [wanted], [found] = plain.loss_sums(batch).values(), several.loss_sums(asked).values()
    assert torch.equal(wanted, found) and wanted > 0
    assert list(several.loss_sums(asked)) == list(several.loss_counts(asked)) == ["only"]
    assert [*several.loss_counts(asked).values()] == [*plain.loss_counts(batch).values()]
    wanted.backward()
    found.backward()
    gradients = {name.replace("heads.only.", "head."): p.grad for name, p in
                 several.named_parameters()}  # fmt: skip
    assert gradients.keys() == dict(plain.named_parameters()).keys()
    for name, parameter in plain.named_parameters():
        gradient = gradients[name]
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(gradient, parameter.grad), name
    outputs = [
        plain(batch),
        several(asked),
        several(batch, "only"),
        several.for_task("only")(batch),
    ]
    stacked = [torch.stack(tuple(each)) for each in outputs]
    assert all(torch.equal(stacked[0], each) for each in stacked)


def test_numbers_of_a_regression_are_all_counted() -> None:
    """-100 is a number like any other."""
    assert build_model(SMALL, "regression").loss_counts(batch_for("regression")) == {
        "regression": 3
    }


def test_a_batch_moves_the_body_and_its_own_head_alone() -> None:
    model = build_multi_task(SMALL, TASKS).train()
    number = model.names.index("on_token")
    model.loss_sums(numbered(batch_for("token"), number))["on_token"].backward()
    moved = {name.split(".")[1] for name, p in model.named_parameters()
             if p.grad is not None and name.startswith("heads.")}  # fmt: skip
    assert moved == {"on_token"}
    assert model.body.layers[0].attention.layer.query.weight.grad.abs().sum() > 0


def test_several_losses_of_one_head_are_told_apart() -> None:
    model = build_multi_task(SMALL, {"text": TaskHead("pretraining")})
    batch = numbered(batch_for("masked_lm"), 0) | {"next_sentence_label": torch.tensor([0, 1, 1])}
    assert set(model.loss_sums(batch)) == {"text/masked_lm", "text/next_sentence"}
    assert model.loss_counts(batch)["text/next_sentence"] == 3


def test_a_batch_of_two_tasks_is_a_fault() -> None:
    model = build_multi_task(SMALL, TASKS)
    with pytest.raises(AssertionError, match="one task"):
        model.loss_sums(batch_for("sequence") | {"task": torch.tensor([0, 0, 1])})


def test_a_view_shares_everything_and_switches_nothing() -> None:
    model = build_multi_task(SMALL, TASKS).eval()
    view = model.for_task("on_span")
    assert not view.training and not model.body.training
    assert view.body is model.body and view.head is model.heads["on_span"]
    assert model.train().for_task("on_span").training


@pytest.mark.parametrize(
    ("tasks", "match"),
    [
        ({}, "one task at least"),
        ({"a.b": TaskHead("span")}, "rename the task"),
        ({"keys": TaskHead("span")}, "rename the task"),
        ({"": TaskHead("span")}, "rename the task"),
        ({"a": TaskHead("spam")}, "head 'spam'"),  # type: ignore[arg-type]
    ],
)
def test_tasks_that_cannot_be(tmp_path: Path, tasks: dict[str, TaskHead], match: str) -> None:
    with pytest.raises(UserError, match=match):
        build_multi_task(SMALL, tasks)
    save_model(tmp_path, build_model(SMALL))
    with pytest.raises(UserError, match=match):
        load_multi_task(tmp_path, tasks)


def test_a_head_that_chooses_has_labels() -> None:
    with pytest.raises(UserError, match="a token head chooses among labels, and none are given"):
        TaskHead("token")


def test_a_t5_takes_no_heads_for_tasks() -> None:
    with pytest.raises(UserError, match="a T5 or a GPT tells tasks apart"):
        build_multi_task("t5-small", TASKS)


@pytest.mark.parametrize("family", BODIES)
def test_saved_and_loaded(tmp_path: Path, family: str) -> None:
    config = BODIES[family]
    model = build_multi_task(config, TASKS).eval()
    save_model(tmp_path, model, extra={"sequence": {"max_length": 16}})
    loaded = load_model(tmp_path)
    assert isinstance(loaded.model, MultiTask) and not loaded.model.training
    assert loaded.config == config == loaded.model.config
    assert loaded.model.names == tuple(TASKS) and loaded.model.task_labels == model.task_labels
    assert loaded.new_parameters == ()
    before, after = model.state_dict(), loaded.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    half = load_model(tmp_path, dtype=torch.float64).model
    assert {parameter.dtype for parameter in half.parameters()} == {torch.float64}


def test_the_published_code_refuses_it_by_name(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    save_model(tmp_path, build_multi_task(SMALL, TASKS))
    with pytest.raises(ValueError, match="headwater-multi-task"):
        transformers.AutoConfig.from_pretrained(tmp_path)


def test_the_start_is_what_the_plain_model_starts_from(tmp_path: Path) -> None:
    """The published pooler goes into every head that pools, each its own copy."""
    save_model(tmp_path, build_model(SMALL))
    torch.manual_seed(2)
    plain = load_model(tmp_path, "sequence", labels=("no", "yes"))
    torch.manual_seed(2)
    two = {"a": TaskHead("sequence", ("no", "yes")), "b": TaskHead("sequence", ("x", "y", "z"))}
    several = load_multi_task(tmp_path, two)
    model = several.model
    assert isinstance(model, MultiTask)
    one = model.for_task("a").state_dict()
    assert all(torch.equal(tensor, one[name]) for name, tensor in plain.model.state_dict().items())
    poolers: list[Any] = [model.heads[name].pooler.dense.weight for name in two]
    assert torch.equal(*poolers) and poolers[0].data_ptr() != poolers[1].data_ptr()
    assert several.new_parameters == (
        *("heads.a.dense.weight", "heads.a.dense.bias"),
        *("heads.b.dense.weight", "heads.b.dense.bias"),
    )


def test_the_start_for_other_tasks(tmp_path: Path) -> None:
    """A folder of several tasks gives its body to a plain model, and keeps heads it knows."""
    model = build_multi_task(SMALL, TASKS)
    save_model(tmp_path, model)
    assert read_config(json.loads((tmp_path / "config.json").read_text()), "x") == SMALL
    plain = load_model(tmp_path, "span")
    body = model.body.state_dict()
    assert all(torch.equal(body[name], t) for name, t in plain.model.body.state_dict().items())
    assert plain.new_parameters == ("head.dense.weight", "head.dense.bias")
    tasks = {"new": TaskHead("regression"), "on_token": TASKS["on_token"],
             "on_sequence": TaskHead("sequence", ("a", "b"))}  # fmt: skip
    again = load_multi_task(tmp_path, tasks)
    assert isinstance(again.model, MultiTask) and again.model.names == tuple(tasks)
    kept: Any = again.model.heads["on_token"]
    assert torch.equal(kept.dense.weight, model.heads["on_token"].dense.weight)
    fresh = {name.split(".")[1] for name in again.new_parameters}
    assert fresh == {"new", "on_sequence"}
    assert torch.equal(again.model.body.embeddings.token.weight, model.body.embeddings.token.weight)


def test_head_only_freezes_the_body() -> None:
    model = build_multi_task(SMALL, TASKS)
    HeadOnly().attach(model)
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == name.startswith("heads."), name


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"tasks": {}}, "tasks: an object of heads by task was expected"),
        ({"tasks": {"a": 3}}, r"tasks\.a: a head and a list of labels"),
        ({"tasks": {"a": {"head": "spam", "labels": []}}}, r"tasks\.a: head 'spam'"),
        ({"tasks": {"a": {"head": "token", "labels": []}}}, r"tasks\.a: a token head chooses"),
        ({"body": 3}, "body: model_type None"),
        ({"body": {"model_type": "gpt2"}}, "body: an encoder was expected, not gpt2"),
    ],
)
def test_a_broken_config_is_refused(tmp_path: Path, change: dict[str, Any], match: str) -> None:
    save_model(tmp_path, build_multi_task(SMALL, TASKS))
    file = tmp_path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UserError, match=f"config.json: {match}"):
        load_model(tmp_path)


@pytest.mark.parametrize("way", ["absent", "unexpected", "shape"])
def test_tensors_that_do_not_fit_are_named(tmp_path: Path, way: str) -> None:
    save_model(tmp_path, build_multi_task(SMALL, TASKS))
    (tmp_path / "manifest.json").unlink()
    tensors = load_file(tmp_path / "model.safetensors")
    name = "heads.on_token.dense.weight"
    match way:
        case "absent":
            del tensors[name]
        case "unexpected":
            name = "heads.on_nothing.dense.weight"
            tensors[name] = torch.zeros(2)
        case "shape":
            tensors[name] = torch.zeros(2, 2)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=name):
        load_model(tmp_path)
