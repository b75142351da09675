"""What was trained goes to disk alone and comes back onto its body, also by the `peft` package."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor

import tiny
from headwater.checkpoints.adapted import open_model, put_on
from headwater.checkpoints.folder import load_model, load_multi_task, save_model
from headwater.checkpoints.parts import Adaptation, Base, read_adaptation
from headwater.errors import UserError
from headwater.methods.config import MethodConfig
from headwater.methods.lora import merge
from headwater.methods.names import build_method
from headwater.models.build import Model
from headwater.models.config import TaskHead

IDS = torch.arange(6, 18).reshape(2, 6)
LORA: dict[str, Any] = {"method": "lora", "lora": {"rank": 2}}
WIDE: dict[str, Any] = {
    "method": "lora",
    "lora": {"rank": 3, "alpha": 5.0, "targets": ["key", "output", "outer"]},
}
ADAPTERS: dict[str, Any] = {
    "method": "adapters",
    "adapters": {"size": 3, "after_attention": True},
}


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bodies of several families, saved without heads."""
    folder = tmp_path_factory.mktemp("bodies")
    for name, changes in tiny.ENCODERS.items():
        save_model(folder / name, tiny.bert(max_position_embeddings=16, **changes))
    save_model(folder / "t5", tiny.t5())
    return folder


def start(body: Path, head: str | None, settings: dict[str, Any]) -> tuple[Model, Adaptation]:
    """A model whose trained tensors are anything, as after a run."""
    labels = ["a", "b", "c"] if head in ("sequence", "token") else None
    torch.manual_seed(1)
    model = load_model(body, head, labels=labels).model
    config = MethodConfig.check(settings, "test")
    build_method(config).attach(model)
    shake(model)
    return model, Adaptation(config, Base.of(str(body)))


def shake(model: Model) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.2)


def output(model: Any) -> Tensor:
    found = model({"input_ids": IDS, "labels": IDS})
    return torch.stack(found) if isinstance(found, tuple) else found


CASES = [
    *((body, head) for body in ("bert", "roberta") for head in ("sequence", "token", "span")),
    *(("distilbert", "sequence"), ("bert", "regression"), ("bert", "masked_lm"), ("t5", None)),
]


@pytest.mark.parametrize("settings", [LORA, WIDE, ADAPTERS], ids=["lora", "wide", "adapters"])
@pytest.mark.parametrize(("body", "head"), CASES)
def test_what_was_trained_comes_back_with_equal_outputs(
    body: str, head: str | None, settings: dict[str, Any], bodies: Path, tmp_path: Path
) -> None:
    model, adapted = start(bodies / body, head, settings)
    save_model(tmp_path / "run", model, adaptation=adapted)
    held = load_file(tmp_path / "run" / "adapter_model.safetensors")
    trained = [p for p in model.parameters() if p.requires_grad]
    assert len(held) == len(trained)
    assert sum(each.numel() for each in held.values()) == sum(p.numel() for p in trained)
    state = torch.get_rng_state()
    again = open_model(tmp_path / "run").model
    assert not again.training
    assert torch.equal(output(again), output(model))
    assert torch.equal(torch.get_rng_state(), state)
    assert read_adaptation(tmp_path / "run") == adapted
    if settings["method"] == "lora":
        merge(again)
        save_model(tmp_path / "merged", again)
        assert torch.allclose(
            output(load_model(tmp_path / "merged").model), output(model), atol=1e-5
        )


CLASSES: dict[tuple[str, str | None], Any] = {
    ("bert", "sequence"): transformers.BertForSequenceClassification,
    ("bert", "regression"): transformers.BertForSequenceClassification,
    ("bert", "token"): transformers.BertForTokenClassification,
    ("bert", "span"): transformers.BertForQuestionAnswering,
    ("roberta", "sequence"): transformers.RobertaForSequenceClassification,
    ("distilbert", "sequence"): transformers.DistilBertForSequenceClassification,
    ("t5", None): transformers.T5ForConditionalGeneration,
}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("settings", [LORA, WIDE], ids=["lora", "wide"])
@pytest.mark.parametrize(("body", "head"), CLASSES)
def test_peft_opens_it_with_equal_outputs(
    body: str, head: str | None, settings: dict[str, Any], bodies: Path, tmp_path: Path
) -> None:
    model, adapted = start(bodies / body, head, settings)
    save_model(tmp_path / "run", model, adaptation=adapted)
    classes = {"sequence": 3, "token": 3, "regression": 1}.get(head or "")
    sizes = {} if classes is None else {"num_labels": classes}
    theirs = CLASSES[body, head].from_pretrained(bodies / body, **sizes)
    theirs = PeftModel.from_pretrained(theirs, tmp_path / "run").eval()
    with torch.no_grad():
        found = theirs(input_ids=IDS, **({"labels": IDS} if head is None else {}))
    wanted = output(model)
    got = torch.stack([found.start_logits, found.end_logits]) if head == "span" else found.logits
    assert torch.allclose(got, wanted, atol=1e-5)


def test_the_names_in_a_peft_file(bodies: Path, tmp_path: Path) -> None:
    model, adapted = start(bodies / "bert", "sequence", LORA)
    save_model(tmp_path / "run", model, adaptation=adapted)
    names = set(load_file(tmp_path / "run" / "adapter_model.safetensors"))
    query = "base_model.model.bert.encoder.layer.0.attention.self.query"
    assert {f"{query}.lora_A.weight", f"{query}.lora_B.weight"} < names
    assert {"base_model.model.classifier.weight", "base_model.model.classifier.bias"} < names
    content = json.loads((tmp_path / "run" / "adapter_config.json").read_text())
    assert content["target_modules"] == ["query", "value"]
    assert content["modules_to_save"] == ["bert.pooler.dense", "classifier"]
    assert (content["r"], content["task_type"], content["bias"]) == (2, "SEQ_CLS", "none")
    model, adapted = start(bodies / "bert", "sequence", WIDE)
    save_model(tmp_path / "wide", model, adaptation=adapted)
    content = json.loads((tmp_path / "wide" / "adapter_config.json").read_text())
    # "dense" would also name the pooler's.
    assert "bert.encoder.layer.1.output.dense" in content["target_modules"]


@pytest.mark.parametrize("settings", [LORA, ADAPTERS], ids=["lora", "adapters"])
def test_a_body_with_several_heads_is_saved_alone(
    settings: dict[str, Any], bodies: Path, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    heads = {"cola": TaskHead("sequence", ("no", "yes")), "stsb": TaskHead("regression")}
    model = load_multi_task(bodies / "bert", heads).model
    config = MethodConfig.check(settings, "test")
    build_method(config).attach(model)
    shake(model)
    save_model(
        tmp_path / "run", model, adaptation=Adaptation(config, Base.of(str(bodies / "bert")))
    )
    assert not (tmp_path / "run" / "adapter_config.json").exists()
    again = open_model(tmp_path / "run").model
    for name in heads:
        assert torch.equal(output(again.for_task(name)), output(model.for_task(name)))  # type: ignore[union-attr]


def test_one_body_serves_several_and_is_given_back_unchanged(bodies: Path, tmp_path: Path) -> None:
    for name, settings in (("a", ADAPTERS), ("b", LORA)):
        model, adapted = start(bodies / "bert", "sequence", settings)
        save_model(tmp_path / name, model, adaptation=adapted)
    body = load_model(bodies / "bert", "masked_lm").model
    before = output(body)
    addresses = {name: each.data_ptr() for name, each in body.state_dict().items()}

    def on_body(name: str) -> Model:
        found = read_adaptation(tmp_path / name)
        assert found is not None
        return put_on(body, tmp_path / name, found).model

    first = output(on_body("a"))
    other = on_body("b")
    assert torch.equal(output(on_body("a")), first)
    assert torch.equal(output(other), output(open_model(tmp_path / "b").model))
    assert torch.equal(output(body), before)
    assert {name: each.data_ptr() for name, each in body.state_dict().items()} == addresses
    embedding = "body.embeddings.token.weight"
    assert other.get_parameter(embedding).data_ptr() == addresses[embedding]
    shared = {each.data_ptr() for each in other.parameters()} & set(addresses.values())
    assert len(shared) == len(addresses) - sum(name.startswith("head.") for name in addresses)


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


@pytest.fixture
def run(bodies: Path, tmp_path: Path) -> Path:
    """A run on a copy of a body."""
    shutil.copytree(bodies / "bert", tmp_path / "body")
    model, adapted = start(tmp_path / "body", "sequence", LORA)
    save_model(tmp_path / "run", model, adaptation=adapted)
    return tmp_path / "run"


def test_a_body_that_has_gone_or_changed_is_reported(run: Path) -> None:
    body = run.parent / "body"
    body.rename(run.parent / "moved")
    with pytest.raises(UserError, match=r"base.json: the body .* is not at .*/body; write its "):
        open_model(run)
    edit(run / "base.json", lambda content: content.update(path=str(run.parent / "moved")))
    open_model(run)
    torch.manual_seed(5)
    other = load_model(run.parent / "moved").model
    shake(other)
    save_model(run.parent / "moved", other)
    with pytest.raises(UserError, match=r"moved: holds other weights than those that .*/run was"):
        open_model(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("path"), "base.json: an object with name, path and sha256 was expected"),
        (lambda c: c.update(path=3), "base.json: texts were expected"),
        (lambda c: c.update(path=""), "base.json: texts were expected"),
        (lambda c: c.update(sha256=["x"]), "base.json: texts were expected"),
    ],
)
def test_a_broken_base_json_is_reported(
    change: Callable[[dict[str, Any]], object], message: str, run: Path
) -> None:
    edit(run / "base.json", change)
    with pytest.raises(UserError, match=message):
        open_model(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(method="lorra"), "method.json: method = 'lorra': did you mean 'lora'"),
        (lambda c: c["settings"].update(rank=0), "lora.rank = 0"),
        (lambda c: c.update(settings=3), "method.json: lora = 3: a table was expected"),
        (lambda c: c.pop("settings"), "method.json: an object with method and settings was"),
        (lambda c: c["settings"].update(rank=3), r"lora_A.weight is \(2, 16\), \(3, 16\) was"),
        (lambda c: c["settings"].update(targets=["query"]), r"is \(2, 16\), nothing was expected"),
        (lambda c: c["settings"].update(alpha=99.0), r"method.json: damaged"),
    ],
)
def test_a_broken_method_json_is_reported(
    change: Callable[[dict[str, Any]], object], message: str, run: Path
) -> None:
    edit(run / "method.json", change)
    with pytest.raises(UserError, match=message):
        open_model(run)


def test_damage_is_noticed(run: Path) -> None:
    weights = run / "adapter_model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(UserError, match=r"adapter_model.safetensors: damaged"):
        open_model(run)
    weights.unlink()
    with pytest.raises(UserError, match=r"adapter_model.safetensors: is in manifest.json but miss"):
        open_model(run)
    weights.write_bytes(good)
    (run / "config.json").write_text((run / "config.json").read_text() + " ")
    with pytest.raises(UserError, match=r"config.json: damaged"):
        open_model(run)


def test_it_is_not_taken_for_a_whole_model(run: Path) -> None:
    with pytest.raises(UserError, match="only what method 'lora' trained, without its body; start"):
        load_model(run)
    with pytest.raises(UserError, match="headwater merge MODEL --output DIR"):
        Base.of(str(run))


def test_weights_that_are_not_finite_are_not_saved(bodies: Path, tmp_path: Path) -> None:
    model, adapted = start(bodies / "bert", "span", LORA)
    with torch.no_grad():
        model.get_parameter("head.dense.bias").fill_(torch.nan)
    with pytest.raises(UserError, match=r"qa_outputs.bias is not finite"):
        save_model(tmp_path / "run", model, adaptation=adapted)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model_type", "t5", "BertForSequenceClassification is not supported; known are T5For"),
        ("architectures", ["BertModel"], "architectures: a class with a head was expected"),
        ("architectures", ["BertForPoetry"], "BertForPoetry is not supported"),
        ("vocab_size", 41, r"config.json: damaged"),
    ],
)
def test_a_config_of_another_model_is_reported(
    key: str, value: object, message: str, run: Path
) -> None:
    content = json.loads((run / "config.json").read_text()) | {key: value}
    (run / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        open_model(run)
