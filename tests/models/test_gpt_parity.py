"""GPT and GPT-2 equal the published code; writing with the cache equals reading at once."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.checkpoints.state_dict import pack
from headwater.errors import UserError
from headwater.inference.decoding import generate_ids
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.models.build import build_model, empty_model
from headwater.models.families import BY_MODEL_TYPE
from headwater.models.gpt.config import PRESETS
from headwater.models.gpt.network import GPT

TABLES = {name: family.formats[name].keys for name, family in BY_MODEL_TYPE.items()}

SIZES = {"vocab_size": 50, "n_positions": 40, "n_embd": 24, "n_layer": 3, "n_head": 3}
CLASSES = {
    "gpt2": (transformers.GPT2Config, transformers.GPT2LMHeadModel),
    "openai-gpt": (transformers.OpenAIGPTConfig, transformers.OpenAIGPTLMHeadModel),
}
TOLERANCE = {torch.float32: (1e-5, 1e-4), torch.float64: (1e-9, 1e-8)}
EOS = 49


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(11)


def published_gpt(family: str, dtype: torch.dtype = torch.float32, **extra: Any) -> Any:
    kind, model_class = CLASSES[family]
    config = kind(**SIZES | {"bos_token_id": EOS, "eos_token_id": EOS} | extra)
    config._attn_implementation = "eager"
    model = model_class(config)
    for name, parameter in model.named_parameters():  # norms and biases too leave their defaults
        mean = 1.0 if ".ln_" in name and name.endswith("weight") else 0.0
        torch.nn.init.normal_(parameter, mean, 0.3)
    return model.to(dtype).eval()


def our_gpt(family: str, dtype: torch.dtype, folder: Path, **extra: Any) -> tuple[GPT, Any]:
    theirs = published_gpt(family, dtype, **extra)
    theirs.save_pretrained(folder)
    loaded = load_model(folder, dtype=dtype)
    assert loaded.new_parameters == loaded.ignored == ()
    assert isinstance(loaded.model, GPT)
    return loaded.model, theirs


def gpt_batch() -> dict[str, Tensor]:
    """Sequences padded on the right, some tokens without labels."""
    ids = torch.randint(0, 49, (4, 17))
    mask = torch.arange(17)[None] < torch.tensor([17, 9, 2, 12])[:, None]
    labels = ids.where(mask, -100)
    labels[0, 4:8] = -100
    return {"input_ids": ids.where(mask, 0), "attention_mask": mask, "labels": labels}


def near(ours: Tensor, theirs: Tensor, tolerance: float, what: str) -> None:
    assert ours.shape == theirs.shape, what
    assert ours.dtype == theirs.dtype, what
    difference = (ours - theirs).abs().max().item()
    assert difference <= tolerance * max(1.0, theirs.abs().max().item()), (what, difference)


def published_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy of each next token; the published one rounds to float32 inside."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("family", CLASSES)
def test_gpt_equals(tmp_path: Path, family: str, dtype: torch.dtype) -> None:
    ours, theirs = our_gpt(family, dtype, tmp_path)
    batch = gpt_batch()
    mask = batch["attention_mask"]
    result = theirs(**batch | {"attention_mask": mask.long()})
    near(ours(batch)[mask], result.logits[mask], TOLERANCE[dtype][0], "logits")
    sums, counts = ours.loss_sums(batch), ours.loss_counts(batch)
    assert counts == {"tokens": 16 - 4 + 8 + 1 + 11}
    loss, reference = (
        sums["tokens"] / counts["tokens"],
        published_loss(result.logits, batch["labels"]),
    )
    near(loss, reference, TOLERANCE[dtype][1], "loss")
    near(loss.float(), result.loss.float(), 1e-6, "the published loss")
    loss.backward()
    reference.backward()
    table = TABLES[family]
    named = {table.name_in_file(name, None): p.grad for name, p in ours.named_parameters()}
    gradients = pack(named, table)
    published = {name: p.grad for name, p in theirs.named_parameters()}
    assert gradients.keys() == published.keys()
    for name, gradient in gradients.items():
        near(gradient, published[name], TOLERANCE[dtype][1], name)
        relative = (gradient - published[name]).norm() / published[name].norm()
        assert relative <= TOLERANCE[dtype][1], name


@pytest.mark.parametrize("family", CLASSES)
def test_padding_on_the_left(tmp_path: Path, family: str) -> None:
    """Positions count real tokens; the published code must be given them."""
    ours, theirs = our_gpt(family, torch.float64, tmp_path)
    ids = torch.randint(0, 49, (3, 12))
    mask = torch.arange(12)[None] >= torch.tensor([0, 3, 11])[:, None]
    positions = (mask.long().cumsum(1) - 1).clamp(min=0)
    result = theirs(ids, attention_mask=mask.long(), position_ids=positions).logits
    logits = ours({"input_ids": ids, "attention_mask": mask})
    near(logits[mask], result[mask], 1e-9, "logits")
    alone = ours({"input_ids": ids[1:2, 3:]})
    near(logits[1:2, 3:], alone, 1e-12, "without padding")


def test_a_prefix_is_seen_by_all(tmp_path: Path) -> None:
    """The published GPT-2 takes any mask of four dimensions: here that of a prefix LM."""
    ours, theirs = our_gpt("gpt2", torch.float64, tmp_path)
    batch = gpt_batch() | {"prefix_length": torch.tensor([5, 9, 1, 0])}
    mask = batch["attention_mask"]
    seen = torch.zeros(4, 17, 17, dtype=torch.bool)
    for row, prefix in enumerate(batch["prefix_length"].tolist()):
        for query in range(17):
            for key in range(17):
                seen[row, query, key] = mask[row, key] and (key <= query or key < prefix)
    bias = torch.zeros(seen.shape, dtype=torch.float64).masked_fill(~seen, -1e30)[:, None]
    result = theirs(batch["input_ids"], attention_mask=bias).logits
    near(ours(batch)[mask], result[mask], 1e-9, "logits")
    causal = ours({"input_ids": batch["input_ids"], "attention_mask": mask})
    assert (ours(batch)[0, :4] - causal[0, :4]).abs().min() > 1e-6  # the last of it sees no more
    near(ours(batch)[2:], causal[2:], 1e-12, "a prefix of 1 or 0 is none")


@pytest.mark.parametrize(
    ("family", "extra"),
    [
        ("gpt2", {}),
        ("gpt2", {"n_inner": 20, "activation_function": "relu", "pad_token_id": 0}),
        ("openai-gpt", {}),
        ("openai-gpt", {"afn": "silu"}),
    ],
    ids=str,
)
def test_published_code_opens_our_gpt(tmp_path: Path, family: str, extra: dict[str, Any]) -> None:
    ours, theirs = our_gpt(family, torch.float32, tmp_path / "theirs", **extra)
    save_model(tmp_path / "ours", ours)
    files = [load_file(tmp_path / name / "model.safetensors") for name in ("theirs", "ours")]
    assert files[0].keys() == files[1].keys()
    assert all(torch.equal(files[0][name], files[1][name]) for name in files[0])
    again, report = CLASSES[family][1].from_pretrained(
        tmp_path / "ours", output_loading_info=True, attn_implementation="eager"
    )
    assert not report["missing_keys"], report
    assert not report["unexpected_keys"], report
    for name, value in theirs.config.to_diff_dict().items():
        if name != "dtype":
            assert again.config.to_diff_dict()[name] == value, name
    batch = gpt_batch()
    assert torch.equal(again.eval()(**batch).logits, theirs(**batch).logits)
    near(ours(batch)[0], theirs(**batch).logits[0], 1e-5, "logits")


@pytest.mark.parametrize("family", CLASSES)
def test_a_bare_published_body(tmp_path: Path, family: str) -> None:
    theirs = published_gpt(family)
    theirs.transformer.save_pretrained(tmp_path)
    loaded = load_model(tmp_path)
    assert isinstance(loaded.model, GPT)
    batch = gpt_batch()
    mask = batch["attention_mask"]
    states = theirs.transformer(batch["input_ids"], attention_mask=mask.long()).last_hidden_state
    near(loaded.model.hidden(batch)[mask], states[mask], 1e-5, "states")
    save_model(tmp_path / "again", loaded.model)
    again, report = type(theirs.transformer).from_pretrained(
        tmp_path / "again", output_loading_info=True, attn_implementation="eager"
    )
    assert not report["missing_keys"], report
    assert torch.equal(
        again.eval()(batch["input_ids"])[0], theirs.transformer(batch["input_ids"])[0]
    )


@pytest.mark.parametrize("family", CLASSES)
def test_greedy_writing_equals(tmp_path: Path, family: str) -> None:
    """Texts of different lengths in one batch, against each alone in the published code."""
    ours, theirs = our_gpt(family, torch.float64, tmp_path)
    ids = torch.randint(0, 50, (4, 9))
    mask = torch.arange(9)[None] < torch.tensor([9, 4, 1, 6])[:, None]
    start = torch.tensor([7])
    prompts = [torch.cat([row[real], start])[None] for row, real in zip(ids, mask, strict=True)]
    batch = {"input_ids": ids, "attention_mask": mask}
    with torch.no_grad():
        endless = by_whole_rows(ours, prompts[0], 20)
        end = endless[4]  # so that one sequence ends early
        written = generate_ids(
            ours, batch, DecoderTokens(int(start), (end,)), GenerationConfig(max_new_tokens=20)
        )
        for row, prompt in enumerate(prompts):
            published = theirs.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=20,
                do_sample=False,
                eos_token_id=end,
                pad_token_id=end,
            )
            wanted = until(published[0, prompt.shape[1] :].tolist(), end)
            assert written[row][0].ids == wanted
            assert until(by_whole_rows(ours, prompt, 20), end) == wanted
    assert len(written[0][0].ids) == endless.index(end) < 5


def by_whole_rows(model: GPT, ids: Tensor, count: int) -> list[int]:
    """Write without a cache: read everything again for each token."""
    begin = ids.shape[1]
    for _ in range(count):
        ids = torch.cat([ids, model({"input_ids": ids})[:, -1:].argmax(-1)], 1)
    return ids[0, begin:].tolist()


def until(tokens: list[int], end: int) -> list[int]:
    return tokens[: tokens.index(end)] if end in tokens else tokens


@pytest.mark.parametrize("family", CLASSES)
@pytest.mark.parametrize("read_first", [0, 1, 6])
def test_steps_with_the_cache_equal_reading_at_once(
    tmp_path: Path, family: str, read_first: int
) -> None:
    ours, _ = our_gpt(family, torch.float64, tmp_path)
    ids = torch.randint(0, 49, (3, 15))
    with torch.no_grad():
        whole = ours({"input_ids": ids})
        cache = ours.init_cache(ours.encode(ids[:, :read_first]))
        steps = [ours.step(ids[:, i : i + 1], cache) for i in range(read_first, 12)]
        near(torch.stack(steps, 1), whole[:, read_first:12], 1e-12, "steps")
        rows = torch.tensor([2, 0, 2, 1])
        cache.reorder(rows)
        near(ours.step(ids[rows, 12:13], cache), whole[rows, 12], 1e-12, "reordered")
    assert cache.length == 13


def test_reordered_sequences_keep_their_padding(tmp_path: Path) -> None:
    ours, _ = our_gpt("gpt2", torch.float64, tmp_path)
    ids = torch.randint(0, 49, (2, 8))
    mask = torch.tensor([[1] * 8, [1] * 3 + [0] * 5])
    with torch.no_grad():
        cache = ours.init_cache(ours.encode(ids, mask), mask)
        ours.step(ids[:, :1], cache)
        cache.reorder(torch.tensor([1]))
        stepped = ours.step(ids[1:, 1:2], cache)
        alone = torch.cat([ids[1:, :3], ids[1:, :2]], 1)
        near(stepped, ours({"input_ids": alone})[:, -1], 1e-12, "the shorter row")


def test_more_tokens_than_positions(tmp_path: Path) -> None:
    ours, _ = our_gpt("gpt2", torch.float32, tmp_path)
    with pytest.raises(UserError, match="41 tokens in a sequence; this model takes 40"):
        ours({"input_ids": torch.zeros(1, 41, dtype=torch.int64)})
    cache = ours.init_cache(ours.encode(torch.zeros(1, 39, dtype=torch.int64)))
    ours.step(torch.zeros(1, 1, dtype=torch.int64), cache)
    with pytest.raises(UserError, match="41 tokens in a sequence; this model takes 40"):
        ours.step(torch.zeros(1, 1, dtype=torch.int64), cache)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gpt", 116_534_784),
        ("gpt2", 124_439_808),
        ("gpt2-medium", 354_823_168),
        ("gpt2-large", 774_030_080),
        ("gpt2-xl", 1_557_611_200),
    ],
)
def test_presets_have_the_published_sizes(name: str, parameters: int) -> None:
    config = PRESETS[name]
    kind, model_class = CLASSES[config.model_type]
    sizes = {field: getattr(config, field) for field in SIZES}
    with torch.device("meta"):
        ours, theirs = empty_model(config, None), model_class(kind(**sizes))
    assert sum(p.numel() for p in ours.parameters()) == parameters
    assert sum(p.numel() for p in theirs.parameters()) == parameters
    if name in ("gpt", "gpt2"):  # the published code's defaults
        assert sizes == {field: getattr(kind(), field) for field in SIZES}


@pytest.mark.parametrize("family", CLASSES)
def test_fresh_weights(family: str) -> None:
    sizes = SIZES | {"vocab_size": 1000, "n_embd": 60, "n_layer": 8}
    config = tiny.gpt_config(model_type=family, activation_function="gelu_new", **sizes)
    model = build_model(config).eval()
    assert isinstance(model, GPT)
    residual = 0.02 / math.sqrt(16) if family == "gpt2" else 0.02
    layer = "layers.5.feedforward.layer"
    spreads = {"token": 0.02, "position": 0.02, f"{layer}.inner": 0.02, f"{layer}.outer": residual}
    spreads["layers.2.attention.layer.output"] = residual
    for name, spread in spreads.items():
        weight = model.get_submodule(name).weight
        assert weight.std().item() == pytest.approx(spread, rel=0.1), name
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            expected = 1.0 if name.endswith("norm.weight") else 0.0
            assert (parameter == expected).all(), name
    batch = {"input_ids": torch.randint(0, 1000, (4, 20))}
    batch["labels"] = torch.randint(0, 1000, (4, 20))
    loss = model.loss_sums(batch)["tokens"] / model.loss_counts(batch)["tokens"]
    assert math.log(1000) - 0.5 < loss.item() < math.log(1000) + 0.5


def test_losses_stay_float32_under_bf16() -> None:
    model = build_model(tiny.gpt_config(**SIZES)).eval()
    batch = gpt_batch()
    exact = model.loss_sums(batch)["tokens"]
    with torch.autocast("cpu", torch.bfloat16):
        rounded = model.loss_sums(batch)["tokens"]
    assert rounded.dtype == torch.float32
    assert 0 < abs(rounded.item() - exact.item()) < 0.01 * exact.item()


def test_dropout_works_in_training_only() -> None:
    model = build_model(tiny.gpt_config(**SIZES))
    batch = gpt_batch()
    trained = [model.train().loss_sums(batch)["tokens"].item() for _ in range(2)]
    asked = [model.eval().loss_sums(batch)["tokens"].item() for _ in range(2)]
    assert trained[0] != trained[1]
    assert asked[0] == asked[1]


def test_a_gpt_takes_no_head_of_masked_tokens() -> None:
    with pytest.raises(UserError, match="a gpt2 body takes no masked_lm head"):
        build_model(tiny.gpt_config(), "masked_lm")
