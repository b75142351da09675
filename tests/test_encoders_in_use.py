"""Every family of encoders does what an encoder does: spans, LoRA, features, looking inside."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from peft import PeftModel

import headwater
import tiny
from headwater.checkpoints.adapted import open_model
from headwater.checkpoints.folder import load_model, save_model
from headwater.checkpoints.parts import Adaptation, Base
from headwater.inspection.attention import attention
from headwater.methods.config import MethodConfig
from headwater.methods.layer_depth import depths
from headwater.methods.names import build_method
from headwater.models.build import build_model
from headwater.models.families import FAMILIES, family_of, sizes_of
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.text.loading import load_vocabulary

OF_BERT: dict[str, dict[str, Any]] = {
    "distilbert": {"model_type": "distilbert", "type_vocab_size": 0},
    "xlm-roberta": {"model_type": "xlm-roberta", "type_vocab_size": 1},
    "camembert": {"model_type": "camembert", "type_vocab_size": 1},
}
"""What the configs of BERT's family change."""
FAMILIES_OF_ENCODERS = ["albert", "deberta", "electra", "modernbert", "mpnet", *OF_BERT]
NAMES = ["mill", "barn", "inn", "dam", "farm", "well", "gate", "quay", "tower", "bridge"]
PEOPLE = ["Ada", "Bela", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hal", "Ida", "Jon"]
WORDS = ["who", "built", "the", "in", "spring", "and", *NAMES, *(each.lower() for each in PEOPLE)]


def tiny_config(family: str, **ids: int) -> Any:
    """The sizes of the family's quick study, on a vocabulary's ids."""
    record = FAMILIES["bert" if family in OF_BERT else family]
    quick = record.quick_study
    sizes = {name: value for name, value in quick.sizes.items() if "dropout" not in name}
    preset = record.presets[quick.preset]
    drop = {name: 0.0 for name in preset.__dataclass_fields__ if "drop" in name}
    own = OF_BERT.get(family, {})
    if own:
        sizes |= {"num_hidden_layers": 2}
    return type(preset)(**{**sizes, **drop, **ids, **own})


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty questions whose answers stand at the beginning or at the end."""
    folder = tmp_path_factory.mktemp("questions")
    paragraphs = []
    for name, person in zip(NAMES, PEOPLE, strict=True):
        for text in (
            f"{person} built the {name} in spring.",
            f"The {name} in spring and {person}.",
        ):
            asked = f"Who built the {name}?"
            answer = tiny.question(text, asked, person, text.index(person))
            paragraphs.append(tiny.paragraph(text, answer))
    tiny.squad_file(folder / "train.json", *paragraphs)
    return folder


@pytest.fixture(scope="module", params=FAMILIES_OF_ENCODERS)
def body(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    vocabulary = tiny.wordpiece(folder / "words", WORDS, "?.")
    if request.param == "mpnet":  # its padding has the id 1
        first, second, *others = (folder / "words" / "vocab.txt").read_text().split("\n")
        (folder / "words" / "vocab.txt").write_text("\n".join([second, first, *others]))
        vocabulary = load_vocabulary(folder / "words")
    pad = vocabulary.pad_id
    config = tiny_config(request.param, vocab_size=vocabulary.size, pad_token_id=pad)
    torch.manual_seed(2)
    save_model(folder / "body", build_model(config), vocabulary=vocabulary)
    return folder / "body"


def test_twenty_questions_are_learned_by_heart(
    body: Path, questions: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    recipe = Recipe.check(
        {
            "model": str(body),
            "task": "squad",
            "data": {"train": [str(questions / "train.json")]},
            "spans": {"max_length": 40, "max_query_length": 10},
            "training": tiny.exact_training(120, 20, learning_rate=2e-3),
        },
        "test",
    )
    finetune(recipe, tmp_path / "run")
    reader = headwater.load(tmp_path / "run" / "model")
    [article] = json.loads((questions / "train.json").read_text())["data"]
    pairs, wanted = [], []
    for each in article["paragraphs"]:
        for asked in each["qas"]:
            pairs.append((asked["question"], each["context"]))
            wanted.append(asked["answers"][0]["text"])
    given = [found[0].text for found in reader.answer_batch(pairs)]
    assert given == wanted
    maps = attention(reader, "Who built the mill?", "Ada built it.")
    config = reader.network.config
    heads = config.num_attention_heads
    blocks = sizes_of(config).layers * getattr(config, "inner_group_num", 1)
    assert len(maps) == blocks * heads
    assert all(abs(each.weights.sum(1) - 1).max() < 1e-5 for each in maps)


def test_each_layer_gives_features(body: Path) -> None:
    network = load_model(body).model
    ids = torch.arange(5, 17).reshape(2, 6)
    with torch.no_grad():
        outputs = network.layer_outputs({"input_ids": ids})
        assert torch.equal(outputs[-1], network(ids))
    assert len(outputs) == sizes_of(network.config).layers + 1
    assert {each.shape for each in outputs} == {(2, 6, 64)}


def test_vectors_are_those_of_sentence_transformers(body: Path) -> None:
    package = pytest.importorskip("sentence_transformers")
    texts = ["Ada built the mill in spring.", "the inn", "Who built the tower and the bridge?"]
    model = package.SentenceTransformer(str(body), device="cpu", local_files_only=True)
    theirs = model.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(headwater.load(body).embed(texts), theirs, atol=1e-5)


def test_a_packed_batch_gives_the_outputs_of_its_texts(body: Path) -> None:
    network = load_model(body, dtype=torch.float64).model
    ids = torch.arange(5, 17).reshape(1, 12)
    blocks = torch.tensor([[1] * 5 + [2] * 4 + [3] * 3])
    with torch.no_grad():
        packed = network(ids, None, None, blocks)[0]
        alone = [network(each)[0] for each in ids.split([5, 4, 3], 1)]
    torch.testing.assert_close(packed, torch.cat(alone), atol=1e-9, rtol=0)


def test_adapters_change_nothing_at_first_and_then_learn(body: Path) -> None:
    batch = {"input_ids": torch.arange(5, 17).reshape(2, 6), "labels": torch.tensor([0, 1])}
    model = load_model(body, "sequence").model
    with torch.no_grad():
        before = model(batch)
    config = MethodConfig.check({"method": "adapters", "adapters": {"size": 3}}, "test")
    build_method(config).attach(model)
    torch.testing.assert_close(model(batch), before)
    model.loss_sums(batch)["sequence"].backward()
    learning = {name for name, each in model.named_parameters() if each.grad is not None}
    assert any(".adapter.up." in name for name in learning)
    assert not any(name.endswith(("query.weight", "token.weight")) for name in learning)


def test_layers_thaw_from_the_top(body: Path) -> None:
    model = load_model(body, "sequence").model
    found = depths(name for name, _ in model.named_parameters())
    outside = {name for name, depth in found.items() if depth == 0}
    assert outside == {name for name in found if name.startswith("head.")}
    count = len(model.body.layers)
    assert set(found.values()) == set(range(count + 2))
    assert found["body.embeddings.token.weight"] == count + 1


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_peft_opens_lora_with_equal_outputs(body: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = load_model(body, "span").model
    config = MethodConfig.check({"method": "lora", "lora": {"rank": 2}}, "test")
    build_method(config).attach(model)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    save_model(tmp_path / "run", model, adaptation=Adaptation(config, Base.of(str(body))))
    ids = torch.arange(6, 18).reshape(2, 6)
    with torch.no_grad():
        wanted = model.eval()({"input_ids": ids})
        again = open_model(tmp_path / "run").model({"input_ids": ids})
    assert torch.equal(again.start_logits, wanted.start_logits)
    if family_of(model.config).format(model.config).keys.fused:
        # One module of the published code is three of ours.
        assert not (tmp_path / "run" / "adapter_config.json").exists()
        return
    theirs = transformers.AutoModelForQuestionAnswering.from_pretrained(
        body, attn_implementation="eager"
    )
    theirs = PeftModel.from_pretrained(theirs, tmp_path / "run").eval()
    with torch.no_grad():
        found = theirs(input_ids=ids)
    torch.testing.assert_close(found.start_logits, wanted.start_logits, atol=1e-5, rtol=1e-5)
