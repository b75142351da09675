"""A decoder on an encoder, from a recipe to answers: trained, saved without its body, merged."""

import importlib.util
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

import headwater as library
import tiny
from headwater.checkpoints.adapted import open_model
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from headwater.evaluation.evaluator import evaluate
from headwater.models.encoder_decoder.network import EncoderDecoder
from headwater.runs.recipe import Recipe
from headwater.runs.run import begin, finetune
from headwater.tasks.names import task

Headwater = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[1]
NAMES = ("ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hal", "ida", "joe")
THINGS = ("mill", "barn", "inn", "boat")
LORA = {
    "method": "lora",
    "lora": {"rank": 4, "targets": ["query", "key", "value", "output", "inner", "outer"]},
}


def questions(file: Path, count: int, seed: int) -> Path:
    """Who built it: the answer is a name that stands in the text; nobody built the boat."""
    draw, paragraphs = random.Random(seed), []
    for number in range(count):
        first, second = draw.sample(NAMES, 2)
        text = f"{first.title()} built the mill. {second.title()} built the barn."
        asked = tiny.question(f"{number}a", "who built the mill?", first.title(), 0)
        start = text.index(second.title())
        other = tiny.question(f"{number}b", "who built the barn?", second.title(), start)
        none = tiny.unanswerable(f"{number}c", "who built the boat?")
        paragraphs.append(tiny.paragraph(text, asked, other, none))
    return tiny.squad_file(file, *paragraphs)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder with a head for spans, and questions."""
    folder = tmp_path_factory.mktemp("writer")
    said = ("who", "built", "the", "question", "answer", "context", "unanswerable", ":", "?", ".")
    vocabulary = tiny.wordpiece(folder, (*NAMES, *THINGS, *said))
    sizes = {"hidden_size": 64, "intermediate_size": 128}
    tiny.model_folder(
        folder / "encoder", vocabulary, "span", dropout=0.0, initializer_range=0.1, **sizes
    )
    questions(folder / "train.json", 300, 1)
    questions(folder / "dev.json", 8, 2)
    return folder


def recipe(files: Path, **changes: Any) -> Recipe:
    training = tiny.exact_training(5, 16, changes.pop("training", {}), learning_rate=3e-3)
    values = {
        "model": str(files / "encoder"),
        "task": "squad_v2",
        "data": {"train": [str(files / "train.json")], "validation": [str(files / "dev.json")]},
        "decoder": {"layers": 2, "start": [0, 1], "positions": 24},
        "text": {"max_inputs": 40, "max_targets": 16},
        "training": training,
    }
    return Recipe.check({**values, **changes}, "test")


def test_it_learns_to_copy_and_to_say_that_there_is_no_answer(files: Path, tmp_path: Path) -> None:
    steps = {"steps": 450, "eval_steps": 450, "weight_decay": 0.0}
    finetune(recipe(files, training=steps), tmp_path / "run")
    squad = task("squad_v2")
    examples = squad.read([files / "dev.json"])
    found = evaluate(library.load(tmp_path / "run").predictor(squad), squad, examples)
    assert found.metrics["exact"] >= 95
    model = library.load(tmp_path / "run")
    text = "Ida built the mill. Joe built the barn."
    [best] = model.answer("who built the barn?", text)
    assert best.text == "Joe"  # as it stands in the text, which the vocabulary folds
    assert model.answer("who built the boat?", text)[0].no_answer


def test_blocks_start_from_the_encoder(files: Path) -> None:
    setup = begin(recipe(files)).setup
    model, body = setup.model, load_model(files / "encoder", "span").model.body
    assert isinstance(model, EncoderDecoder)
    for block, number in ((0, 0), (1, 1)):
        given = body.get_submodule(f"layers.{number}").state_dict()
        own = model.decoder.layers[block].state_dict()
        for name, value in own.items():
            torch.testing.assert_close(value, given[name.replace("cross.", "attention.")])
    assert model.config.decoder_start_token_id == setup.vocabulary.cls_id
    assert model.config.eos_token_id == setup.vocabulary.sep_id
    assert model.config.shared_embeddings


def test_without_start_blocks_are_spread(files: Path) -> None:
    model = begin(recipe(files, decoder={"layers": 3, "positions": 24})).setup.model
    assert isinstance(model, EncoderDecoder)
    body = load_model(files / "encoder", "span").model.body
    name = "feedforward.layer.inner.weight"
    own = [block.get_parameter(name) for block in model.decoder.layers]
    given = [body.get_parameter(f"layers.{number}.{name}") for number in (0, 1, 1)]
    assert len(own) == 3 and all(map(torch.equal, own, given))
    assert not torch.equal(given[0], given[1])


def test_lora_adapts_the_encoder_and_trains_the_decoder(files: Path) -> None:
    model = begin(recipe(files, **LORA)).setup.model
    trains = {name for name, each in model.named_parameters() if each.requires_grad}
    assert all(name.startswith("decoder.") or ".lora_" in name for name in trains)
    assert all(name in trains for name, _ in model.named_parameters() if "decoder." in name)
    adapted = {name.rpartition(".lora_A")[0] for name in trains if ".lora_A" in name}
    assert len(adapted) == 2 * 6 and all(name.startswith("encoder.layers") for name in adapted)


@pytest.fixture(scope="module")
def run(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of LoRA, saved without its body."""
    folder = tmp_path_factory.mktemp("lora") / "run"
    finetune(recipe(files, **LORA, training={"steps": 20}), folder)
    return folder


INPUTS = ["question: who built the mill? context: Ida built the mill.", "who built"]


def test_it_is_saved_without_its_body_and_its_vocabulary(files: Path, run: Path) -> None:
    names = {item.name for item in (run / "model").iterdir()}
    assert "adapter_model.safetensors" in names
    assert not names & {"model.safetensors", "vocab.txt", "tokenizer.json", "adapter_config.json"}
    base = json.loads((run / "model" / "base.json").read_text())
    assert base["path"] == str(files / "encoder")
    model = library.load(run)
    assert len(model.generate(INPUTS)) == 2
    shared = library.load(files / "encoder").adapted(run)
    assert shared.generate(INPUTS) == model.generate(INPUTS)


def test_merged_it_opens_in_transformers(run: Path, tmp_path: Path, headwater: Headwater) -> None:
    made = headwater("merge", run, "--output", tmp_path / "whole")
    assert made.code == 0, made.err
    whole, vocabulary = load_model(tmp_path / "whole").model, library.load(run).vocabulary
    theirs = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "whole").eval()
    ids = [vocabulary.cls_id, *vocabulary.encode(INPUTS[0]).ids.tolist(), vocabulary.sep_id]
    [text] = theirs.generate(torch.tensor([ids]), max_new_tokens=6).tolist()
    ended = [id for id in text[1:] if id != vocabulary.sep_id]
    [ours] = library.load(tmp_path / "whole").generate([INPUTS[0]], max_new_tokens=6)
    [adapted] = library.load(run).generate([INPUTS[0]], max_new_tokens=6)
    assert ours == adapted
    assert vocabulary.encode(ours).ids.tolist() == ended
    assert isinstance(whole, EncoderDecoder)


def test_it_is_bundled_in_half_precision(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("bundle", ROOT / "recipes" / "bundle.py")
    assert spec is not None and spec.loader is not None
    bundle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bundle)
    monkeypatch.setattr(sys, "argv", ["bundle", str(run), str(tmp_path / "small")])
    bundle.main()
    sizes = [
        (folder / "adapter_model.safetensors").stat().st_size
        for folder in (run / "model", tmp_path / "small")
    ]
    assert sizes[1] < 0.6 * sizes[0]
    small, large = open_model(tmp_path / "small").model, open_model(run / "model").model
    assert {each.dtype for each in small.parameters()} == {torch.float32}
    for name, value in large.state_dict().items():
        torch.testing.assert_close(small.state_dict()[name], value, atol=1e-2, rtol=1e-3)


def test_training_goes_on_from_what_was_saved(files: Path, run: Path, tmp_path: Path) -> None:
    more = {"model": str(run), "decoder": None}
    outcome = tmp_path / "more"
    finetune(recipe(files, **LORA, **more), outcome)
    assert (outcome / "model" / "base.json").read_text() == (
        run / "model" / "base.json"
    ).read_text()
    start = begin(recipe(files, **LORA, **more)).setup.model.state_dict()
    for name, value in open_model(run / "model").model.state_dict().items():
        torch.testing.assert_close(start[name], value)
    with pytest.raises(UserError, match="go on with the same, or start from"):
        begin(recipe(files, method="lora", lora={"rank": 2}, **more))
    for method in ("all", "head_only", "gradual_unfreezing", "adapters"):
        with pytest.raises(UserError, match=r"method.json \(lora\); go on with the same, or start"):
            begin(recipe(files, method=method, **more))
    with pytest.raises(UserError, match="is put on an encoder such as BERT"):
        begin(recipe(files, **LORA, model=str(run)))


def test_answers_and_questions_are_learned_together(files: Path, tmp_path: Path) -> None:
    data = {"train": [str(files / "train.json")], "validation": [str(files / "dev.json")]}
    names = ("squad_v2", "question_generation")
    mixture = {"tasks": [{"task": name, "data": data} for name in names]}
    finetune(recipe(files, task=None, data=None, mixture=mixture), tmp_path / "run")
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert "squad_v2/f1" in log and "question_generation/rougeL" in log
    model = library.load(tmp_path / "run")
    assert model.extra["task"] == "squad_v2"
    asked = task("question_generation")
    examples = asked.read([files / "dev.json"])
    assert len(list(model.predictor(asked)(examples))) == len(examples)


def test_other_methods_train_it_too(files: Path) -> None:
    for method in ("head_only", "adapters", "gradual_unfreezing"):
        model = begin(recipe(files, method=method)).setup.model
        trains = {name for name, each in model.named_parameters() if each.requires_grad}
        assert any(name.startswith("decoder.") for name in trains)
        if method == "head_only":
            assert all(name.startswith("decoder.") for name in trains)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoder": {"start": [0, 2]}}, "the encoder has 2 layers, and no 2; the first is 0"),
        ({"decoder": {"layers": 3, "start": [0, 1]}}, "a layer of the encoder for each of layers"),
        ({"decoder": {"positions": 600}}, "decoder.positions = 600: the encoder knows 512"),
        ({"text": {"max_targets": 25}}, "text.max_targets = 25: this model writes 24 tokens"),
        ({"text": {"max_inputs": 513}}, "text.max_inputs = 513: this model reads 512 tokens"),
        ({"decoder": None, "task": "question_generation"}, r"put \[decoder\] layers = 2 into"),
    ],
)
def test_what_does_not_fit_is_said(files: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        begin(recipe(files, **changes))


def test_a_t5_takes_no_decoder(files: Path, tmp_path: Path) -> None:
    body = tiny.model_folder(tmp_path / "t5", tiny.example_unigram(), family="t5")
    with pytest.raises(UserError, match="is put on an encoder such as BERT; this is a T5"):
        begin(recipe(files, model=str(body)))


def test_what_only_other_models_do_is_said(files: Path, run: Path, headwater: Headwater) -> None:
    filled = headwater("fill", "a [MASK]", "--model", run)
    assert filled.code == 2 and "has no sentinels" in filled.err
    tagged = headwater("tag", "a mill", "--model", run)
    assert tagged.code == 2 and tagged.err.endswith("kind token; use generate or ask\n")
    assert len(library.load(run).generate(INPUTS[:1], max_new_tokens=500)) == 1
    shown = headwater("inspect", "outputs", run, INPUTS[0])
    assert shown.code == 0 and "likeliest" in shown.out
    unlabelled = {"objective": "mlm", "corpus": {"train": "store"}}
    data = {"train": [str(files / "train.json")]}
    mixture = {"tasks": [{"task": "squad_v2", "data": data}, {"unlabelled": unlabelled}]}
    with pytest.raises(UserError, match="an encoder_decoder learns no objective in a mixture"):
        begin(recipe(files, task=None, data=None, mixture=mixture))
