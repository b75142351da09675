"""A frozen body's features, from the examples to a run that can be evaluated, for every family."""

from pathlib import Path
from typing import Any

import pytest
import torch

import headwater
import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.data.example import Examples
from headwater.errors import UserError
from headwater.evaluation.evaluator import evaluate
from headwater.models.bert.network import Bert
from headwater.models.build import build_model
from headwater.models.feature_model import FeatureModel
from headwater.runs.feature_cache import features_folder
from headwater.runs.recipe import Recipe
from headwater.runs.run import begin, finetune
from headwater.tasks.names import task as find_task
from headwater.text.loading import load_vocabulary
from headwater.text.training import VocabularyPlan, train_vocabulary
from headwater.training.trainer import Trainer

SIZES: dict[str, dict[str, Any]] = {
    "bert": {"num_hidden_layers": 3},
    "gpt": {"n_positions": 64, "bos_token_id": None, "eos_token_id": None},
    "t5": {},
    "elmo": {"filters": ((1, 4), (2, 4), (3, 8)), "num_highway": 2, "samples": 10},
    "cbow": {"vector_size": 16},
}
PLACES, THINGS = ("mill", "spring", "bridge"), ("clay", "rain", "stone")
SENTENCES = [f"the {place} gave {thing} again" for place in PLACES for thing in THINGS]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random body of each family, with its vocabulary."""
    folder = tmp_path_factory.mktemp("bodies")
    kinds = {"wordpiece": 60, "word": 12, "unigram": 125}
    for kind, size in kinds.items():
        plan = VocabularyPlan(kind=kind, size=size)
        train_vocabulary(plan, SENTENCES * 4, folder / kind)
    made = {
        "bert": "wordpiece",
        "gpt": "wordpiece",
        "t5": "unigram",
        "elmo": "word",
        "cbow": "word",
    }
    torch.manual_seed(0)
    for family, kind in made.items():
        vocabulary = load_vocabulary(folder / kind)
        model = build_model(tiny.CONFIGS[family](vocab_size=vocabulary.size, **SIZES[family]))
        with torch.no_grad():  # fresh vectors are too alike for a small model to tell them apart
            for parameter in model.parameters():
                parameter.mul_({"cbow": 30, "elmo": 2}.get(family, 1))
        save_model(folder / family, model, vocabulary=vocabulary)
    return folder


def write_data(folder: Path) -> dict[str, Path]:
    """A file for each kind of task, whose labels follow from single words."""
    sst2, rte, stsb, ner, squad = [], [], [], [], []
    for number, text in enumerate(SENTENCES):
        place, thing = PLACES[number // 3], THINGS[number % 3]
        pair = (number, text, f"the {place} gave rain")
        sst2.append((text, number // 3 % 2))
        rte.append((*pair, "entailment" if thing == "rain" else "not_entailment"))
        stsb.append((*pair, number % 3))
        tags = {place: "B-place", thing: "B-thing"}
        ner.append([(word, tags.get(word, "O")) for word in text.split()])
        asked = f"what gave the {place}"
        question = tiny.question(str(number), asked, thing, text.index(thing))
        squad.append(tiny.paragraph(text, question))
    pairs = "index sentence1 sentence2"
    return {
        "sst2": tiny.tab_separated(folder / "sst2.tsv", sst2, "sentence label"),
        "rte": tiny.tab_separated(folder / "rte.tsv", rte, f"{pairs} label"),
        "stsb": tiny.tab_separated(folder / "stsb.tsv", stsb, f"{pairs} score"),
        "ner": tiny.conll(folder / "ner.conll", ner),
        "squad": tiny.squad_file(folder / "squad.json", *squad),
    }


def recipe_of(model: Path, task: str, file: Path, **values: Any) -> Recipe:
    training = {"steps": 60, "batch": {"examples": 4}, "learning_rate": 2e-2, "device": "cpu"}
    training |= {"precision": "fp32", "eval_steps": 60} | values.pop("training", {})
    data = {"train": [str(file)], "validation": [str(file)]}
    method = values.pop("method", "features")
    features = {"lstm": 8, "dropout": 0.0} | values.pop("features", {})
    table = {"features": features} if method == "features" else {}
    return Recipe.check(
        {
            "model": str(model),
            "task": task,
            "method": method,
            **table,
            "data": data,
            "training": training,
            **values,
        },
        "test",
    )


CASES = [
    ("bert", "squad", {"layers": "mix"}),
    ("bert", "stsb", {"layers": "last_four", "lstm": 0}),
    ("gpt", "rte", {"layers": "mix", "stored_as": "float16"}),
    ("t5", "squad", {"layers": "last"}),
    ("elmo", "ner", {"layers": "mix"}),
    ("cbow", "sst2", {"layers": "last"}),
]


@pytest.mark.parametrize(
    ("family", "task", "features"), CASES, ids=[f"{family}-{task}" for family, task, _ in CASES]
)
def test_a_run_learns_is_saved_alone_and_evaluates_to_the_same(
    family: str, task: str, features: dict[str, Any], bodies: Path, tmp_path: Path
) -> None:
    file = write_data(tmp_path)[task]
    recipe = recipe_of(bodies / family, task, file, features=features)
    outcome = finetune(recipe, tmp_path / "run")
    assert outcome.best_value is not None
    assert outcome.best_value > (60 if task == "squad" else 80)
    model = tmp_path / "run" / "model"
    assert not (model / "model.safetensors").exists()
    weight = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    assert 0 < weight < 60_000
    loaded = headwater.load(tmp_path / "run")
    found = find_task(task)
    examples: Examples[Any] = found.read([file])
    metrics = evaluate(loaded.predictor(found), found, examples).metrics
    close = 1.0 if "stored_as" in features else 1e-3
    assert metrics[found.main_metric] == pytest.approx(outcome.best_value, abs=close)
    if task == "squad":
        assert loaded.answer("what gave the mill", "the mill gave clay again")[0].text


def test_the_body_does_not_move_and_what_is_cached_teaches_what_it_teaches(
    bodies: Path, tmp_path: Path
) -> None:
    file = write_data(tmp_path)["rte"]
    shape, short = {"layers": "mix"}, {"steps": 10, "eval_steps": 10}
    recipe = recipe_of(bodies / "gpt", "rte", file, features=shape, training=short)

    def trained(known: bool) -> dict[str, torch.Tensor]:
        run = begin(recipe)
        model, rows = run.setup.model, run.features()
        assert isinstance(model, FeatureModel)
        if known:
            run.keep_features(rows)
        folder = tmp_path / str(known)
        Trainer(model, rows, recipe.training, folder, pad_id=0, hooks=run).run()
        return {name: tensor.clone() for name, tensor in model.state_dict().items()}

    through_cache, through_body = trained(True), trained(False)
    assert through_cache["mix.weights"].abs().min() > 0
    before = load_model(bodies / "gpt").model.state_dict()
    for name, tensor in through_cache.items():
        if name.startswith("body."):
            assert torch.equal(tensor, before[name.removeprefix("body.")]), name
        else:
            assert torch.allclose(tensor, through_body[name], atol=1e-5), name


def test_runs_share_one_body_in_memory(bodies: Path, tmp_path: Path) -> None:
    file = write_data(tmp_path)["sst2"]
    short = {"steps": 2, "eval_steps": 2}
    finetune(recipe_of(bodies / "bert", "sst2", file, training=short), tmp_path / "run")
    base, alone = headwater.load(bodies / "bert"), headwater.load(tmp_path / "run")
    before = {name: each.clone() for name, each in base.network.state_dict().items()}
    shared = base.adapted(tmp_path / "run")
    tables = [
        one.network.get_parameter(name) for one, name in zip((base, shared), TABLE, strict=True)
    ]
    assert tables[0].data_ptr() == tables[1].data_ptr()
    task = find_task("sst2")
    examples: Examples[Any] = task.read([file])
    said = [
        [each.probabilities for each in one.predictor(task)(examples)] for one in (alone, shared)
    ]
    assert said[0] == said[1]
    assert all(torch.equal(each, before[name]) for name, each in base.network.state_dict().items())


TABLE = ("embeddings.token.weight", "body.embeddings.token.weight")


def test_a_run_is_continued_to_the_bit(bodies: Path, tmp_path: Path) -> None:
    file = write_data(tmp_path)["ner"]
    shape = {"layers": "mix", "dropout": 0.2}
    training = {"steps": 4, "eval_steps": 2, "save_steps": 1}
    recipe = recipe_of(bodies / "elmo", "ner", file, features=shape, training=training)
    finetune(recipe, tmp_path / "whole")
    short = recipe_of(
        *(bodies / "elmo", "ner", file),
        features=shape,
        training=training | {"time_limit_minutes": 1e-9},
    )
    sessions = 1
    while finetune(short, tmp_path / "parts", resume=sessions > 1).reason == "time_limit":
        sessions += 1
    assert sessions == 4
    one, other = (tmp_path / name / "model" / "adapter_model.safetensors" for name in NAMES)
    assert one.read_bytes() == other.read_bytes()


NAMES = ("whole", "parts")


def test_the_second_run_asks_the_body_for_nothing(
    bodies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_data(tmp_path)["sst2"]
    recipe = recipe_of(bodies / "bert", "sst2", file, training={"steps": 3})
    finetune(recipe, tmp_path / "first")

    def refused(*_: object) -> None:
        raise AssertionError("the body was asked")

    monkeypatch.setattr(Bert, "layer_outputs", refused)
    finetune(recipe, tmp_path / "second")
    weights = [tmp_path / name / "model/adapter_model.safetensors" for name in ("first", "second")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert len(list(features_folder().glob("*/vectors.npy"))) == 1


@pytest.mark.parametrize(
    ("family", "task", "values", "said"),
    [
        ("bert", "sst2", {"features": {"layers": 7}}, "this body has 0 to 3"),
        ("elmo", "sst2", {"features": {"layers": "last_four"}}, "this body has 3 outputs"),
        ("elmo", "sst2", {"method": "all"}, 'method = "features"'),
        ("cbow", "sst2", {"method": "all"}, 'method = "features"'),
        ("t5", "scitldr", {}, "learns no task that is written, such as scitldr"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    family: str, task: str, values: dict[str, Any], said: str, bodies: Path, tmp_path: Path
) -> None:
    files = write_data(tmp_path)
    (tmp_path / "scitldr.jsonl").write_text('{"source": ["the mill"], "target": ["mill"]}\n')
    file = files.get(task, tmp_path / "scitldr.jsonl")
    with pytest.raises(UserError, match=said) as caught:
        begin(recipe_of(bodies / family, task, file, **values))
    assert "\n" not in str(caught.value)


def test_a_mixture_is_refused(bodies: Path, tmp_path: Path) -> None:
    tasks = [{"task": "sst2", "data": {"train": [str(write_data(tmp_path)["sst2"])]}}]
    values = {"model": str(bodies / "bert"), "method": "features", "mixture": {"tasks": tasks}}
    with pytest.raises(UserError, match="learns one task, not a mixture"):
        begin(Recipe.check(values, "test"))


def test_the_small_model_trains_as_an_elmo_does(bodies: Path, tmp_path: Path) -> None:
    file = write_data(tmp_path)["sst2"]
    values = {"task": "sst2", "data": {"train": [str(file)]}, "method": "features"}
    recipe = Recipe.check({"model": str(bodies / "t5"), **values}, "test")
    training = begin(recipe).recipe.training
    assert (training.optimizer, training.peak_learning_rate) == ("adamw", 1e-3)
