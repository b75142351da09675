"""A GPT adapted to tasks, from a recipe to answers: with a head, and as text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import headwater as library
import tiny
from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.models.gpt.network import GPTWriter
from headwater.models.heads import ModelWithHead
from headwater.runs.recipe import Recipe
from headwater.runs.run import begin, finetune
from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

Headwater = Callable[..., Any]
END = "<|endoftext|>"
NAMES = ("Ada", "Bob", "Cleo", "Dan")
TEXT = "{} built the mill."


def gpt2_words(folder: Path) -> Vocabulary:
    """GPT-2's layout: bytes, some words, and one token that ends a document."""
    folder.mkdir()
    texts = [
        f"{tiny.GOOD} {tiny.BAD} {' '.join(NAMES)} who built the question context sst2 sentence"
    ]
    tokenizer = tiny.byte_pairs(folder / "bytes")
    letters = [token for token in tokenizer.ids if len(token) == 1]
    spelled = [f"Ġ{word}" for word in " ".join(texts).split()]
    merged = (f"{each[:end]} {each[end]}" for each in spelled for end in range(1, len(each)))
    merges = list(dict.fromkeys(merged))
    tokens = [*letters, *(pair.replace(" ", "") for pair in merges), END]
    ids = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(("#version: 0.2", *merges, "")), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    return load_vocabulary(folder)


def ner_file(file: Path) -> Path:
    sentences = [[(name, "B-person"), *((word, "O") for word in ("built", "the", "mill"))]
                 for name in NAMES]  # fmt: skip
    return tiny.conll(file, sentences)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two GPTs of random weights, GPT-2 over bytes and the first GPT over WordPiece; data."""
    folder = tmp_path_factory.mktemp("gpt")
    sizes = {"n_embd": 48, "n_positions": 64, "dropout": 0.0, "initializer_range": 0.1}
    words = gpt2_words(folder / "words")
    ends = {"bos_token_id": words.eos_id, "eos_token_id": words.eos_id}
    tiny.model_folder(folder / "gpt2", words, family="gpt", **sizes, **ends)
    pieces = tiny.wordpiece(folder / "pieces", ("question", "context", *tiny.WORDS), tiny.LETTERS)
    none = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": 0}
    first = {"model_type": "openai-gpt", "activation_function": "gelu", **none}
    tiny.model_folder(folder / "gpt", pieces, family="gpt", **sizes, **first)
    tiny.sst2(folder / "sst2.tsv", 8)
    tiny.rte(folder / "rte.tsv", 8)
    ner_file(folder / "ner.conll")
    paragraphs = [
        tiny.paragraph(TEXT.format(name), tiny.question(name, "who built the mill?", name, 0))
        for name in NAMES
    ]
    tiny.squad_file(folder / "squad.json", *paragraphs)
    return folder


def recipe(files: Path, task: str, file: str, body: str = "gpt2", **changes: Any) -> Recipe:
    training = tiny.exact_training(60, 8, changes.pop("training", {}), learning_rate=3e-3)
    training.setdefault("eval_steps", training["steps"])
    values = {
        "model": str(files / body),
        "task": task,
        "data": {"train": [str(files / file)], "validation": [str(files / file)]},
        "spans": {"max_length": 40, "max_query_length": 10},
        "sequence": {"max_length": 40},
        "text": {"max_inputs": 40, "max_targets": 12},
        "training": training,
    }
    return Recipe.check({**values, **changes}, "test")


@pytest.mark.parametrize("body", ["gpt2", "gpt"])
@pytest.mark.parametrize(
    ("task", "file"),
    [("sst2", "sst2.tsv"), ("rte", "rte.tsv"), ("ner", "ner.conll"), ("squad", "squad.json")],
)
def test_a_head_learns_by_heart(
    files: Path, task: str, file: str, body: str, tmp_path: Path, headwater: Headwater
) -> None:
    outcome = finetune(recipe(files, task, file, body), tmp_path / "run")
    assert outcome.best_value == 100
    given = ("--model", tmp_path / "run", "--task", task, "--data", files / file, "--json")
    ran = headwater("evaluate", *given)
    assert ran.code == 0, ran.err
    assert 100.0 in json.loads(ran.out).values()


@pytest.mark.parametrize("body", ["gpt2", "gpt"])
def test_text_learns_by_heart_and_answers(
    files: Path, body: str, tmp_path: Path, headwater: Headwater
) -> None:
    changed = {"as_text": True, "training": {"steps": 150}}
    outcome = finetune(recipe(files, "squad", "squad.json", body, **changed), tmp_path / "run")
    assert outcome.best_value == 100
    model = library.load(tmp_path / "run")
    assert isinstance(model.network, GPTWriter)
    [answer] = model.answer("who built the mill?", TEXT.format("Cleo"))
    assert answer.text == "Cleo"
    (tmp_path / "text.txt").write_text(TEXT.format("Dan"), encoding="utf-8")
    asked = ("ask", "who built the mill?", "--context", tmp_path / "text.txt")
    ran = headwater(*asked, "--model", tmp_path / "run", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)[0]["text"] == "Dan"
    inputs = f"question: who built the mill? context: {TEXT.format('Ada')}"
    assert model.generate([inputs])[0].lower() == "ada"
    # The published language model continues with the same.
    published = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "run/model").eval()
    end = model.network.start_id
    ids = [end, *model.vocabulary.encode(inputs).ids.tolist(), end]
    with torch.no_grad():
        written = published.generate(
            torch.tensor([ids]),
            max_new_tokens=8,
            do_sample=False,
            eos_token_id=end,
            pad_token_id=end,
        )[0, len(ids) :]
    assert model.vocabulary.decode(written.tolist()).strip().lower() == "ada"


def test_labels_and_mixtures_are_learned_as_text(files: Path, tmp_path: Path) -> None:
    mixed = {
        "tasks": [
            {"task": "sst2", "data": {"train": [str(files / "sst2.tsv")]}},
            {"task": "squad", "data": {"train": [str(files / "squad.json")]}},
        ],
        "rates": "equal",
    }
    values = recipe(files, "sst2", "sst2.tsv").model_dump(exclude_unset=True)
    del values["task"], values["data"]
    mixture = Recipe.check({**values, "mixture": mixed}, "test")
    assert begin(mixture).recipe.as_text is True
    finetune(recipe(files, "sst2", "sst2.tsv", as_text=True), tmp_path / "run")
    writes = library.load(tmp_path / "run")
    assert writes.generate([f"sst2 sentence: {tiny.GOOD}", f"sst2 sentence: {tiny.BAD}"]) == [
        "positive",
        "negative",
    ]
    again = begin(recipe(files, "sst2", "sst2.tsv", model=str(tmp_path / "run")))
    assert again.recipe.as_text is True
    head = begin(recipe(files, "sst2", "sst2.tsv", model=str(tmp_path / "run"), as_text=False))
    assert isinstance(head.setup.model, ModelWithHead)


METHODS: list[dict[str, Any]] = [
    {"method": "lora", "lora": {"rank": 4, "targets": ["query", "value", "inner", "outer"]}},
    {"method": "adapters", "adapters": {"size": 32, "after_attention": True}},
]


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("settings", METHODS, ids=lambda each: str(each["method"]))
def test_what_was_trained_is_saved_without_its_body(
    files: Path, settings: dict[str, Any], as_text: bool, tmp_path: Path, headwater: Headwater
) -> None:
    training = {"steps": 200 if as_text else 60, "learning_rate": 1e-2}
    changed = {**settings, "as_text": as_text, "training": training}
    outcome = finetune(recipe(files, "sst2", "sst2.tsv", **changed), tmp_path / "run")
    assert outcome.best_value == 100
    names = {item.name for item in (tmp_path / "run/model").iterdir()}
    assert "adapter_model.safetensors" in names and "model.safetensors" not in names
    assert "adapter_config.json" not in names  # peft knows one module where we have three
    model, shared = library.load(tmp_path / "run"), library.load(files / "gpt2")
    before = [each.clone() for each in shared.network.parameters()]
    for loaded in (model, shared.adapted(tmp_path / "run")):
        if as_text:
            assert loaded.generate([f"sst2 sentence: {tiny.GOOD}"]) == ["positive"]
        else:
            assert loaded.classify(tiny.GOOD)[0].label == "positive"
    for one, other in zip(before, shared.network.parameters(), strict=True):
        assert torch.equal(one, other)
    if settings["method"] == "lora":
        ran = headwater("merge", tmp_path / "run", "--output", tmp_path / "whole")
        assert ran.code == 0, ran.err
        whole = library.load(tmp_path / "whole")
        if as_text:
            assert whole.generate([f"sst2 sentence: {tiny.BAD}"]) == ["negative"]
        else:
            assert whole.classify(tiny.BAD)[0].label == "negative"


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "head_only"},
        {"method": "gradual_unfreezing"},
        {"training": {"layer_decay": 0.5}},
        {"method": "features", "features": {"lstm": 0}},
    ],
    ids=str,
)
def test_other_methods_train(files: Path, changes: dict[str, Any], tmp_path: Path) -> None:
    training = {"steps": 4, **changes.get("training", {})}
    run = recipe(files, "rte", "rte.tsv", **changes | {"training": training})
    finetune(run, tmp_path / "run")
    assert library.load(tmp_path / "run").classify(tiny.GOOD, tiny.BAD)


def test_published_classes_read_the_same_tokens(files: Path, tmp_path: Path) -> None:
    finetune(recipe(files, "rte", "rte.tsv", training={"steps": 4}), tmp_path / "run")
    ours = library.load(tmp_path / "run")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "run/model")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "run/model"
    ).eval()
    for pair in ((tiny.GOOD, None), (tiny.GOOD, tiny.BAD)):
        given = tokenizer(*pair, return_tensors="pt")
        assert given["input_ids"][0, 0] == given["input_ids"][0, -1] == ours.vocabulary.eos_id
        with torch.no_grad():
            chances = theirs(**given).logits.softmax(-1)[0]
        found = {each.label: each.score for each in ours.classify(*pair)}
        for index, label in theirs.config.id2label.items():
            assert found[label] == pytest.approx(chances[index].item(), abs=1e-5)


def test_a_folder_of_others_reads_the_text_alone(files: Path, tmp_path: Path) -> None:
    """The published tokenizer of GPT-2 adds nothing, unless its files say so."""
    words = load_vocabulary(files / "gpt2")
    config = tiny.gpt_config(vocab_size=words.size, n_embd=48)
    save_model(tmp_path, tiny.model(config, "sequence"), vocabulary=words)
    found = {each.label: each.score for each in library.load(tmp_path).classify(tiny.GOOD)}
    theirs = transformers.GPT2ForSequenceClassification.from_pretrained(tmp_path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    with torch.no_grad():
        chances = theirs(**tokenizer(tiny.GOOD, return_tensors="pt")).logits.softmax(-1)[0]
    assert found["LABEL_1"] == pytest.approx(chances[1].item(), abs=1e-5)


def test_the_auxiliary_loss_trains_and_is_logged(files: Path, tmp_path: Path) -> None:
    finetune(recipe(files, "sst2", "sst2.tsv", auxiliary_lm=0.5), tmp_path / "run")
    lines = (tmp_path / "run/log.jsonl").read_text(encoding="utf-8")
    assert '"lm"' in lines and '"sequence"' in lines
    assert library.load(tmp_path / "run").classify(tiny.BAD)[0].label == "negative"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"as_text": True, "auxiliary_lm": 0.5}, "auxiliary_lm is a second loss beside that of a "),
        ({"method": "features", "auxiliary_lm": 0.5}, "auxiliary_lm is for fine-tuning a GPT"),
        ({"as_text": True, "method": "head_only"}, "a GPT's output is its embedding"),
        ({"task": "scitldr", "as_text": False}, "task scitldr asks for text, which a GPT learns"),
    ],
    ids=str,
)
def test_what_a_gpt_cannot_be_asked(files: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        begin(recipe(files, **{"task": "sst2", "file": "sst2.tsv"} | changes))


def test_other_families_say_so(files: Path, tmp_path: Path) -> None:
    words = load_vocabulary(files / "pieces")
    tiny.model_folder(tmp_path / "bert", words)
    with pytest.raises(UserError, match="as_text is for fine-tuning a GPT, not for a BERT"):
        begin(recipe(files, "sst2", "sst2.tsv", str(tmp_path / "bert"), as_text=True))


def test_a_plain_gpt_says_what_to_do(files: Path, headwater: Headwater) -> None:
    for verb in ("classify", "tag"):
        ran = headwater(verb, tiny.GOOD, "--model", files / "gpt2")
        assert ran.code == 2 and ran.err.count("\n") == 1
        assert "continues a text" in ran.err and "headwater finetune --model" in ran.err
    model = library.load(files / "gpt2")
    with pytest.raises(UserError, match="or train it to answer: headwater finetune"):
        model.answer("who?", "a text")
    assert model.answer("the mill is")


def test_inspection_of_a_gpt_with_a_head(files: Path, tmp_path: Path, headwater: Headwater) -> None:
    finetune(recipe(files, "rte", "rte.tsv", training={"steps": 2}), tmp_path / "run")
    given = (tmp_path / "run", tiny.GOOD, tiny.BAD, "--json")
    shown = json.loads(headwater("inspect", "inputs", *given).out)
    assert shown["tokens"][0]["token"] == shown["tokens"][-1]["token"] == END
    outputs = json.loads(headwater("inspect", "outputs", *given).out)
    assert set(outputs["classes"]) == {"entailment", "not_entailment"}
    assert headwater("inspect", "attention", *given).code == 0
