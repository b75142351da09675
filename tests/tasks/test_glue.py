"""GLUE: every official row is read, said as T5's published preprocessors say it, and scored."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from headwater.data.example import Examples, PairExample
from headwater.errors import UserError
from headwater.tasks.glue import (
    AX,
    COLA,
    GLUE,
    MNLI,
    MNLI_MISMATCHED,
    MRPC,
    QNLI,
    QQP,
    RTE,
    SST2,
    STSB,
    WNLI,
)
from headwater.tasks.pairs import PairTask, rounded

# rows of the official files, and of each class in the order of the task's labels
OFFICIAL = {
    ("CoLA", "train.tsv"): (COLA, 8551, (2528, 6023)),
    ("CoLA", "dev.tsv"): (COLA, 1043, (322, 721)),
    ("CoLA", "test.tsv"): (COLA, 1063, None),
    ("SST-2", "dev.tsv"): (SST2, 872, (428, 444)),
    ("SST-2", "test.tsv"): (SST2, 1821, None),
    ("MRPC", "train.tsv"): (MRPC, 3668, (1194, 2474)),
    ("MRPC", "dev.tsv"): (MRPC, 408, (129, 279)),
    ("MRPC", "msr_paraphrase_train.txt"): (MRPC, 4076, (1323, 2753)),
    ("MRPC", "msr_paraphrase_test.txt"): (MRPC, 1725, (578, 1147)),
    ("MRPC", "test.tsv"): (MRPC, 1725, None),
    ("STS-B", "train.tsv"): (STSB, 5749, ()),
    ("STS-B", "dev.tsv"): (STSB, 1500, ()),
    ("STS-B", "test.tsv"): (STSB, 1379, None),
    ("RTE", "train.tsv"): (RTE, 2490, (1249, 1241)),
    ("RTE", "dev.tsv"): (RTE, 277, (146, 131)),
    ("RTE", "test.tsv"): (RTE, 3000, None),
    ("WNLI", "train.tsv"): (WNLI, 635, (323, 312)),
    ("WNLI", "dev.tsv"): (WNLI, 71, (40, 31)),
    ("WNLI", "test.tsv"): (WNLI, 146, None),
}

# the header of the official file, a row, and the text form with its target
SAID = {
    "cola": (COLA, "gj04\t0\t*\tIt rain.", "cola sentence: It rain.", "unacceptable"),
    "sst2": (SST2, "sentence\tlabel\na fine film \t1", "sst2 sentence: a fine film ", "positive"),
    "mrpc": (
        MRPC,
        'Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t7\t8\tHe said "no.\tShe did.',
        'mrpc sentence1: He said "no. sentence2: She did.',
        "not_equivalent",
    ),
    "stsb": (
        STSB,
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        "0\tnews\tMSR\t2012\t1\tnone\tnone\tA cat.\tA dog.\t2.600",
        "stsb sentence1: A cat. sentence2: A dog.",
        "2.6",
    ),
    "qqp": (
        QQP,
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n9\t1\t2\tWhy?\tHow?\t1",
        "qqp question1: Why? question2: How?",
        "duplicate",
    ),
    "mnli": (
        MNLI,
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
        "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
        "0\t1\t1e\tslate\t( A )\t( B )\t(S)\t(S)\tA premise.\tA guess.\tneutral\tcontradiction",
        "mnli hypothesis: A guess. premise: A premise.",
        "contradiction",
    ),
    "qnli": (
        QNLI,
        "index\tquestion\tsentence\tlabel\n0\tWho?\tAda did.\tentailment",
        "qnli question: Who? sentence: Ada did.",
        "entailment",
    ),
    "rte": (
        RTE,
        "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tnot_entailment",
        "rte sentence1: A. sentence2: B.",
        "not_entailment",
    ),
    "wnli": (
        WNLI,
        "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\t1",
        "wnli sentence1: A. sentence2: B.",
        "entailment",
    ),
    "ax": (
        AX,
        "Lexical Semantics\tPredicate-Argument Structure\tLogic\tKnowledge\tDomain\tPremise\t"
        "Hypothesis\tLabel\n\t\tNegation\t\tNews\tA cat sat.\tNo cat sat.\tcontradiction",
        "mnli hypothesis: No cat sat. premise: A cat sat.",
        "contradiction",
    ),
}


def _file(folder: Path, content: str, name: str = "dev.tsv") -> Path:
    path = folder / name
    path.write_text(content + "\n")
    return path


@pytest.mark.parametrize(("folder", "name"), OFFICIAL)
def test_every_official_row_is_read(shared: Path, folder: str, name: str) -> None:
    task, rows, classes = OFFICIAL[folder, name]
    examples = task.read([shared / "data/glue" / folder / name], answered=classes is not None)
    assert len(examples) == rows
    assert [each.id for each in examples] == [str(row) for row in range(rows)]
    assert all(each.text_a.strip() for each in examples)
    if classes:
        counts = Counter(each.label for each in examples)
        assert tuple(counts[label] for label in task.labels) == classes
    elif classes == ():
        assert all(each.score is not None and 0 <= each.score <= 5 for each in examples)
    else:
        assert {(each.label, each.score) for each in examples} == {(None, None)}


def test_a_folder_stands_for_its_validation_file(shared: Path) -> None:
    glue = shared / "data/glue"
    expected = RTE.read([glue / "RTE/dev.tsv"]).fingerprint
    assert RTE.read([glue]).fingerprint == expected
    assert RTE.read([glue / "RTE"]).fingerprint == expected
    with pytest.raises(UserError, match=r"no dev.tsv of task qqp here or in QQP/"):
        QQP.read([glue])


@pytest.mark.parametrize("name", SAID)
def test_rows_as_text(tmp_path: Path, name: str) -> None:
    task, content, inputs, target = SAID[name]
    examples = task.read([_file(tmp_path, content)])
    said = task.to_text(examples[0])
    assert (len(examples), said.inputs, said.targets) == (1, inputs, (target,))
    assert task.from_text(examples[0], f" {target} ") == target
    hidden = task.read([_file(tmp_path, content)], answered=False)
    assert task.to_text(hidden[0]).targets == ()
    perfect = {"0": target}
    if task is not STSB:
        assert task.score(examples, perfect)[task.metric_names[-1]] in (100.0, 0.0)


def test_a_regression_gives_the_metrics_that_it_names() -> None:
    examples = Examples([PairExample(str(n), "a", score=n / 2) for n in range(4)])
    predictions = {each.id: str(each.score) for each in examples}
    assert replace(STSB, metric_names=("spearman",)).score(examples, predictions) == {
        "spearman": 100.0
    }
    assert STSB.score(examples, predictions) == pytest.approx({"pearson": 100, "spearman": 100})


def test_the_encoder_reads_premise_then_hypothesis(tmp_path: Path) -> None:
    example = MNLI.read([_file(tmp_path, SAID["mnli"][1])])[0]
    assert (example.text_a, example.text_b) == ("A premise.", "A guess.")
    single = COLA.read([_file(tmp_path, SAID["cola"][1])])[0]
    assert (single.text_a, single.text_b) == ("It rain.", None)


def test_the_hub_s_columns_and_numbers(tmp_path: Path) -> None:
    rows = [{"premise": "A.", "hypothesis": "B.", "label": 2, "idx": 7}]
    path = tmp_path / "validation.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    example = MNLI_MISMATCHED.read([path])[0]
    assert (example.id, example.text_a, example.label) == ("7", "A.", "contradiction")
    scores = [{"sentence1": "A.", "sentence2": "B.", "label": 3.8, "idx": 0}]
    parquet.write_table(pa.Table.from_pylist(scores), path)
    assert STSB.read([path])[0].score == 3.8
    hidden = [{"sentence1": "A.", "sentence2": "B.", "label": -1, "idx": 0}]
    parquet.write_table(pa.Table.from_pylist(hidden), path)
    assert RTE.read([path], answered=False)[0].label is None
    with pytest.raises(UserError, match=r"validation.parquet, row 1: the label is hidden"):
        RTE.read([path])


def test_ids_of_several_files_differ(tmp_path: Path) -> None:
    first = _file(tmp_path, "sentence\tlabel\na\t1\nb\t0", "a.tsv")
    second = _file(tmp_path, "sentence\tlabel\nc\t1", "b.tsv")
    assert [each.id for each in SST2.read([first, second])] == ["0", "1", "2:0"]
    twice = _file(
        tmp_path, '{"sentence1": "", "sentence2": "", "label": 0, "idx": 3}\n' * 2, "a.jsonl"
    )
    with pytest.raises(UserError, match=r"a.jsonl, line 2: idx 3 stands here again"):
        RTE.read([twice])


def test_rows_of_qqp_cut_short_are_left_out_and_counted(tmp_path: Path) -> None:
    header = SAID["qqp"][1]
    path = _file(tmp_path, f"{header}\n10\t1\t2\tWhy")
    examples = QQP.read([path])
    assert len(examples) == 1
    assert examples.report.summary() == (
        f"1 example dropped, the first: {path}, line 3: 4 of 6 columns"
    )


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        (RTE, "index\tsentence1\tsentence2\tlabel", "no example of task rte"),
        (RTE, "index\tsentence1\tlabel\n0\tA\t1", "line 1: no column sentence2; there are 'index'"),
        (RTE, "index\tsentence1\tsentence2\n0\tA\tB", "line 1: no column label; a test file"),
        (RTE, "sentence1\tsentence2\tlabel\nA\tB\t2", "line 2: unknown label '2'; expected entail"),
        (RTE, "sentence1\tsentence2\tlabel\nA\tB\tmaybe", "line 2: unknown label 'maybe'"),
        (COLA, "gj04\t1\tIt rains.", "line 1: 3 columns, but 4 were expected"),
        (STSB, "sentence1\tsentence2\tscore\nA\tB\thigh", "line 2: the score must be a number"),
        (STSB, "sentence1\tsentence2\tscore\nA\tB\t0_1", "line 2: the score must be a number"),
        (STSB, "sentence1\tsentence2\tscore\nA\tB\t\u0663", "line 2: the score must be a number"),
        (STSB, "sentence1\tsentence2\tscore\nA\tB\tnan", "line 2: the score must be a number"),
        (STSB, "sentence1\tsentence2\tscore\nA\tB\t7", "line 2: the score must be from 0 to 5"),
    ],
)
def test_one_line_names_file_and_line(
    tmp_path: Path, task: PairTask, content: str, message: str
) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(UserError, match=message) as caught:
        task.read([path])
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_scores_are_rounded_to_fifths() -> None:
    published = {2.5: "2.4", 3.5: "3.6", 2.6: "2.6", 0.0: "0.0", 5.0: "5.0", 4.3: "4.4", 1.8: "1.8"}
    assert {score: rounded(score) for score in published} == published


@given(st.floats(0, 5, width=32))
def test_a_rounded_score_is_one_of_26_and_the_nearest(score: float) -> None:
    fifths = np.round(np.arange(26) / 5, 1)
    chosen = float(rounded(score))
    assert chosen in fifths
    assert abs(chosen - score) <= abs(fifths - score).min() + 1e-6


def test_what_is_no_label_counts_as_wrong() -> None:
    examples = Examples([PairExample(str(row), "a", "b", MRPC.labels[row % 2]) for row in range(4)])
    right = {each.id: each.label or "" for each in examples}
    assert MRPC.score(examples, right) == {"f1": 100.0, "accuracy": 100.0}
    assert MRPC.score(examples, right | {"1": "perhaps"})["accuracy"] == 75.0
    assert MRPC.score(examples, right | {"1": "perhaps"}) == MRPC.score(
        examples, {key: text for key, text in right.items() if key != "1"}
    )
    with pytest.raises(UserError, match="example '0' of task mrpc has no known label"):
        MRPC.score(Examples([PairExample("0", "a")]), {})
    with pytest.raises(UserError, match="no no-answer probabilities"):
        MRPC.score(examples, right, {"0": 0.5})


def test_a_text_that_is_no_number_counts_as_minus_one() -> None:
    examples = Examples([PairExample(str(row), "a", "b", score=row) for row in range(4)])
    said = {"0": "0.2", "1": "x", "2": "2.2", "3": "nan"}
    as_number = {"0": "0.2", "1": "-1.0", "2": "2.2", "3": "-1"}
    assert STSB.score(examples, said) == STSB.score(examples, as_number)
    assert STSB.score(examples, {str(row): str(row) for row in range(4)}) == pytest.approx(
        {"pearson": 100.0, "spearman": 100.0}, abs=1e-9
    )


@pytest.mark.parametrize("task", GLUE, ids=lambda task: task.name)
def test_a_prediction_file_is_read_back(tmp_path: Path, task: PairTask) -> None:
    examples = Examples([PairExample(f"row{number}", "a", "b") for number in range(6)])
    texts = [*(task.labels or ("2.6", "0.125")), "no\tlabel"]
    given = {each.id: texts[index % len(texts)] for index, each in enumerate(examples)}
    content = task.prediction_file.dump(examples, given)
    assert content.startswith("index\tprediction\n0\t")
    path = tmp_path / task.prediction_file.name
    path.write_text(content)
    back = {key: text.replace("\t", " ") for key, text in given.items()}
    assert task.prediction_file.read(path, examples) == back


def test_leaderboard_spellings() -> None:
    examples = Examples([PairExample("7", "a", "b")])
    lines = {
        task.prediction_file.name: task.prediction_file.dump(examples, {"7": label})
        for task, label in [(COLA, "acceptable"), (RTE, "not_entailment"), (WNLI, "entailment")]
    }
    assert lines == {
        "CoLA.tsv": "index\tprediction\n0\t1\n",
        "RTE.tsv": "index\tprediction\n0\tnot_entailment\n",
        "WNLI.tsv": "index\tprediction\n0\t1\n",
    }


def test_predictions_may_be_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text('{"index": 0, "prediction": 1}\n{"index": 1, "prediction": "unacceptable"}\n')
    examples = Examples([PairExample(str(number), "a") for number in range(2)])
    assert COLA.prediction_file.read(path, examples) == {"0": "acceptable", "1": "unacceptable"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id\tprediction\n0\t1\n", "line 1: the columns must be index and prediction"),
        ("index\tprediction\n6\t1\n", "line 2: the index must be a number from 0 to 5, not '6'"),
        ("index\tprediction\n-1\t1\n", "line 2: the index must be a number from 0 to 5"),
        ("index\tprediction\n1\t1\n1\t1\n", "line 3: index 1 stands here again"),
    ],
)
def test_a_broken_prediction_file(tmp_path: Path, content: str, message: str) -> None:
    examples = Examples([PairExample(str(number), "a") for number in range(6)])
    path = tmp_path / "CoLA.tsv"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        COLA.prediction_file.read(path, examples)
