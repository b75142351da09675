"""Two systems on the same items: from prediction files, runs and folders to what is printed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.quality.seeds import called_different

import tiny
from headwater.commands.compare import _metric, lines
from headwater.errors import UserError
from headwater.evaluation.compare import compare
from headwater.evaluation.paired import difference
from headwater.evaluation.systems import sources
from headwater.metrics import totals
from headwater.metrics.items import ItemSums

QUESTIONS = 60


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    """Questions with the answer `mill`, of which the last has "the old mill" too."""
    answers = [{"text": "mill", "answer_start": 8}]
    both = [*answers, {"text": "the old mill", "answer_start": 0}]
    questions = [
        {"id": f"q{number}", "question": f"What stood in {number}?", "answers": answers}
        for number in range(QUESTIONS)
    ]
    questions[-1]["answers"] = both
    paragraphs = [{"context": "the old mill stood by the river", "qas": questions}]
    path = tmp_path / "dev.json"
    path.write_text(
        json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]})
    )
    return path


def predictions(path: Path, wrong: range, text: str = "river") -> Path:
    """Write the right answer to every question but some."""
    said = {f"q{n}": text if n in wrong else "mill" for n in range(QUESTIONS)}
    path.write_text(json.dumps(said))
    return path


def test_two_files_item_by_item(squad: Path, tmp_path: Path) -> None:
    ours = predictions(tmp_path / "a.json", range(3))
    theirs = predictions(tmp_path / "b.json", range(2, 15), "old mill")
    (found,) = compare(str(ours), str(theirs), ["squad"], [squad]).tasks
    exact, f1 = found.metrics["exact_match"], found.metrics["f1"]
    assert next(iter(found.metrics)) == "f1"
    assert (found.wins, found.losses, found.ties) == (12, 3, 45)
    assert exact.ours == pytest.approx(95.0) and exact.theirs == pytest.approx(100 * 47 / 60)
    assert exact.test == "mcnemar" and f1.test == "randomization"
    assert exact.p == pytest.approx(2 * (1 + 14 + 91) / 2**14)
    assert found.p == f1.p > 0.05 and not found.different
    low, high = exact.interval
    assert 0 < low < exact.difference < high
    error = ((14 / 60 - (10 / 60) ** 2) / 60) ** 0.5
    assert exact.smallest == pytest.approx(2.80 * 100 * error, rel=0.05)
    assert f1.theirs == pytest.approx(100 * (47 + 13 * 2 / 3) / 60)
    assert len(found.contrasts) == 10
    first = found.contrasts[0]
    assert (first.id, first.ours, first.theirs, first.golds) == ("q0", "river", "mill", ("mill",))
    assert "What stood in 0?" in first.input and first.change == pytest.approx(-100 / 60)


def test_equal_files_differ_in_nothing(squad: Path, tmp_path: Path) -> None:
    names = [str(predictions(tmp_path / name, range(5))) for name in ("a.json", "b.json")]
    (found,) = compare(*names, ["squad"], [squad]).tasks
    assert found.p == 1.0 and not found.different and found.contrasts == ()
    assert found.metrics["f1"].p == 1.0 and found.metrics["f1"].interval == (0.0, 0.0)
    assert found.metrics["f1"].smallest is None
    assert found.metrics["exact_match"].smallest == pytest.approx(100 * 6 / QUESTIONS)


@pytest.mark.parametrize(("items", "p"), [(1, 1.0), (2, 0.5), (5, 2**-4), (6, 2**-5)])
def test_few_items_prove_nothing_whatever_the_seeds_say(items: int, p: float) -> None:
    def run(right: float) -> ItemSums:
        column = np.full(items, right)
        ids = tuple(map(str, range(items)))
        return ItemSums(ids, np.stack([column, np.ones(items)], 1), totals.ratio, True)

    for runs in (1, 3):
        found = difference([run(1.0)] * runs, [run(0.0)] * runs)
        assert found.difference == 100.0 and found.p == pytest.approx(p)
        assert (found.smallest is None) is (items < 6 or runs > 1)
    assert "shown at 80% power: not known" in "".join(_metric("f1", found))


def test_a_file_of_other_examples_is_refused(squad: Path, tmp_path: Path) -> None:
    ours = predictions(tmp_path / "a.json", range(3))
    (tmp_path / "b.json").write_text('{"z1": "mill"}')
    with pytest.raises(UserError, match=r"b.json: predictions of other examples.*'z1'"):
        compare(str(ours), str(tmp_path / "b.json"), ["squad"], [squad])


def test_one_file_under_two_names(squad: Path, tmp_path: Path) -> None:
    ours = predictions(tmp_path / "a.json", range(3))
    again = tmp_path / "." / ".." / tmp_path.name / "a.json"
    with pytest.raises(UserError, match="compared with itself"):
        compare(str(ours), str(again), ["squad"], [squad])
    with pytest.raises(UserError, match="stands here twice"):
        sources(f"{ours},{again}")


def test_predictions_that_are_no_number_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [[n, *"abcdef", "a mill", "a river", n % 5] for n in range(10)]
    columns = "index genre filename year old_index source1 source2 sentence1 sentence2 score"
    data = tiny.tab_separated(tmp_path / "dev.tsv", rows, columns)
    said = {"a": [n % 5 for n in range(10)], "b": ["nan", *range(1, 10)]}
    for name, values in said.items():
        tiny.tab_separated(tmp_path / f"{name}.tsv", enumerate(values), "index prediction")
    caplog.set_level("INFO")
    compare(*(str(tmp_path / f"{name}.tsv") for name in said), ["stsb"], [data])
    assert "predictions that are no number of stsb, which count as wrong: 1 of 10" in caplog.text


def test_seeds_are_drawn_too(squad: Path, tmp_path: Path) -> None:
    """Three seeds that differ widely show less than one of them would alone."""
    sizes = {"a1": 0, "a2": 5, "a3": 20, "b1": 16}
    made = {
        name: str(predictions(tmp_path / f"{name}.json", range(wrong)))
        for name, wrong in sizes.items()
    }
    alone = compare(made["a1"], made["b1"], ["squad"], [squad]).tasks[0]
    several = ",".join(made[name] for name in ("a1", "a2", "a3"))
    together = compare(several, made["b1"], ["squad"], [squad]).tasks[0]
    exact = together.metrics["exact_match"]
    assert exact.test == "bootstrap" and exact.ours == pytest.approx(100 * (60 - 25 / 3) / 60)
    assert alone.different and not together.different
    spread = [high - low for low, high in (exact.interval, alone.metrics["exact_match"].interval)]
    assert spread[0] > spread[1]


@pytest.mark.parametrize(("runs", "spread"), [(2, 5.0), (2, 0.0)])
def test_equal_systems_of_few_seeds_are_seldom_called_different(
    monkeypatch: pytest.MonkeyPatch, runs: int, spread: float
) -> None:
    """200 pairs of equal systems whose seeds differ by a deviation of `spread` points."""
    monkeypatch.setattr("headwater.evaluation.paired.RESAMPLES", 1000)
    pairs = 200
    called = called_different(runs, spread, pairs, items=300)
    assert called <= 0.085 * pairs  # 5%, and two deviations of what 200 pairs give
    assert called or not spread


def test_several_tasks_are_held_together(tmp_path: Path) -> None:
    """A folder with predictions for each task, as `evaluate --output` writes it."""
    rows = "".join(f"x\t{number % 2}\t\tBob won {number}.\n" for number in range(40))
    pairs = "".join(f"{number}\ta {number}\tb\tentailment\n" for number in range(40))
    files = {
        "glue/CoLA/dev.tsv": rows,
        "glue/RTE/dev.tsv": "index\tsentence1\tsentence2\tlabel\n" + pairs,
        "a/cola/CoLA.tsv": "index\tprediction\n" + "".join(f"{n}\t{n % 2}\n" for n in range(40)),
        "b/cola/CoLA.tsv": "index\tprediction\n" + "".join(f"{n}\t1\n" for n in range(40)),
        "a/rte/RTE.tsv": "index\tprediction\n" + "".join(f"{n}\tentailment\n" for n in range(40)),
        "b/rte/RTE.tsv": "index\tprediction\n"
        + "".join(f"{n}\t{'not_' if n < 6 else ''}entailment\n" for n in range(40)),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    given = (str(tmp_path / "a"), str(tmp_path / "b"), ["cola", "rte"], [tmp_path / "glue"])
    found = {each.task: each for each in compare(*given).tasks}
    assert found["cola"].metrics["matthews"].p < 0.001
    alone = found["rte"].metrics["accuracy"].p
    assert alone == pytest.approx(2 / 2**6) and found["rte"].p == pytest.approx(alone)
    assert found["cola"].p == pytest.approx(2 * found["cola"].metrics["matthews"].p)


def test_what_a_person_reads(squad: Path, tmp_path: Path) -> None:
    ours = predictions(tmp_path / "a.json", range(3), "river " * 40)
    theirs = predictions(tmp_path / "b.json", range(2, 15))
    shown = [*lines(compare(str(ours), str(theirs), ["squad"], [squad]))]
    assert shown[4] == "squad: 60 examples"
    assert shown[5].startswith("  f1           A 95.00 (")
    assert "A - B +16.67 (+" in shown[6] and "(randomization), shown at 80% power: " in shown[6]
    assert any(line.startswith("  A is better by f1: p 0.0") for line in shown)
    assert "  A wins 12, loses 2, ties 46" in shown
    assert "  example q0: B is better by 1.67" in shown
    assert max(map(len, shown[11:])) < 120


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("a.json", "a.json", ["squad"], ["dev.json"]), "compared with itself"),
        (("a.json", "b.json", ["squad"], []), "both --task and --data"),
        (("a.json", "b.json", [], []), "a.json: has no config.toml"),
        (("a.json,", "b.json", ["squad"], ["dev.json"]), "names no run"),
        (("a.json,a.json", "b.json", ["squad"], ["dev.json"]), "a.json stands here twice"),
    ],
)
def test_mistakes(
    given: Any, message: str, squad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    predictions(tmp_path / "a.json", range(3))
    ours, theirs, tasks, data = given
    with pytest.raises(UserError, match=message):
        compare(ours, theirs, tasks, [Path(each) for each in data])


def test_a_run_says_what_it_was_validated_on(
    squad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, wrong in (("a", 3), ("b", 9)):
        (tmp_path / name).mkdir()
        predictions(tmp_path / name / "predictions.json", range(wrong))
    config = 'task = "squad"\n[data]\ntrain = ["x.json"]\nvalidation = ["dev.json"]\n'
    (tmp_path / "a" / "config.toml").write_text(config)
    assert compare("a", "b").tasks[0].wins == 6
    (tmp_path / "a" / "config.toml").write_text('task = "squad"\n[data]\ntrain = ["x.json"]\n')
    with pytest.raises(UserError, match="names no validation files"):
        compare("a", "b")


def test_a_path_with_a_comma_is_one_run(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    assert sources(str(tmp_path / "a,b")) == [str(tmp_path / "a,b")]
    assert sources("a,b") == ["a", "b"]


def test_trials_of_tune_are_several_runs(tmp_path: Path) -> None:
    """`tune` names their folders by key and value, with commas between."""
    trials = [str(tmp_path / f"model=runs_a,seed={seed}") for seed in range(2)]
    for folder in trials:
        Path(folder).mkdir()
    assert sources(",".join(trials)) == trials
    assert sources(f"x,{trials[0]},y") == ["x", trials[0], "y"]


def test_single_runs_are_told_from_several(squad: Path, tmp_path: Path) -> None:
    sides = ("a", 3), ("b", 9)
    names = [
        [str(predictions(tmp_path / f"{name}{seed}", range(wrong + seed))) for seed in range(2)]
        for name, wrong in sides
    ]
    for runs, said in ((1, True), (2, False)):
        ours, theirs = (",".join(side[:runs]) for side in names)
        shown = [*lines(compare(ours, theirs, ["squad"], [squad]))]
        assert any("nothing of other seeds" in line for line in shown) == said


def test_on_the_command_line(headwater: Any, squad: Path, tmp_path: Path) -> None:
    files = [predictions(tmp_path / name, range(wrong)) for name, wrong in (("a", 3), ("b", 9))]
    given = ("compare", *files, "--task", "squad", "--data", squad)
    ran = headwater(*given)
    assert ran.code == 0, ran.err
    assert "  A wins 6, loses 0, ties 54" in ran.out
    found = json.loads(headwater(*given, "--json").out)
    assert found["ours"] == [str(files[0])] and found["tasks"][0]["wins"] == 6
    assert found["tasks"][0]["metrics"]["exact_match"]["p"] == pytest.approx(2 / 2**6)
    assert headwater("compare", "nowhere", files[1], *given[3:]).code == 2
