"""The tables are reversible, a missing head is reported, old spellings are read."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny
from headwater.checkpoints.description import read_config
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.models.build import build_model
from headwater.models.config import HEADS
from headwater.models.families import BY_MODEL_TYPE
from headwater.models.key_table import translate

TABLES = {name: family.formats[name].keys for name, family in BY_MODEL_TYPE.items()}

OF_BERT = [head for head in HEADS if head != "replaced_token"]  # which is ELECTRA's
SMALL = tiny.bert_config(hidden_size=8, num_hidden_layers=1, max_position_embeddings=16)


@pytest.mark.parametrize("family", TABLES)
def test_tables_are_reversible(family: str) -> None:
    table = TABLES[family]
    for head in table.heads:
        modules = table.modules(head)
        back = {theirs: ours for ours, theirs in modules.items()}
        assert len(back) == len(modules)
        for ours in modules:
            name = ours.replace("{n}", "11")
            name += "" if name.endswith(".weight") else ".bias"  # a whole tensor, or a module
            theirs = translate(name, modules)
            assert theirs is not None
            assert translate(theirs, back) == name


@pytest.mark.parametrize("family", ["bert", "roberta", "camembert", "electra", "deberta-v2"])
def test_a_classifier_drops_as_the_body_unless_it_is_stated(family: str) -> None:
    """`transformers` takes `hidden_dropout_prob` where nothing is stated."""
    own = BY_MODEL_TYPE[family].formats[family].fields["classifier_dropout"]
    json = {"model_type": family, "hidden_dropout_prob": 0.3, "pos_att_type": "p2c|c2p"}
    json |= {"relative_attention": True, "position_biased_input": False, "share_att_key": True}
    json |= {"norm_rel_ebd": "layer_norm"} if family == "deberta-v2" else {}
    for stated, expected in (({}, 0.3), ({own: None}, 0.3), ({own: 0.2}, 0.2)):
        config = read_config({**json, **stated}, "config.json")
        assert getattr(config, "classifier_dropout") == expected, stated  # noqa: B009


def test_a_name_that_is_in_no_table() -> None:
    assert translate("body.layers.x.attention.norm.weight", TABLES["bert"].modules(None)) is None


@pytest.mark.parametrize("target", OF_BERT)
@pytest.mark.parametrize("source", [None, *OF_BERT])
def test_any_head_on_any_body(tmp_path: Path, source: str | None, target: str) -> None:
    """What both have is kept; what is new is named; no head takes another's tensors."""
    torch.manual_seed(1)
    model = build_model(SMALL, source)
    save_model(tmp_path, model)
    if {source, target} == {"sequence", "multi_label"}:
        with pytest.raises(UserError, match=r"config\.json: its head gives .* is asked for"):
            load_model(tmp_path, target)
        return
    loaded = load_model(tmp_path, target)
    assert loaded.model.head_name == target
    kept = "layers.0.attention.norm.bias"
    body = model if source is None else model.body
    assert torch.equal(body.state_dict()[kept], loaded.model.body.state_dict()[kept])
    shared = {"pretraining": {"masked_lm", "next_sentence"}}
    complete = source == target or target in shared.get(str(source), set())
    complete = complete or target == "embedding"  # which pools, and has no tensors of its own
    assert (loaded.new_parameters == ()) == complete
    for name, parameter in loaded.model.named_parameters():
        assert torch.isfinite(parameter).all(), name
    if source == "token" and target == "sequence":
        assert "head.dense.weight" in loaded.new_parameters


@pytest.mark.parametrize("head", ["sequence", "token"])
def test_a_head_goes_on_only_with_its_own_labels(tmp_path: Path, head: str) -> None:
    """A model of one task is the start for another, whose classes get a fresh layer."""
    save_model(tmp_path, build_model(SMALL, head, labels=("yes", "maybe", "no")))
    same = load_model(tmp_path, head, labels=("yes", "maybe", "no"))
    assert same.new_parameters == () and same.config.label_names == ("yes", "maybe", "no")
    for labels in (("no", "yes"), ("no", "maybe", "yes")):
        other = load_model(tmp_path, head, labels=labels)
        assert other.new_parameters == ("head.dense.weight", "head.dense.bias")
        assert other.config.label_names == labels
        assert other.model.head.dense.weight.shape == (len(labels), 8)
        if head == "sequence":  # what pools is that of the body, and stays
            assert torch.equal(
                other.model.head.pooler.dense.weight, same.model.head.pooler.dense.weight
            )


def test_labels_without_names_take_those_that_are_given(tmp_path: Path) -> None:
    model = build_model(SMALL, "sequence")
    save_model(tmp_path, model)
    named = load_model(tmp_path, "sequence", labels=("no", "yes"))
    assert named.new_parameters == () and named.config.label_names == ("no", "yes")
    assert torch.equal(named.model.head.dense.weight, model.head.dense.weight)
    assert load_model(tmp_path, "sequence", labels=("a", "b", "c")).new_parameters


def test_a_label_given_twice() -> None:
    with pytest.raises(UserError, match="'no' is given twice"):
        build_model(SMALL, "sequence", labels=("no", "yes", "no"))


def test_gamma_and_beta_and_a_missing_prefix(tmp_path: Path) -> None:
    save_model(tmp_path, build_model(SMALL, "span"))
    want = load_model(tmp_path).model.body.state_dict()
    tensors = load_file(tmp_path / "model.safetensors")
    old = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("bert.")
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        old[name.replace("LayerNorm.bias", "LayerNorm.beta")] = tensor
    old["embeddings.position_ids"] = torch.arange(16)[None]
    save_file(old, tmp_path / "model.safetensors")
    (tmp_path / "manifest.json").unlink()
    loaded = load_model(tmp_path)
    assert loaded.ignored == ("bert.embeddings.position_ids",)
    have = loaded.model.body.state_dict()
    assert all(torch.equal(want[name], have[name]) for name in want)


def test_roberta_has_no_next_sentence(tmp_path: Path) -> None:
    config = tiny.bert_config(**tiny.ENCODERS["roberta"])
    save_model(tmp_path, build_model(config, "span"))
    with pytest.raises(UserError, match="roberta body takes no next_sentence head"):
        load_model(tmp_path, "next_sentence")


def test_new_heads_are_drawn_by_the_seed(tmp_path: Path) -> None:
    save_model(tmp_path, build_model(SMALL))
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(load_model(tmp_path, "span").model.head.dense.weight)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.timing
def test_loading_stays_quick(tmp_path: Path) -> None:
    """Building on the meta device must not pull in torch's compiler: it costs over a second."""
    save_model(tmp_path, build_model(SMALL, "span"))
    program = (
        "import sys; from pathlib import Path; from headwater.checkpoints.folder import load_model;"
        "load_model(Path(sys.argv[1]));"
        "print([n for n in ('sympy', 'torch._dynamo', 'transformers') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
