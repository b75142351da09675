"""Folders that the `peft` package wrote are opened as the models they stand for, in every verb."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import tiny
from conftest import Headwater
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from headwater.inference.loaded import load

peft = pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore")

WORDS = (*tiny.WORDS, "who", "sat")
HEADS = {
    "SEQ_CLS": "SequenceClassification",
    "TOKEN_CLS": "TokenClassification",
    "QUESTION_ANS": "QuestionAnswering",
}


def base(folder: Path, family: str = "bert") -> Path:
    """A random model of `transformers` with its vocabulary, a body alone where it has heads."""
    torch.manual_seed(0)
    if family == "bert":
        size = tiny.wordpiece(folder, WORDS, tiny.LETTERS).size
        config = transformers.BertConfig(
            vocab_size=size, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=64,
        )  # fmt: skip
        transformers.BertModel(config).save_pretrained(folder)
        return folder
    size = tiny.unigram(folder, WORDS).size
    if family == "t5":
        config = transformers.T5Config(
            vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_heads=2, num_layers=2,
            decoder_start_token_id=0,
        )  # fmt: skip
        transformers.T5ForConditionalGeneration(config).save_pretrained(folder)
    else:
        config = transformers.GPT2Config(
            vocab_size=size, n_positions=64, n_embd=16, n_layer=2, n_head=2,
            bos_token_id=1, eos_token_id=1,
        )  # fmt: skip
        transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def adapted(folder: Path, of: Path, auto: str, *, labels: int = 2, **settings: Any) -> Any:
    """Adapt a base with `peft`, as far as random matrices do, and save what is adapted."""
    torch.manual_seed(1)
    more = {"num_labels": labels} if settings.get("task_type") in ("SEQ_CLS", "TOKEN_CLS") else {}
    model = getattr(transformers, f"AutoModel{auto}").from_pretrained(of, **more)
    kind = settings.pop("kind", peft.LoraConfig)
    model = peft.get_peft_model(model, kind(**settings))
    for name, parameter in model.named_parameters():
        if "lora" in name or parameter.requires_grad:
            torch.nn.init.normal_(parameter, 0.0, 0.3)
    model.save_pretrained(folder)
    return model.eval()


BERTS: list[tuple[str, dict[str, Any]]] = [
    ("SEQ_CLS", {"target_modules": ["query", "value"]}),
    ("TOKEN_CLS", {"target_modules": ["query", "value"], "lora_alpha": 3}),
    ("QUESTION_ANS", {"target_modules": ["query", "value"]}),
    ("SEQ_CLS", {"target_modules": ["dense"], "r": 3, "use_rslora": True}),
    ("SEQ_CLS", {"target_modules": "all-linear", "bias": "all"}),
    ("SEQ_CLS", {"target_modules": ["query"], "bias": "all",
                 "modules_to_save": ["classifier", "pooler"]}),
    ("SEQ_CLS", {"target_modules": ["key", "query", "word_embeddings"], "r": 4,
                 "rank_pattern": {"key": 2}, "alpha_pattern": {"layer.1.*query": 32}}),
    ("TOKEN_CLS", {"target_modules": ["value"], "layers_to_transform": [1]}),
    ("SEQ_CLS", {"target_modules": ["query"], "modules_to_save": ["classifier", "pooler"]}),
]  # fmt: skip


@pytest.mark.parametrize(("task", "settings"), BERTS)
@pytest.mark.parametrize("labels", [2, 3])
def test_a_bert_gives_what_peft_gives(
    tmp_path: Path, task: str, settings: dict[str, Any], labels: int
) -> None:
    body = base(tmp_path / "base")
    theirs = adapted(
        *(tmp_path / "peft", body, f"For{HEADS[task]}"), labels=labels, task_type=task, **settings
    )
    ours = load_model(tmp_path / "peft")
    assert ours.new_parameters == ()
    ids = torch.arange(5, 15)[None]
    mine = ours.model({"input_ids": ids})
    with torch.no_grad():
        want = theirs(input_ids=ids)
    if task == "QUESTION_ANS":
        assert torch.allclose(mine.start_logits, want.start_logits, atol=1e-4)
        assert torch.allclose(mine.end_logits, want.end_logits, atol=1e-4)
    else:
        assert torch.allclose(mine, want.logits, atol=1e-4)
        assert len(ours.model.labels) == labels


@pytest.mark.parametrize(
    ("family", "auto", "settings"),
    [
        ("t5", "ForSeq2SeqLM", {"task_type": "SEQ_2_SEQ_LM", "target_modules": ["q", "v"]}),
        ("t5", "ForSeq2SeqLM", {"task_type": "SEQ_2_SEQ_LM", "target_modules": ["o", "wi"]}),
        ("gpt2", "ForCausalLM", {"task_type": "CAUSAL_LM", "target_modules": ["c_attn"]}),
        ("gpt2", "ForCausalLM", {"task_type": "CAUSAL_LM", "fan_in_fan_out": True,
                                 "target_modules": ["c_attn", "c_proj", "c_fc"]}),
        ("gpt2", "ForCausalLM", {"target_modules": ["c_proj"]}),
    ],
)  # fmt: skip
def test_a_model_that_writes_gives_what_peft_gives(
    tmp_path: Path, family: str, auto: str, settings: dict[str, Any]
) -> None:
    body = base(tmp_path / "base", family)
    theirs = adapted(tmp_path / "peft", body, auto, **settings)
    ours = load_model(tmp_path / "peft")
    ids = torch.arange(5, 15)[None]
    with torch.no_grad():
        if family == "t5":
            labels = torch.tensor([[4, 9, 7, 1]])
            want = theirs(input_ids=ids, labels=labels).logits
            mine = ours.model({"input_ids": ids, "labels": labels})
        else:
            want, mine = theirs(input_ids=ids).logits, ours.model({"input_ids": ids})
    assert torch.allclose(mine, want, atol=1e-4)
    texts = load(tmp_path / "peft", "cpu").generate(["who sat", "the mill"], max_new_tokens=6)
    assert len(texts) == 2  # with the vocabulary of the base


@pytest.mark.parametrize(
    ("family", "auto", "target"),
    [
        ("bert", "ForSequenceClassification", "query"),
        ("t5", "ForSeq2SeqLM", "q"),
        ("gpt2", "ForCausalLM", "c_attn"),
    ],
)
def test_tokens_that_were_added_have_their_rows(
    tmp_path: Path, family: str, auto: str, target: str
) -> None:
    body, folder = base(tmp_path / "base", family), tmp_path / "peft"
    torch.manual_seed(1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(body)
    tokenizer.add_tokens(["<one>", "<two>"])
    rows = len(tokenizer)
    model = getattr(transformers, f"AutoModel{auto}").from_pretrained(body)
    model.resize_token_embeddings(rows)
    task = {"bert": "SEQ_CLS", "t5": "SEQ_2_SEQ_LM", "gpt2": "CAUSAL_LM"}[family]
    fan = {"fan_in_fan_out": True} if family == "gpt2" else {}
    model = peft.get_peft_model(
        model, peft.LoraConfig(task_type=task, target_modules=[target], **fan)
    ).eval()
    model.save_pretrained(folder, save_embedding_layers=True)
    tokenizer.save_pretrained(folder)
    ours = load_model(folder)
    assert ours.config.vocab_size == rows
    ids = torch.tensor([[5, rows - 1, 7, rows - 2]])
    with torch.no_grad():
        if family == "t5":
            labels = torch.tensor([[4, rows - 1, 1]])
            want = model(input_ids=ids, labels=labels).logits
            mine = ours.model({"input_ids": ids, "labels": labels})
        else:
            want, mine = model(input_ids=ids).logits, ours.model({"input_ids": ids})
    assert torch.allclose(mine, want, atol=1e-4)
    assert load(folder, "cpu").vocabulary.id_of("<two>") == rows - 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "IA3Config", "target_modules": ["key"], "feedforward_modules": []}, "IA3"),
        ({"kind": "PrefixTuningConfig", "num_virtual_tokens": 3}, "PREFIX_TUNING"),
        ({"target_modules": ["query"], "use_dora": True}, "use_dora = True"),
        ({"target_modules": ["query"], "init_lora_weights": "pissa"}, "'pissa' changes the base"),
        ({"target_modules": ["query"], "lora_bias": True}, "lora_bias = True"),
    ],
)
def test_what_is_no_lora_is_refused_by_name(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    body = base(tmp_path / "base")
    settings["kind"] = getattr(peft, settings.get("kind", "LoraConfig"))
    adapted(tmp_path / "peft", body, "ForSequenceClassification", task_type="SEQ_CLS", **settings)
    with pytest.raises(UserError, match=rf"peft/adapter_config\.json: .*{said}.*merge_and_unload"):
        load(tmp_path / "peft", "cpu")


def edit(folder: Path, **changes: Any) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_where_the_base_was_looked_for_is_said(tmp_path: Path) -> None:
    body = base(tmp_path / "base")
    settings = {"task_type": "SEQ_CLS", "target_modules": ["query"]}
    adapted(tmp_path / "peft", body, "ForSequenceClassification", **settings)
    body.rename(tmp_path / "moved")
    with pytest.raises(UserError, match=rf"adapter_config\.json: .* looked for at {body} .*write"):
        load_model(tmp_path / "peft")
    edit(tmp_path / "peft", base_model_name_or_path="moved")  # beside the folder
    load_model(tmp_path / "peft")
    edit(tmp_path / "peft", base_model_name_or_path="")
    with pytest.raises(UserError, match="base_model_name_or_path names no model"):
        load_model(tmp_path / "peft")
    edit(tmp_path / "peft", base_model_name_or_path="moved", task_type="FEATURE_EXTRACTION")
    assert load_model(tmp_path / "peft").model.head_name is None
    edit(tmp_path / "peft", task_type="SEQ_2_SEQ_LM")
    assert load_model(tmp_path / "peft").model.head_name is None
    edit(tmp_path / "peft", task_type="POEMS")
    with pytest.raises(UserError, match="task_type 'POEMS' of a bert is not supported"):
        load_model(tmp_path / "peft")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lora_alpha": 10**400}, "lora_alpha must be a number"),
        ({"alpha_pattern": ["query"]}, "alpha_pattern must be an object"),
        ({"alpha_pattern": {"(": 3}}, "alpha_pattern has a broken pattern"),
        ({"task_type": ["SEQ_CLS"]}, r"task_type \['SEQ_CLS'\] of a bert is not supported"),
        ({"base_model_name_or_path": "a" * 5000}, "not a folder name"),
    ],
)
def test_odd_settings_are_one_line(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    body = base(tmp_path / "base")
    settings = {"task_type": "SEQ_CLS", "target_modules": ["query"]}
    adapted(tmp_path / "peft", body, "ForSequenceClassification", **settings)
    edit(tmp_path / "peft", **changes)
    with pytest.raises(UserError, match=rf"adapter_config\.json: .*{said}"):
        load_model(tmp_path / "peft")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("lora_A.weight", (16,)),
        ("lora_A.weight", (3, 16)),
        ("lora_A.weight", (2, 16, 1, 1)),
        ("classifier.weight", ()),
        ("classifier.weight", (0, 16)),
    ],
)
def test_odd_tensors_are_one_line(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    body, file = base(tmp_path / "base"), tmp_path / "peft" / "adapter_model.safetensors"
    settings = {"task_type": "SEQ_CLS", "target_modules": ["query"], "r": 2}
    adapted(tmp_path / "peft", body, "ForSequenceClassification", **settings)
    tensors = {
        key: torch.zeros(shape) if key.endswith(name) else each
        for key, each in load_file(file).items()
    }
    save_file(tensors, file)
    with pytest.raises(UserError, match=r"adapter_model\.safetensors: .*merge_and_unload"):
        load_model(tmp_path / "peft")


def test_another_base_is_noticed(tmp_path: Path) -> None:
    body = base(tmp_path / "base")
    settings = {"task_type": "SEQ_CLS", "target_modules": ["query"]}
    adapted(tmp_path / "peft", body, "ForSequenceClassification", **settings)
    tiny.model_folder(tmp_path / "other", load(body, "cpu").vocabulary, hidden_size=8)
    edit(tmp_path / "peft", base_model_name_or_path=str(tmp_path / "other"))
    with pytest.raises(UserError, match=r"its update is .* is it the right one\?"):
        load_model(tmp_path / "peft")


def test_a_config_and_a_vocabulary_of_its_own_come_first(tmp_path: Path) -> None:
    body = base(tmp_path / "base")
    settings = {"task_type": "SEQ_CLS", "target_modules": ["query"]}
    adapted(tmp_path / "peft", body, "ForSequenceClassification", **settings)
    content = json.loads((body / "config.json").read_text())
    content["id2label"] = {"0": "bad", "1": "good"}
    (tmp_path / "peft" / "config.json").write_text(json.dumps(content))
    shutil.copy(body / "vocab.txt", tmp_path / "peft")
    (body / "vocab.txt").unlink()
    found = load(tmp_path / "peft", "cpu")
    assert {each.label for each in found.classify("the mill")} == {"bad", "good"}


def test_every_verb_takes_it(tmp_path: Path, headwater: Headwater) -> None:
    body = base(tmp_path / "base")
    lora = {"target_modules": ["query", "value"]}
    for name, task in (("seq", "SEQ_CLS"), ("qa", "QUESTION_ANS")):
        adapted(tmp_path / name, body, f"For{HEADS[task]}", task_type=task, **lora)
    data = tiny.sst2(tmp_path / "dev.tsv", 8)
    model = ("--model", tmp_path / "seq", "--task", "sst2")
    ran = headwater("evaluate", *model, "--data", data, "--json", "--device", "cpu")
    assert ran.code == 0, ran.err
    accuracy = json.loads(ran.out)["accuracy"]
    ran = headwater("predict", *model, "--input", data, "--output", tmp_path / "out.tsv")
    assert ran.code == 0, ran.err
    merged = tmp_path / "merged"
    ran = headwater("merge", tmp_path / "seq", "--output", merged)
    assert ran.code == 0, ran.err
    line = ("evaluate", "--model", merged, "--task", "sst2", "--data", data, "--json")
    assert json.loads(headwater(*line).out)["accuracy"] == accuracy
    context = tmp_path / "text.txt"
    context.write_text("the mill is good . a river is bad .")
    ran = headwater("ask", "who is good", "--context", context, "--model", tmp_path / "qa")
    assert ran.code == 0, ran.err
    ran = headwater("inspect", "outputs", tmp_path / "seq", "the mill")
    assert ran.code == 0, ran.err
    for method in ("all", "lora"):
        run = tmp_path / f"run-{method}"
        ran = headwater(
            *("finetune", *model, "--data", data, "--output", run, "--set", f"method={method}"),
            *("--set", "training.steps=1", "--set", "training.device=cpu"),
        )
        assert ran.code == 0, ran.err
        ran = headwater("evaluate", "--model", run, "--task", "sst2", "--data", data)
        assert ran.code == 0, ran.err
