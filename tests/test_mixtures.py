"""Mixtures from a recipe to a model: heads on one body, one T5 for all, objectives beside."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from headwater.checkpoints.folder import load_model
from headwater.corpus.build import build
from headwater.errors import UserError
from headwater.inference.loaded import load
from headwater.models.multi_task import MultiTask
from headwater.runs.components import rates_of
from headwater.runs.recipe import MixtureConfig, Recipe
from headwater.runs.run import begin, finetune
from headwater.tasks.names import task
from headwater.text.loading import load_vocabulary

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """CoLA's and RTE's layouts, with labels that a bag of words tells."""
    for split, count in (("train", 24), ("dev", 8)):
        tiny.cola(tmp_path / f"cola-{split}.tsv", count)
        tiny.rte(tmp_path / f"rte-{split}.tsv", count)
    (tmp_path / "text.txt").write_text(f"{tiny.GOOD} {tiny.BAD}\n\n" * 40)
    return tmp_path


@pytest.fixture
def body(files: Path) -> Path:
    """A tiny BERT with its vocabulary."""
    sizes = {"num_hidden_layers": 1, "max_position_embeddings": 32, "initializer_range": 0.2}
    vocabulary = tiny.wordpiece(files, tiny.WORDS)
    return tiny.model_folder(files / "body", vocabulary, dropout=0.0, **sizes)


def recipe(files: Path, start: dict[str, Any], **changes: Any) -> Recipe:
    tasks: list[dict[str, Any]] = [
        {
            "task": name,
            "data": {
                "train": [str(files / f"{name}-train.tsv")],
                "validation": [str(files / f"{name}-dev.tsv")],
            },
        }
        for name in ("cola", "rte")
    ]
    mixture = {"rates": "equal", "tasks": tasks} | changes.pop("mixture", {})
    mixture["tasks"] = tasks + changes.pop("more", [])
    training = {
        "steps": 12,
        "batch": {"examples": 8},
        "learning_rate": 1e-2,
        "eval_steps": 6,
        "save_steps": 4,
        "logging_steps": 4,
        "precision": "fp32",
        "device": "cpu",
    } | changes
    return Recipe.check(start | {"mixture": mixture, "training": training}, "test")


def log_of(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("seconds")
        line.pop("processor_seconds", None)
    return lines


def test_two_tasks_on_one_bert_learn_and_serve(files: Path, body: Path) -> None:
    run = files / "run"
    longer = {"steps": 80, "eval_steps": 40, "learning_rate": 3e-3}
    finetune(recipe(files, {"model": str(body)}, **longer), run)
    model = load_model(run / "model").model
    assert isinstance(model, MultiTask) and model.names == ("cola", "rte")
    [*_, last] = [line["evaluation"] for line in log_of(run) if "evaluation" in line]
    assert list(last) == ["average", "cola/matthews", "rte/accuracy"]
    assert last["average"] == pytest.approx((last["cola/matthews"] + last["rte/accuracy"]) / 2)
    assert last["average"] == 100.0
    shown = [line["losses"] for line in log_of(run) if "losses" in line]
    assert shown and all(set(losses) <= {"cola", "rte"} for losses in shown)
    assert shown[-1]["rte"] < 0.3 and shown[-1]["cola"] < 0.3
    for name in ("cola", "rte"):
        examples = task(name).read([files / f"{name}-dev.tsv"])
        found = {each.id: each.text for each in load(run, "cpu").predictor(task(name))(examples)}
        assert found == {each.id: each.label for each in examples}


def test_a_cut_run_continues_to_the_bit(files: Path, body: Path) -> None:
    whole, cut = files / "whole", files / "cut"
    start = {"model": str(body)}
    finetune(recipe(files, start), whole)
    limited = recipe(files, start, time_limit_minutes=1e-9)
    sessions = 0
    while not (cut / "state" / "finished").exists():
        finetune(limited, cut, resume=sessions > 0)
        sessions += 1
    assert sessions > 3
    weights = [(run / "model" / "model.safetensors").read_bytes() for run in (whole, cut)]
    assert weights[0] == weights[1]
    kept = [[line for line in log_of(run) if "loss" in line] for run in (whole, cut)]
    assert kept[0] == kept[1]


def test_a_folder_with_a_run_is_refused_before_any_data_are_read(files: Path, body: Path) -> None:
    (files / "run" / "model").mkdir(parents=True)
    (files / "rte-train.tsv").unlink()
    with pytest.raises(UserError, match="already holds a run"):
        finetune(recipe(files, {"model": str(body)}), files / "run")


def test_another_mixture_is_not_resumed_and_what_differs_is_named(files: Path, body: Path) -> None:
    start, run = {"model": str(body)}, files / "run"
    finetune(recipe(files, start), run)
    with pytest.raises(UserError, match=r"mixture.rates was 'equal', is now 'proportional'"):
        finetune(recipe(files, start, mixture={"rates": "proportional"}), run, resume=True)
    with (files / "rte-train.tsv").open("a") as file:
        file.write(f"24\t{tiny.GOOD}\t{tiny.BAD}\tnot_entailment\n")
    with pytest.raises(UserError, match=r"resume: data.rte has changed. Put it back"):
        finetune(recipe(files, start), run, resume=True)


def test_held_out_features_stay_as_many_when_a_mixture_is_resumed(files: Path, body: Path) -> None:
    build([files / "text.txt"], load_vocabulary(body), files / "store")
    stores = {"train": [str(files / "store")], "validation": str(files / "store")}
    found = []
    for rows in (512, 8):
        mlm = {"max_length": 16, "next_sentence": False}
        unlabelled = {"objective": "mlm", "mlm": mlm, "corpus": stores | {"validation_rows": rows}}
        wanted = recipe(files, {"model": str(body)}, more=[{"unlabelled": unlabelled}])
        found.append(begin(wanted).identity)
    assert {key for key in found[0] if found[0][key] != found[1][key]} == {"validation_rows"}


def test_the_best_of_each_task_is_kept_on_request(files: Path, body: Path) -> None:
    run = files / "run"
    wanted = recipe(files, {"model": str(body)}, mixture={"best_each": True}, eval_steps=3)
    finetune(wanted, run)
    evaluations = [line for line in log_of(run) if "evaluation" in line]
    for name, metric in (("cola", "matthews"), ("rte", "accuracy")):
        loaded = load(run / "best" / name / metric, "cpu")
        examples = task(name).read([files / f"{name}-dev.tsv"])
        said = {each.id: each.text for each in loaded.predictor(task(name))(examples)}
        best = max(line["evaluation"][f"{name}/{metric}"] for line in evaluations)
        assert task(name).score(examples, said)[metric] == pytest.approx(best)


def test_the_default_task_answers_where_none_is_named(files: Path, body: Path) -> None:
    wanted = recipe(files, {"model": str(body)}, mixture={"default_task": "rte"})
    finetune(wanted, files / "run")
    model = load(files / "run", "cpu")
    assert model.extra["default_task"] == "rte"
    assert model.classify("bob won") == model.classify("bob won", task="rte")
    assert model.classify("bob won") != model.classify("bob won", task="cola")
    with pytest.raises(UserError, match=r"mixture\.default_task = 'mrpc': its tasks are cola, rte"):
        begin(recipe(files, {"model": str(body)}, mixture={"default_task": "mrpc"}))


def test_steps_of_several_heads_hold_examples_unless_set_otherwise(files: Path, body: Path) -> None:
    wanted = recipe(files, {"model": str(body)})
    values = wanted.model_dump(exclude_unset=True)
    assert begin(wanted).recipe.training.batch.examples == 8
    del values["training"]["batch"]
    assert begin(Recipe.check(values, "test")).recipe.training.batch.examples == 32
    values["training"]["batch"] = {"tokens": 64}
    assert begin(Recipe.check(values, "test")).recipe.training.batch.tokens == 64
    del values["mixture"], values["training"]["batch"]
    values |= {"task": "rte", "data": {"train": [str(files / "rte-train.tsv")]}}
    assert begin(Recipe.check(values, "test")).recipe.training.batch.tokens == 4096


def test_a_t5_counts_the_schemas_that_it_learns_and_names_groups_as_alone(
    files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [
        {
            **{"idx": number, "label": number == 0, "text": "the mill is good and it is not bad"},
            "target": {
                **{"span1_text": "the mill", "span1_index": 0},
                **{"span2_text": "it", "span2_index": 5},
            },
        }
        for number in range(5)
    ]
    path = files / "wsc.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sizes = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_decoder_layers": 1}
    vocabulary = str(ROOT / "examples" / "vocabulary")
    network = {"preset": "t5-small", "vocabulary": vocabulary, "sizes": sizes | {"num_heads": 2}}
    more = [{"task": "wsc", "data": {"train": [str(path)]}}]
    rates = {"encoder": 0.5}
    changes = {"mixture": {"rates": "proportional"}, "group_rates": rates, "eval_steps": None}
    wanted = recipe(files, {"network": network}, more=more, steps=1, **changes)
    finetune(wanted, files / "run")
    said = caplog.text
    assert "wsc: examples without a target, left out: 4" in said
    assert f"mixture: wsc {1 / 49:.2%} of the examples" in said  # beside 24 and 24


def test_masked_tokens_are_a_task_beside_others(files: Path, body: Path) -> None:
    build([files / "text.txt"], load_vocabulary(body), files / "store")
    corpus = {"train": [str(files / "store")], "validation": str(files / "store")}
    mlm = {"max_length": 16, "next_sentence": False}
    more = [{"unlabelled": {"objective": "mlm", "corpus": corpus, "mlm": mlm}}]
    run = files / "run"
    finetune(recipe(files, {"model": str(body)}, more=more, steps=18), run)
    [first, *_, last] = [line["evaluation"] for line in log_of(run) if "evaluation" in line]
    assert list(last) == ["average", "cola/matthews", "rte/accuracy", "mlm/loss"]
    assert last["mlm/loss"] < first["mlm/loss"]
    assert last["average"] == pytest.approx((last["cola/matthews"] + last["rte/accuracy"]) / 2)


def test_the_best_weights_of_a_loss_are_the_lowest_and_of_a_task_the_highest(
    files: Path, body: Path
) -> None:
    build([files / "text.txt"], load_vocabulary(body), files / "store")
    corpus = {"train": [str(files / "store")], "validation": str(files / "store")}
    mlm = {"max_length": 16, "next_sentence": False}
    more = [{"unlabelled": {"objective": "mlm", "corpus": corpus, "mlm": mlm}}]
    changes = {"mixture": {"best_each": True}, "metric_for_best_model": "mlm/loss", "eval_steps": 3}
    wanted = recipe(files, {"model": str(body)}, more=more, **changes)
    assert begin(wanted).recipe.training.best_is == "lowest"
    outcome = finetune(wanted, files / "run")
    found = [line["evaluation"] for line in log_of(files / "run") if "evaluation" in line]
    assert outcome.best_value == min(each["mlm/loss"] for each in found)
    [*_, state] = sorted((files / "run" / "state").glob("step-*/state.json"))
    bests = json.loads(state.read_text())["state"]["followed_bests"]
    for name in ("cola/matthews", "rte/accuracy"):
        assert bests[name][1] == max(each[name] for each in found)


def test_a_t5_learns_tasks_and_span_corruption_in_one_batch(files: Path) -> None:
    vocabulary = ROOT / "examples" / "vocabulary"
    build([files / "text.txt"], load_vocabulary(vocabulary), files / "store")
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    network = {"preset": "t5-small", "vocabulary": str(vocabulary)}
    network["sizes"] = sizes | {"num_decoder_layers": 1, "dropout_rate": 0.0}
    unlabelled = {
        "objective": "span_corruption",
        "corpus": {"train": [str(files / "store")], "validation": str(files / "store")},
        "span_corruption": {"inputs": 32},
    }
    run = files / "run"
    wanted = recipe(files, {"network": network}, more=[{"unlabelled": unlabelled}], steps=20)
    rows = begin(wanted).features().draw(0)
    assert {int(row["task"]) for row in rows.features(np.arange(len(rows)), 0)} == {0, 1, 2}
    finetune(wanted, run)
    lines = [line for line in log_of(run) if "losses" in line]
    assert {name for line in lines for name in line["losses"]} == {"cola", "rte", "span_corruption"}
    cola = [line["losses"]["cola"] for line in lines if "cola" in line["losses"]]
    assert cola[-1] < cola[0]
    for line in lines:  # what is minimized lies between the losses that it is made of
        assert min(line["losses"].values()) <= line["loss"] <= max(line["losses"].values())
    assert load(run, "cpu").generate(["cola sentence: the mill is good ."])


def test_a_task_starts_from_another_tasks_model(files: Path, body: Path) -> None:
    common = {"training": recipe(files, {"model": str(body)}).training.model_dump()}
    first = {"model": str(body), "task": "cola", "data": {"train": [str(files / "cola-train.tsv")]}}
    training = common["training"] | {"eval_steps": None}
    finetune(Recipe.check(first | {"training": training}, "test"), files / "first")
    second = {"model": str(files / "first"), "task": "rte"}
    second["data"] = {"train": [str(files / "rte-train.tsv")]}
    run = begin(Recipe.check(second | {"training": training}, "test"))
    trained = load_model(files / "first" / "model").model
    for (name, new), (_, old) in zip(
        run.setup.model.body.named_parameters(), trained.body.named_parameters(), strict=True
    ):
        assert torch.equal(new, old), name
    assert run.setup.new_parameters


@pytest.mark.parametrize(
    ("mixture", "sizes", "rates", "draws"),
    [
        ({"rates": "equal", "tasks": 2}, [30, 10], [0.5, 0.5], 40),
        ({"tasks": 2}, [30, 10], [0.75, 0.25], 40),
        ({"cap": 10, "tasks": 2}, [30, 10], [0.5, 0.5], 20),
        ({"rates": "temperature", "temperature": 2.0, "tasks": 2}, [90, 10], [0.75, 0.25], 100),
    ],
    ids=["equal", "proportional", "capped", "temperature"],
)
def test_rates_by_name(
    mixture: dict[str, Any], sizes: list[int], rates: list[float], draws: int
) -> None:
    tasks = [{"task": "rte", "data": {"train": ["a"]}}] * mixture["tasks"]
    config = MixtureConfig.check(mixture | {"tasks": tasks}, "test")
    found, size = rates_of(config, sizes)
    np.testing.assert_allclose(found, rates)
    assert size == draws


def test_rates_of_a_mixture_in_a_mixture_and_given_ones() -> None:
    leaf = {"task": "rte", "data": {"train": ["a"]}}
    inner = {"mixture": {"rates": "equal", "tasks": [leaf, leaf]}}
    config = MixtureConfig.check({"tasks": [leaf, inner]}, "test")
    found, size = rates_of(config, [60, 10, 30])
    np.testing.assert_allclose(found, [0.6, 0.2, 0.2])
    assert size == 100
    capped = {"mixture": {"cap": 20, "tasks": [leaf, leaf]}}
    config = MixtureConfig.check({"cap": 50, "tasks": [leaf, capped]}, "test")
    found, size = rates_of(config, [200, 10, 70])  # the inner one counts 10 + 20
    np.testing.assert_allclose(found, [50 / 80, 10 / 80, 20 / 80])
    assert size == 80
    given = MixtureConfig.check({"tasks": [leaf | {"rate": 3.0}, inner | {"rate": 1.0}]}, "test")
    np.testing.assert_allclose(rates_of(given, [60, 10, 30])[0], [0.75, 0.125, 0.125])


LEAF = {"task": "rte", "data": {"train": ["a"]}}
BAD_MIXTURES: list[tuple[dict[str, Any], str]] = [
    ({"tasks": []}, "mixture.tasks"),
    ({"tasks": [{"task": "rte"}]}, "a task needs data"),
    ({"tasks": [{}]}, "give one of task"),
    ({"tasks": [LEAF | {"rate": 1.0}, LEAF]}, "to each of the tasks, or to none"),
    ({"tasks": [LEAF | {"rate": 0.0}]}, "rate"),
    ({"tasks": [LEAF], "rates": "equal", "cap": 3}, "cap counts examples"),
    ({"tasks": [LEAF], "temperature": 2.0}, "temperature"),
    ({"tasks": [LEAF], "rates": "fair"}, "rates"),
    ({"task": [LEAF]}, "did you mean 'mixture.tasks'|tasks"),
    ({"tasks": [{"mixture": {"tasks": [LEAF], "best_each": True}}]}, "for the run's own mixture"),
    ({"tasks": [{"mixture": {"tasks": [LEAF], "default_task": "rte"}}]}, "default_task is for the"),
    ({"tasks": [{"mixture": {"tasks": [LEAF | {"dat": {}}]}}]}, "did you mean 'data'"),
    ({"tasks": [LEAF | {"rate": 1e308}]}, "rate"),
    (
        {"tasks": [LEAF | {"most": 3}]},
        r"unknown key 'mixture\.tasks\[0\]\.most'; known here: data, ",
    ),
]


@pytest.mark.parametrize(("mixture", "said"), BAD_MIXTURES, ids=[said for _, said in BAD_MIXTURES])
def test_a_wrong_mixture_is_one_clear_line(mixture: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Recipe.check({"model": "m", "mixture": mixture}, "test")


def test_what_cannot_be_mixed_is_reported(files: Path, body: Path) -> None:
    start = {"model": str(body)}
    twice = [{"task": "cola", "data": {"train": [str(files / "cola-dev.tsv")]}}]
    with pytest.raises(UserError, match="cola stands in it twice"):
        begin(recipe(files, start, more=twice))
    spans = {"objective": "span_corruption", "corpus": {"train": [str(files / "no")]}}
    with pytest.raises(UserError, match="a bert learns mlm"):
        begin(recipe(files, start, more=[{"unlabelled": spans}]))
    build([files / "text.txt"], load_vocabulary(body), files / "store")
    store = {"train": [str(files / "store")]}
    masked = {"objective": "mlm", "corpus": store}
    with pytest.raises(UserError, match=r"mlm.max_length = 512: this model reads \d+ tokens"):
        begin(recipe(files, start, more=[{"unlabelled": masked}]))
    vocabulary = ROOT / "examples" / "vocabulary"
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    network = {"preset": "t5-small", "vocabulary": str(vocabulary), "sizes": sizes}
    build([files / "text.txt"], load_vocabulary(vocabulary), files / "tokens")
    going_on = {"objective": "lm", "corpus": {"train": [str(files / "tokens")]}}
    with pytest.raises(UserError, match="a T5 of architecture encoder_decoder takes prefix_lm"):
        begin(recipe(files, {"network": network}, more=[{"unlabelled": going_on}]))
    with pytest.raises(
        UserError, match=r"metric_for_best_model = 'f1': there are average, cola/matthews"
    ):
        begin(recipe(files, start, metric_for_best_model="f1"))
