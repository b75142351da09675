"""Text to text from pre-trained sides: what a decoder begins with, learns, and is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForSeq2SeqLM

import headwater as library
import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.models.config import ModelConfig
from headwater.models.encoder_decoder.network import EncoderDecoder
from headwater.planning.counting import Counter
from headwater.planning.network import build
from headwater.runs.recipe import Recipe, resolved
from headwater.runs.run import begin, finetune
from headwater.runs.setup import recipe_family
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary
from test_encoders_in_use import tiny_config

pytestmark = pytest.mark.filterwarnings("ignore:Version v4.12.0")  # of every published loss
Headwater = Callable[..., Any]
SOURCES = [f"{first}{second}" for first in "abcde" for second in "fghi"]
TARGETS = [f"{chr(122 - number)}{source[0]}" for number, source in enumerate(SOURCES)]
END = "<|endoftext|>"
SIZES = {"hidden_size": 32, "intermediate_size": 64}


def saved(folder: Path, config: ModelConfig, vocabulary: Vocabulary) -> None:
    save_model(folder, tiny.model(config), vocabulary=vocabulary)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encoders and decoders on two vocabularies, and twenty pairs of texts."""
    folder = tmp_path_factory.mktemp("sides")
    rows = [{"source": s, "target": t} for s, t in zip(SOURCES, TARGETS, strict=True)]
    tiny.json_lines(folder / "pairs.jsonl", rows)
    (folder / "pairs.toml").write_text(
        'kind = "text"\ntemplate = "{source}"\nmetrics = ["exact_match"]\n'
    )
    pieces = tiny.wordpiece(folder / "pieces", (), tiny.LETTERS)
    sizes = {"vocab_size": pieces.size, "dropout": 0.0, "initializer_range": 0.1, **SIZES}
    saved(folder / "bert", tiny.bert_config(**sizes), pieces)
    saved(folder / "short", tiny.bert_config(num_hidden_layers=1, **sizes), pieces)
    for family in ("albert", "modernbert", "deberta"):
        saved(folder / family, tiny_config(family, vocab_size=pieces.size, pad_token_id=0), pieces)
    pairs = tiny.byte_pairs(folder / "pairs")
    roberta = tiny.bert_config(**sizes | {"vocab_size": pairs.size}, **tiny.ENCODERS["roberta"])
    saved(folder / "roberta", roberta, pairs)
    # The same bytes in another order, and one token around documents.
    tokens = [token for token in reversed(pairs.ids) if not token.startswith("<")] + ["<", END]
    (folder / "gpt").mkdir()
    ids = {token: id for id, token in enumerate(tokens)}
    (folder / "gpt" / "vocab.json").write_text(json.dumps(ids))
    (folder / "gpt" / "merges.txt").write_text("#version: 0.2\n")
    gpt = load_vocabulary(folder / "gpt")
    sizes = {"n_embd": 48, "n_layer": 3, "initializer_range": 0.1}
    saved(folder / "gpt2", tiny.gpt_config(vocab_size=gpt.size, dropout=0.0, **sizes), gpt)
    return folder


def recipe(files: Path, encoder: str, *, steps: int = 2, **decoder: Any) -> Recipe:
    if "model" in decoder:
        decoder["model"] = str(files / decoder["model"])
    values = {
        "model": str(files / encoder),
        "task": str(files / "pairs.toml"),
        "data": {"train": [str(files / "pairs.jsonl")]},
        "decoder": decoder,
        "training": tiny.exact_training(steps, 20, learning_rate=3e-3, weight_decay=0.0),
    }
    return Recipe.check(values, "test")


@pytest.mark.parametrize(
    ("model", "decoder"),
    [
        ("bert", {"tie_encoder_decoder": True}),
        ("roberta", {"model": "gpt2", "layers": 2}),
        ("albert", {"layers": 2}),
        ("modernbert", {"layers": 2}),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_twenty_texts_are_learned_by_heart(
    model: str, decoder: dict[str, Any], files: Path, tmp_path: Path
) -> None:
    finetune(recipe(files, model, steps=150, **decoder), tmp_path / "run")
    writer = library.load(tmp_path / "run")
    assert writer.generate(SOURCES) == TARGETS
    assert isinstance(writer.network, EncoderDecoder)
    AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "run" / "model")


def started(files: Path, encoder: str, **decoder: Any) -> EncoderDecoder:
    found = begin(recipe(files, encoder, **decoder)).setup.model
    assert isinstance(found, EncoderDecoder)
    return found


def same(one: nn.Module, other: nn.Module) -> None:
    torch.testing.assert_close(dict(one.state_dict()), dict(other.state_dict()))


def test_a_decoder_begins_as_a_gpt(files: Path) -> None:
    model = started(files, "roberta", model="gpt2", layers=2, positions=20)
    gpt = load_model(files / "gpt2").model
    for layer, number in zip(model.decoder.layers, (0, 2), strict=True):
        for part in ("attention", "feedforward"):
            same(layer.get_submodule(part), gpt.get_submodule(f"layers.{number}.{part}"))
    same(model.decoder.get_submodule("norm"), gpt.get_submodule("norm"))
    own, given = model.table, gpt.get_parameter("token.weight")
    ids = {each: load_vocabulary(files / each).ids for each in ("roberta", "gpt2")}
    for token in ("a", "z", "Ġ"):
        assert torch.equal(own[ids["roberta"][token]], given[ids["gpt2"][token]])
    for token in ("<s>", "</s>"):
        assert torch.equal(own[ids["roberta"][token]], given[ids["gpt2"][END]])
    assert model.config.vocab_size == len(own)
    assert model.decoder.longest == 20
    assert model.decoder.projection is not None


def test_a_decoder_begins_as_another_bert_with_its_head(files: Path, tmp_path: Path) -> None:
    config = load_model(files / "bert").config
    vocabulary = load_vocabulary(files / "bert")
    masked = tiny.model(replace(config, num_hidden_layers=3), "masked_lm", seed=3)  # type: ignore[type-var]
    tiny.draw_weights(masked, 0.3)  # norms too leave their defaults
    save_model(tmp_path / "masked", masked, vocabulary=vocabulary)
    model = started(files, "bert", model=str(tmp_path / "masked"))
    for name, ours in (("head.dense", "head.dense"), ("head.norm", "head.norm")):
        same(model.decoder.get_submodule(ours), masked.get_submodule(name))
    assert len(model.decoder.layers) == 3
    assert torch.equal(model.table, masked.get_parameter("body.embeddings.token.weight"))
    own, given = model.decoder.embeddings, masked.get_submodule("body.embeddings")
    for part in ("norm", "segment"):
        same(own.get_submodule(part), given.get_submodule(part))
    positions = own.get_parameter("position.weight")
    assert torch.equal(positions, given.get_parameter("position.weight")[: len(positions)])
    assert not model.config.shared_embeddings


def test_the_encoder_named_twice_gives_all_its_layers(files: Path) -> None:
    model = started(files, "bert", model="bert")
    assert model.config.shared_embeddings
    body = load_model(files / "bert").model
    for number, layer in enumerate(model.decoder.layers):
        for part, like in (("attention", "attention"), ("cross", "attention")):
            same(layer.get_submodule(part), body.get_submodule(f"layers.{number}.{like}"))


def test_narrow_token_vectors_begin_as_the_encoder_s_layers_read_them(files: Path) -> None:
    """ALBERT's are narrower than its layers; the decoder's are the products."""
    model = started(files, "albert", layers=2)
    body = load_model(files / "albert").model
    narrow, dense = body.token_embedding, body.get_submodule("projection")
    assert model.table.shape[1] > narrow.shape[1]
    torch.testing.assert_close(model.table, narrow @ dense.get_parameter("weight").T)


def test_tied_sides_have_one_set_of_weights(files: Path, tmp_path: Path) -> None:
    model = started(files, "bert", tie_encoder_decoder=True).eval()
    own = {name for name, _ in model.decoder.named_parameters()}
    assert all(".cross." in name or name.startswith("head.") for name in own)
    save_model(tmp_path / "tied", model)
    again = load_model(tmp_path / "tied").model.eval()
    assert again.config == model.config
    theirs = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "tied").eval()
    inputs = {"input_ids": torch.arange(5, 17).reshape(2, 6), "labels": torch.ones(2, 3).long()}
    with torch.no_grad():
        expected = theirs(**inputs).logits
        for each in (model, again):
            torch.testing.assert_close(each(inputs), expected, atol=1e-5, rtol=1e-4)
    theirs.decoder.bert.encoder.layer[0].output.dense.weight.data.add_(1)
    theirs.save_pretrained(tmp_path / "apart")
    with pytest.raises(UserError, match="set it to false where they were trained apart"):
        load_model(tmp_path / "apart")


def test_lora_of_two_models_is_saved_without_the_encoder(files: Path, tmp_path: Path) -> None:
    for name, decoder in (("two", {"model": "gpt2"}), ("one", {"tie_encoder_decoder": True})):
        encoder = "roberta" if name == "two" else "bert"
        values = recipe(files, encoder, **decoder).model_dump(exclude_unset=True)
        adapted = Recipe.check({**values, "method": "lora"}, "test")
        finetune(adapted, tmp_path / name)
        assert not (tmp_path / name / "model" / "model.safetensors").exists()
        found = library.load(tmp_path / name).generate(SOURCES[:2], max_new_tokens=5)
        shared = library.load(files / encoder).adapted(tmp_path / name)
        assert shared.generate(SOURCES[:2], max_new_tokens=5) == found


@pytest.mark.parametrize(
    ("model", "decoder", "message"),
    [
        ("gpt2", {"layers": 1}, "is put on an encoder such as BERT; this is a GPT"),
        ("bert", {"model": "albert"}, "decoder: an albert is none; take bert, roberta, xlm"),
        ("bert", {"model": "gpt2"}, "of the encoder's 57 tokens, and both sides have one vocab"),
        (
            "deberta",
            {"start": [0]},
            "decoder.start: no decoder begins with the layers of a DeBERTa",
        ),
        ("modernbert", {"model": "modernbert"}, "decoder.model: no decoder begins with the layers"),
        ("bert", {"model": "short", "start": [1]}, "short has 1 layers, and no 1; the first is 0"),
        ("roberta", {"model": "gpt2", "positions": 33}, "decoder.positions = 33: .*gpt2 knows 32"),
        ("bert", {"tie_encoder_decoder": True, "layers": 1}, "layers = 1: a tied decoder has the"),
        ("albert", {"tie_encoder_decoder": True}, "decoder: an albert is none"),
        ("bert", {"tie_encoder_decoder": True, "model": "short"}, "leave decoder.model out"),
    ],
)
def test_what_cannot_be_a_side_is_said(
    model: str, decoder: dict[str, Any], message: str, files: Path
) -> None:
    with pytest.raises(UserError, match=message):
        begin(recipe(files, model, **decoder))


def test_a_plan_counts_what_is_built(files: Path) -> None:
    wanted = recipe(files, "roberta", model="gpt2")
    planned = build(resolved(wanted, recipe_family(wanted)), Counter()).setup.model
    built = begin(wanted).setup.model
    shapes = [{n: p.shape for n, p in each.named_parameters()} for each in (planned, built)]
    assert shapes[0] == shapes[1]


def test_the_command_line_names_both_sides(
    files: Path, tmp_path: Path, headwater: Headwater
) -> None:
    task = ("--task", files / "pairs.toml", "--data", files / "pairs.jsonl", "--set")
    rest = (*task, "training.steps=1", "--set", "training.device=cpu")
    run = tmp_path / "run"
    sides = ("--encoder", files / "bert", "--decoder", files / "short")
    made = headwater("finetune", *sides, *rest, "--output", run)
    assert made.code == 0, made.err
    config = json.loads((run / "model" / "config.json").read_text())
    assert config["decoder"]["num_hidden_layers"] == 1
    for given, message in (
        (("--encoder", "a", "--model", "b"), "--encoder and --model name the same thing"),
        (("--encoder", "a"), "--encoder gets a decoder: add --decoder MODEL"),
        (("--encoder", files / "bert", "--decoder", "0"), "decoder.layers"),
        (("--encoder", files / "bert", "--decoder", files / "albert"), "an albert is none"),
    ):
        refused = headwater("finetune", *given, *rest, "--output", tmp_path / "none")
        assert refused.code == 2 and message in refused.err
    assert not (tmp_path / "none").exists()
