"""Label names travel in config.json, and the published Auto classes open and compute the same."""

import json
from pathlib import Path

import pytest
import torch

import tiny
from headwater.checkpoints.description import FeatureHead, read_config
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.models.build import build_model
from headwater.models.config import label_names

FAMILIES = {name: tiny.bert_config(**each) for name, each in tiny.ENCODERS.items()}
AUTO = {
    "sequence": "AutoModelForSequenceClassification",
    "regression": "AutoModelForSequenceClassification",
    "token": "AutoModelForTokenClassification",
}
LABELS = {"sequence": ("entailment", "not_entailment"), "token": ("O", "B-x", "I-x")}


@pytest.mark.parametrize("head", AUTO)
@pytest.mark.parametrize("family", FAMILIES)
def test_published_auto_classes_open_it(tmp_path: Path, family: str, head: str) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(4)
    labels = LABELS.get(head, ())
    model = build_model(FAMILIES[family], head, labels=labels).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    save_model(tmp_path, model)
    theirs, report = getattr(transformers, AUTO[head]).from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    assert not any(report.values()), report
    if head == "regression":
        assert theirs.config.num_labels == 1 and theirs.config.problem_type == "regression"
    else:
        assert theirs.config.id2label == dict(enumerate(labels))
        assert theirs.config.label2id == {name: n for n, name in enumerate(labels)}
    ids = torch.randint(4, 30, (3, 9))
    with torch.no_grad():
        found, wanted = model({"input_ids": ids}), theirs.eval()(input_ids=ids).logits
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() < 1e-5 * max(1.0, float(wanted.abs().max()))
    again = load_model(tmp_path, head, labels=labels)
    assert again.new_parameters == ()
    if labels:
        assert again.config.label_names == labels


def test_names_of_any_script_and_order_survive(tmp_path: Path) -> None:
    labels = tuple(f"größe {number}" for number in (3, 1, 2, *range(4, 14)))
    save_model(tmp_path, build_model(FAMILIES["bert"], "sequence", labels=labels))
    assert load_model(tmp_path).config.label_names == labels
    written = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert list(written["id2label"].values()) == list(labels)


def test_a_body_alone_may_name_no_classes() -> None:
    config = read_config({"model_type": "bert", "id2label": {}}, "config.json")
    assert label_names(config) == ("LABEL_0", "LABEL_1")


@pytest.mark.parametrize("kind", ["sequence", "token"])
def test_a_head_that_chooses_has_classes(kind: str) -> None:
    with pytest.raises(UserError, match="names of the classes were expected"):
        FeatureHead.check({"kind": kind, "labels": [], "pairs": False}, "config.json: features")
    assert FeatureHead.check({"kind": "span", "labels": [], "pairs": False}, "x").labels == []
