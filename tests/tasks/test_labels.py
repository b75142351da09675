"""What a cell means as a label or a score: one thing, or a line that says why not."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headwater.data.example import PairExample
from headwater.errors import MissingField, UserError
from headwater.tasks.declared import load_task

CLASSES = 'kind = "sequence"\nmetrics = ["accuracy"]\ntemplate = "{text}"\ntexts = ["text"]\n'
NUMBERS = 'kind = "regression"\nmetrics = ["pearson"]\ntemplate = "{text}"\ntexts = ["text"]\n'


def read(tmp_path: Path, declaration: str, values: list[Any], form: str) -> list[PairExample]:
    (tmp_path / "t.toml").write_text(declaration)
    path = tmp_path / f"a.{form}"
    name = "score" if declaration.startswith(NUMBERS) else "label"
    if form == "csv":
        path.write_text(
            "".join(f"{each}\n" for each in [f"text;{name}", *(f"x;{v}" for v in values)])
        )
    elif form == "jsonl":
        path.write_text("".join(json.dumps({"text": "x", name: v}) + "\n" for v in values))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        table = pyarrow.table({"text": ["x"] * len(values), name: values})
        pytest.importorskip("pyarrow.parquet").write_table(table, path)
    return list(load_task(tmp_path / "t.toml").read([path]))


def labels(tmp_path: Path, names: str, values: list[Any], form: str = "jsonl") -> list[str | None]:
    examples = read(tmp_path, f"{CLASSES}labels = {names}\n", values, form)
    return [each.label for each in examples]


def scores(tmp_path: Path, values: list[Any], form: str = "csv", more: str = "") -> list[Any]:
    return [each.score for each in read(tmp_path, NUMBERS + more, values, form)]


@pytest.mark.parametrize(
    ("names", "values", "expected"),
    [
        ('["no", "yes"]', ["yes", " no "], ["yes", "no"]),
        ('["no", "yes"]', ["1", "0"], ["yes", "no"]),
        ('["no", "yes"]', ["1.0", "0.0"], ["yes", "no"]),
        ('["1", "2", "3"]', ["1", "3"], ["1", "3"]),
        ("[1, 2, 3]", ["1", "3.0"], ["1", "3"]),
        ('["-1", "0", "1"]', ["-1", "1"], ["-1", "1"]),
        ("[-1, 0, 1]", ["-1.0", "1"], ["-1", "1"]),
        ("[1.5, 2]", ["1.50", "2"], ["1.5", "2"]),
        ('["False", "True"]', ["true", "FALSE"], ["True", "False"]),
        ("[false, true]", ["True", "false"], ["true", "false"]),
        ('["negative", "positive", "5"]', ["5", "positive"], ["5", "positive"]),
    ],
)
def test_texts(tmp_path: Path, names: str, values: list[str], expected: list[str]) -> None:
    assert labels(tmp_path, names, values, "csv") == expected
    assert labels(tmp_path, names, values, "jsonl") == expected


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    ("names", "values", "expected"),
    [
        ('["no", "yes"]', [1, 0], ["yes", "no"]),
        ('["no", "yes"]', [1.0, 0.0], ["yes", "no"]),
        ("[1, 2]", [1, 2], ["1", "2"]),
        ("[1, 2]", [1.0, 2.0], ["1", "2"]),
        ('["False", "True"]', [True, False], ["True", "False"]),
        ("[true, false]", [True, False], ["true", "false"]),
    ],
)
def test_numbers_and_truth(
    tmp_path: Path, form: str, names: str, values: list[Any], expected: list[str]
) -> None:
    assert labels(tmp_path, names, values, form) == expected


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        (
            '["no", "yes"]',
            ["no", "yes", "0"],
            "line 3: '0' is an index, but line 1 has 'no', a name",
        ),
        ('["no", "yes"]', [1, "no"], "line 2: 'no' is a name, but line 1 has 1, an index"),
        ('["False", "True"]', [True, 0], "line 2: 0 is an index, but line 1 has True, a name"),
        ('["no", "yes"]', [True], "line 1: unknown label True; expected no, yes (or their numbers"),
        ('["no", "yes"]', [0.5], "unknown label 0.5; expected no, yes (or their numbers, 0 to 1)"),
        ('["no", "yes"]', [2], "unknown label 2"),
        ("[1, 2]", [0], "unknown label 0; expected 1, 2"),
        ("[1, 2]", [True], "unknown label True; expected 1, 2"),
        ('["no", "yes"]', ["No"], "unknown label 'No'; did you mean 'no'? expected no, yes"),
        ('["no", "yes"]', ["nan"], "unknown label 'nan'; "),
        ('["true", "True"]', [True], "unknown label True; expected true, True"),
    ],
)
def test_what_can_mean_two_things_is_refused(
    tmp_path: Path, names: str, values: list[Any], message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        labels(tmp_path, names, values)
    assert "\n" not in str(caught.value)


def test_of_many_labels_ten_are_named(tmp_path: Path) -> None:
    names = json.dumps([f"class{number}" for number in range(5000)])
    with pytest.raises(UserError, match=r"class9 and 4,990 more \(or their numbers") as caught:
        labels(tmp_path, names, ["zebra"])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [None, -1, "-1"])
def test_a_hidden_label(tmp_path: Path, value: Any) -> None:
    with pytest.raises(MissingField, match="line 1: the label is hidden"):
        labels(tmp_path, '["no", "yes"]', [value])


def test_each_file_may_say_it_in_its_own_way(tmp_path: Path) -> None:
    labels(tmp_path, '["no", "yes"]', ["no"])
    other = tmp_path / "b.jsonl"
    other.write_text('{"text": "x", "label": 1}\n')
    task = load_task(tmp_path / "t.toml")
    assert [each.label for each in task.read([tmp_path / "a.jsonl", other])] == ["no", "yes"]


def test_decimal_commas(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert scores(tmp_path, ["3,5", "-2", "0,125", "1,250"]) == [3.5, -2, 0.125, 1.25]
    assert "numbers are read with a decimal comma" in caplog.text
    assert scores(tmp_path, ["3.5", "1e3", "-1"]) == [3.5, 1000, -1]
    assert scores(tmp_path, [3.5, -1], "jsonl") == [3.5, -1]
    given = 'csv = { delimiter = ";", decimal = "," }\n'
    assert scores(tmp_path, ["1,250", "3"], more=given) == [1.25, 3]


@pytest.mark.parametrize(
    ("values", "more", "message"),
    [
        (["3.5", "2,5"], "", "line 3: '2,5' is with a comma, but line 2 has '3.5', with a point"),
        (["2,5", "3.5"], "", "line 3: '3.5' is with a point, but line 2 has '2,5', with a comma"),
        (["1,234"], "", "line 2: is '1,234' a thousand or a fraction?"),
        (["1.5"], 'csv = { decimal = "," }\n', "'1.5' has a point; csv says decimal = ','"),
        (["1,5"], 'csv = { decimal = "." }\n', "the score must be a number, not '1,5'"),
        (["nan"], "", "the score must be a number, not 'nan'"),
        (["1_0"], "", "the score must be a number, not '1_0'"),
        (["1,234,567"], "", "the score must be a number"),
    ],
)
def test_scores_that_are_none(tmp_path: Path, values: list[str], more: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        scores(tmp_path, values, more=more)
    assert "\n" not in str(caught.value)


def hub_file(path: Path, columns: dict[str, Any], features: dict[str, Any]) -> Path:
    """As `Dataset.to_parquet` writes it."""
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(columns)
    info = json.dumps({"info": {"features": features}})
    table = table.replace_schema_metadata({"huggingface": info})
    pytest.importorskip("pyarrow.parquet").write_table(table, path)
    return path


def test_the_names_in_a_hub_s_file_come_before_the_order_of_the_labels(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(f'{CLASSES}labels = ["positive", "negative"]\n')
    task = load_task(tmp_path / "t.toml")
    columns = {"text": ["x", "y"], "label": [0, 1]}
    for names, expected in (
        (["negative", "positive"], ["negative", "positive"]),
        (["LABEL_0", "LABEL_1"], ["positive", "negative"]),  # names that the task does not know
    ):
        features = {"label": {"names": names, "_type": "ClassLabel"}}
        path = hub_file(tmp_path / "a.parquet", columns, features)
        assert [each.label for each in task.read([path])] == expected


@pytest.mark.parametrize("kind", ["Sequence", "List", "list"])
def test_the_names_of_tags_in_a_hub_s_file(tmp_path: Path, kind: str) -> None:
    (tmp_path / "t.toml").write_text(
        'kind = "token"\nmetrics = ["f1"]\ntemplate = "{words}"\nwords = "tokens"\n'
        'tags = "ner_tags"\nlabels = ["O", "B-x", "I-x"]\n'
    )
    inner = {"names": ["B-x", "I-x", "O"], "_type": "ClassLabel"}
    feature = [inner] if kind == "list" else {"feature": inner, "_type": kind}
    columns = {"tokens": [["a", "b"]], "ner_tags": [[0, 2]]}
    path = hub_file(tmp_path / "a.parquet", columns, {"ner_tags": feature})
    assert load_task(tmp_path / "t.toml").read([path])[0].tags == ("B-x", "O")


def test_decimals_of_parquet_are_numbers(tmp_path: Path) -> None:
    values = [Decimal("1.00"), Decimal("0.00")]
    assert labels(tmp_path, '["no", "yes"]', values, "parquet") == ["yes", "no"]
    assert labels(tmp_path, "[0, 1]", values, "parquet") == ["1", "0"]
