"""Every family and head equals the published code: outputs, losses, gradients, both directions."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from transformers.models.modernbert import modeling_modernbert

from headwater.checkpoints.description import PROBLEMS
from headwater.checkpoints.folder import load_model, save_model
from headwater.checkpoints.state_dict import unpack
from headwater.models.families import BY_MODEL_TYPE

TABLES = {name: family.formats[name].keys for name, family in BY_MODEL_TYPE.items()}

SIZES = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
}
DEBERTA = {
    "relative_attention": True,
    "position_biased_input": False,
    "pos_att_type": ["p2c", "c2p"],
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "legacy": False,
}
CONFIGS = {
    "bert": lambda **extra: transformers.BertConfig(**SIZES, **extra),
    "roberta": lambda **extra: transformers.RobertaConfig(**SIZES, type_vocab_size=1, **extra),
    "xlm-roberta": lambda **extra: transformers.XLMRobertaConfig(
        **SIZES, type_vocab_size=1, **extra
    ),
    "camembert": lambda **extra: transformers.CamembertConfig(**SIZES, type_vocab_size=1, **extra),
    "electra": lambda **extra: transformers.ElectraConfig(
        **SIZES, embedding_size=16, hidden_act="relu", **extra
    ),
    "deberta-v2": lambda **extra: transformers.DebertaV2Config(
        **SIZES, **DEBERTA, position_buckets=8, **extra
    ),
    "albert": lambda **extra: transformers.AlbertConfig(
        **SIZES | {"num_hidden_layers": 4},
        embedding_size=16,
        num_hidden_groups=2,
        inner_group_num=2,
        **extra,
    ),
    "modernbert": lambda **extra: transformers.ModernBertConfig(
        **SIZES | {"num_hidden_layers": 3, "num_attention_heads": 2},
        **dict.fromkeys(("pad_token_id", "bos_token_id", "cls_token_id"), 0),
        **dict.fromkeys(("eos_token_id", "sep_token_id"), 1),
        local_attention=6,
        global_attn_every_n_layers=2,
        classifier_pooling="mean",
        **extra,
    ),
    "mpnet": lambda **extra: transformers.MPNetConfig(**SIZES, hidden_act="relu", **extra),
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
CASES = [(family, head) for family in CONFIGS for head in TABLES[family].heads]
# What moves every score of a softmax by the same amount changes nothing: these gradients are zero,
# and what stands in them is rounding.
SHIFTS = re.compile(
    r"body\.layers\.\d\.attention\.layer\.key\.bias|head\.dense\.bias"
    r"|body\.layers\.5\.feedforward\.norm\.bias"
)
TOLERANCE = {torch.float32: (1e-5, 1e-4), torch.float64: (1e-9, 1e-8)}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)


@pytest.fixture(autouse=True)
def reference_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """ModernBERT's code rounds float64 to float32 inside, which would hide our own errors."""

    def attend(
        module: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        scaling: float,
        **given: Any,
    ) -> tuple[Tensor, Tensor]:
        scores = query @ key.transpose(2, 3) * scaling
        weights = (scores if mask is None else scores + mask).softmax(-1)
        return (weights @ value).transpose(1, 2).contiguous(), weights

    def turn(
        query: Tensor, key: Tensor, cos: Tensor, sin: Tensor, unsqueeze_dim: int = 1
    ) -> list[Tensor]:
        cos, sin = cos.unsqueeze(unsqueeze_dim), sin.unsqueeze(unsqueeze_dim)
        return [each * cos + modeling_modernbert.rotate_half(each) * sin for each in (query, key)]

    monkeypatch.setattr(modeling_modernbert, "eager_attention_forward", attend)
    monkeypatch.setattr(modeling_modernbert, "apply_rotary_pos_emb", turn)


def reference(family: str, head: str | None, dtype: torch.dtype) -> Any:
    extra = {"num_labels": 1} if head == "regression" else {}
    if head in ("sequence", "multi_label", "token"):
        extra = {"id2label": {0: "no", 1: "maybe", 2: "yes"}}
    # What the labels do not tell; DeBERTa's code rounds or flattens unless it is told.
    if head == "multi_label" or (family == "deberta-v2" and head in PROBLEMS):
        extra |= {"problem_type": PROBLEMS[head]}
    config = CONFIGS[family](**extra)
    config._attn_implementation = "eager"
    model = getattr(transformers, TABLES[family].heads[head].architecture)(config)
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
    config = CONFIGS[family]()
    ids = ids.where(mask, config.pad_token_id)
    batch = {"input_ids": ids, "attention_mask": mask}
    if getattr(config, "type_vocab_size", 0) > 1:
        batch["token_type_ids"] = (torch.arange(17) > 5).long().expand(4, 17) * mask
    asked = torch.rand(4, 17) < 0.4
    asked[0, 3] = True
    match head:
        case "span":
            batch["start_positions"] = torch.tensor([3, 0, 0, 2])
            batch["end_positions"] = torch.tensor([5, 8, 0, 2])
        case "sequence":
            batch["labels"] = torch.tensor([0, 2, 1, 1])
        case "multi_label":
            batch["labels"] = (torch.rand(4, 3) < 0.5).float()
        case "regression":
            batch["labels"] = torch.tensor([0.5, 2.0, -1.0, 3.0])
        case "next_sentence":
            batch["next_sentence_label"] = torch.tensor([0, 1, 1, 0])
        case "token":
            batch["labels"] = torch.randint(0, 3, (4, 17)).where(asked & mask, -100)
        case "replaced_token":
            batch["labels"] = asked.long().where(mask, -100)
        case "masked_lm" | "pretraining":
            batch["labels"] = ids.where(asked & mask, -100)
    if head == "pretraining":
        batch["next_sentence_label"] = torch.tensor([0, 1, 1, 0])
    return batch


def ask_reference(model: Any, batch: dict[str, Tensor], head: str | None) -> Any:
    renamed = dict(batch) | {"attention_mask": batch["attention_mask"].long()}
    if head == "next_sentence":
        renamed["labels"] = renamed.pop("next_sentence_label")
    if head in ("regression", "multi_label"):
        renamed["labels"] = renamed["labels"].to(next(model.parameters()).dtype)
    return model(**renamed)


def published_loss(published: Any, batch: dict[str, Tensor], head: str) -> Tensor:
    """The loss of the published code, or its formula where that rounds to float32 inside."""
    logits = published.get("logits")
    if logits is None or published.loss.dtype == logits.dtype:
        return published.loss
    if head == "masked_lm":
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())
    assert head == "replaced_token"
    real = batch["attention_mask"]
    labels = batch["labels"][real].to(logits.dtype)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits[real], labels)


def outputs_of(ours: Any, theirs: Any, batch: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Pair the outputs, those of padding left out."""
    published = [value for name, value in theirs.items() if name not in ("loss", "pooler_output")]
    mine = list(ours) if isinstance(ours, tuple) else [ours]
    assert len(mine) == len(published)
    real = batch["attention_mask"]
    pairs = []
    for left, right in zip(mine, published, strict=True):
        per_token = left.shape[:2] == real.shape
        pairs.append((left[real], right[real]) if per_token else (left, right))
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
    assert loaded.model.head_name == head
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
    expected = published_loss(published, batch, head)
    assert_close(loss, expected, TOLERANCE[dtype][1], "loss")
    loss.backward()
    expected.backward()
    named = theirs.named_parameters(remove_duplicate=False)  # a tied one by both of its names
    gradients = unpack({name: p.grad for name, p in named}, TABLES[family])
    for name, parameter in loaded.model.named_parameters():
        published_name = TABLES[family].name_in_file(name, head)
        assert parameter.grad is not None, name
        assert_close(parameter.grad, gradients[published_name], TOLERANCE[dtype][1], name)


@pytest.mark.parametrize("head", ["masked_lm", "span"])
def test_deberta_v2_equals_with_its_convolution(
    head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the larger ones; the head for masked tokens is the one of a config without `legacy`.

    The loss of spans, whose softmax is over padding, too, tells what stands there.
    """
    changed = DEBERTA | {"conv_kernel_size": 3, "conv_act": "gelu", "legacy": True}
    monkeypatch.setitem(
        CONFIGS,
        "deberta-v2",
        lambda **extra: transformers.DebertaV2Config(
            **SIZES, **changed, position_buckets=-1, **extra
        ),
    )
    theirs = reference("deberta-v2", head, torch.float64)
    theirs.save_pretrained(tmp_path)
    ours = load_model(tmp_path, dtype=torch.float64).model
    batch = batch_for("deberta-v2", head)
    published = ask_reference(theirs, batch, head)
    for left, right in outputs_of(ours(batch), published, batch):
        assert_close(left, right, TOLERANCE[torch.float64][0], "output")
    loss = ours.loss_sums(batch)[head] / ours.loss_counts(batch)[head]
    assert_close(loss, published.loss, TOLERANCE[torch.float64][1], "loss")
    loss.backward()
    published.loss.backward()
    convolution = theirs.deberta.encoder.conv.conv.weight.grad
    assert_close(
        ours.body.layers[0].convolution.conv.weight.grad,
        convolution,
        TOLERANCE[torch.float64][1],
        "convolution",
    )
    assert convolution.abs().max() > 1e-6


@pytest.mark.parametrize(("family", "head"), CASES)
def test_published_code_opens_what_we_save(tmp_path: Path, family: str, head: str | None) -> None:
    theirs = reference(family, head, torch.float32)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = load_model(tmp_path / "theirs").model
    save_model(tmp_path / "ours", ours)
    cls = getattr(transformers, TABLES[family].heads[head].architecture)
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


def questions(folder: Path) -> dict[str, Tensor]:
    """Three real questions with their texts, padded, and where their answers are."""
    asked = ["When did the library burn down?", "Who paid for it?", "Où ?"]
    texts = [
        "The university was founded in 1837 north of the river. Its library burned down in 1901 "
        "and was rebuilt with gifts from readers in Kyōto.",
        "Readers in Japan paid for most of it.",
        "Il pleut.",
    ]
    encoded = transformers.AutoTokenizer.from_pretrained(folder)(
        asked, texts, padding=True, return_tensors="pt"
    )
    batch = dict(encoded) | {"attention_mask": encoded["attention_mask"].bool()}
    answers = [(0, texts[0].index("in 1901"), "in 1901"), (1, 0, "Readers in Japan")]
    starts = [encoded.char_to_token(row, at, 1) for row, at, _ in answers]
    ends = [encoded.char_to_token(row, at + len(text) - 1, 1) for row, at, text in answers]
    assert None not in starts + ends
    assert batch["attention_mask"].sum(1).unique().numel() == 3  # all different: padded
    batch["start_positions"] = torch.tensor([*starts, 0])  # the last has no answer: [CLS]
    batch["end_positions"] = torch.tensor([*ends, 0])
    return batch


def minilm_with_span(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """The real weights under one and the same span head: ours and theirs."""
    theirs = transformers.BertForQuestionAnswering.from_pretrained(
        folder, attn_implementation="eager", dtype=dtype
    ).eval()
    torch.nn.init.normal_(theirs.qa_outputs.weight, 0.0, 0.02)
    torch.nn.init.normal_(theirs.qa_outputs.bias, 0.3, 0.2)
    ours = load_model(folder, "span", dtype=dtype).model
    ours.head.dense.load_state_dict(theirs.qa_outputs.state_dict())
    return ours, theirs


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_real_minilm_equals(minilm: Path, dtype: torch.dtype) -> None:
    theirs = transformers.BertModel.from_pretrained(
        minilm, attn_implementation="eager", dtype=dtype
    ).eval()
    loaded = load_model(minilm, dtype=dtype)
    assert loaded.ignored == ("bert.embeddings.position_ids",)
    assert loaded.new_parameters == ()
    batch = questions(minilm)
    ids, real, segments = (
        batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")
    )
    states: list[Tensor] = []
    for part in (loaded.model.embeddings, *loaded.model.layers):
        part.register_forward_hook(lambda part, given, output: states.append(output))
    with torch.no_grad():
        hidden = loaded.model(ids, real, segments)
        pooled = loaded.model.pooler(hidden)
        published = theirs(ids, real.long(), segments, output_hidden_states=True)
    assert len(states) == len(published.hidden_states) == 7
    for number, (left, right) in enumerate(zip(states, published.hidden_states, strict=True)):
        assert_close(left[real], right[real], TOLERANCE[dtype][0], f"after layer {number}")
    assert_close(hidden[real], published.last_hidden_state[real], TOLERANCE[dtype][0], "output")
    assert_close(pooled, published.pooler_output, TOLERANCE[dtype][0], "pooler")


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_real_minilm_learns_as_published(minilm: Path, dtype: torch.dtype) -> None:
    ours, theirs = minilm_with_span(minilm, dtype)
    batch, tolerance = questions(minilm), TOLERANCE[dtype][1]
    loss = ours.loss_sums(batch)["span"] / ours.loss_counts(batch)["span"]
    published = ask_reference(theirs, batch, "span").loss
    assert_close(loss, published, tolerance, "loss")
    loss.backward()
    published.backward()
    gradients = {name: p.grad for name, p in theirs.named_parameters()}
    assert len(gradients) == len(list(ours.parameters())) == 103
    for name, parameter in ours.named_parameters():
        expected = gradients[TABLES["bert"].name_in_file(name, "span")]
        assert_close(parameter.grad, expected, tolerance, name)
        if not SHIFTS.fullmatch(name):  # real gradients are far below 1, so each by its own size
            difference = ((parameter.grad - expected).norm() / expected.norm()).item()
            assert difference <= tolerance, (name, difference)


def test_published_code_opens_minilm_with_our_span_head(minilm: Path, tmp_path: Path) -> None:
    ours = load_model(minilm, "span").model
    save_model(tmp_path / "ours", ours)
    theirs, report = transformers.BertForQuestionAnswering.from_pretrained(
        tmp_path / "ours", output_loading_info=True, attn_implementation="eager"
    )
    assert not any(report.values()), report
    theirs.eval().save_pretrained(tmp_path / "theirs")
    again = load_model(tmp_path / "theirs")
    assert again.model.head_name == "span"
    assert again.new_parameters == again.ignored == ()
    before, after = ours.state_dict(), again.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    batch = questions(minilm)
    with torch.no_grad():
        logits, published = ours(batch), ask_reference(theirs, batch, "span")
        reread = again.model(batch)
    for name in ("start_logits", "end_logits"):
        real = batch["attention_mask"]
        left, right = getattr(logits, name), published[name]
        assert_close(left[real], right[real], 1e-5, name)
        assert torch.equal(left, getattr(reread, name)), name


def test_real_minilm_takes_a_new_span_head(minilm: Path) -> None:
    loaded = load_model(minilm, "span")
    assert loaded.new_parameters == ("head.dense.weight", "head.dense.bias")
    assert 0.01 < loaded.model.head.dense.weight.std() < 0.03
    assert loaded.model.head.dense.bias.abs().max() == 0
