"""SuperGLUE's tasks: official and hub rows, T5's text forms, scores and prediction files."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from headwater.data.task import Task
from headwater.errors import UserError
from headwater.tasks.names import BENCHMARKS, SERVED_BY, TASKS
from headwater.tasks.record import RECORD
from headwater.tasks.superglue import AXB, AXG, BOOLQ, CB, COPA, MULTIRC, SUPERGLUE_RTE, WIC
from headwater.tasks.winograd import WSC

# by task: a row of the official file, its text form, its target, and the prediction as submitted
SAID: dict[str, tuple[Task[Any], dict[str, Any], str, str, Any]] = {
    "boolq": (
        BOOLQ,
        {"question": "is it so", "passage": "It is so.", "idx": 3, "label": True},
        "boolq passage: It is so. question: is it so",
        "True",
        "true",
    ),
    "cb": (
        CB,
        {"premise": "A: I guess.", "hypothesis": "so it is", "label": "neutral", "idx": 3},
        "cb hypothesis: so it is premise: A: I guess.",
        "neutral",
        "neutral",
    ),
    "copa": (
        COPA,
        {
            "premise": "I ran.",
            "choice1": "I slept.",
            "choice2": "I was late.",
            "question": "cause",
            "label": 1,
            "idx": 3,
        },
        "copa choice1: I slept. choice2: I was late. premise: I ran. question: cause",
        "choice2",
        1,
    ),
    "superglue_rte": (
        SUPERGLUE_RTE,
        {"premise": "A.", "hypothesis": "B.", "label": "not_entailment", "idx": 3},
        "rte hypothesis: B. premise: A.",
        "not_entailment",
        "not_entailment",
    ),
    "wic": (
        WIC,
        {
            "word": "place",
            "sentence1": "Do you want to come over to my place?",
            "sentence2": "A political system with no place for it.",
            "idx": 3,
            "label": False,
            "start1": 31,
            "version": 1.1,
        },
        "wic sentence1: Do you want to come over to my place? "
        "sentence2: A political system with no place for it. word: place",
        "False",
        "false",
    ),
    "axb": (
        AXB,
        {
            "sentence1": "A.",
            "sentence2": "B.",
            "idx": 3,
            "label": "entailment",
            "logic": "Negation",
        },
        "rte hypothesis: B. premise: A.",
        "entailment",
        "entailment",
    ),
    "axg": (
        AXG,
        {"premise": "A.", "hypothesis": "B.", "idx": 3, "label": "entailment"},
        "rte hypothesis: B. premise: A.",
        "entailment",
        "entailment",
    ),
}

MULTIRC_ROW = {
    "idx": 5,
    "passage": {
        "text": "<b>Sent 1: </b>Ada wrote.<br><b>Sent 2: </b>She counted.<br>",
        "questions": [
            {
                "question": "What did Ada do?",
                "idx": 0,
                "answers": [
                    {"text": "Wrote", "idx": 0, "label": 1},
                    {"text": "Swam", "idx": 1, "label": 0},
                ],
            },
            {
                "question": "Who?",
                "idx": 1,
                "answers": [{"text": "Ada", "idx": 2, "label": 1}],
            },
        ],
    },
}

RECORD_ROW = {
    "source": "Daily mail",
    "passage": {
        "text": "The penguin saw a pigeon.\n@highlight\nIt ran\n@highlight\nThe penguin slept",
        "entities": [{"start": 18, "end": 23}, {"start": 4, "end": 10}, {"start": 59, "end": 65}],
    },
    "idx": 2,
    "qas": [
        {
            "query": "A @placeholder is a bird.",
            "answers": [
                {"start": 18, "end": 23, "text": "pigeon"},
                {"start": 4, "end": 10, "text": "penguin"},
            ],
            "idx": 9,
        }
    ],
}
RECORD_INPUTS = (
    "record query: A @placeholder is a bird. entities: penguin, pigeon passage: "
    "The penguin saw a pigeon. It ran. The penguin slept"
)


def _lines(folder: Path, *rows: Any, name: str = "val.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("name", "rows"), [("train.jsonl", (3553, 5874)), ("val.jsonl", (1237, 2033))]
)
def test_boolq_is_read_whole(shared: Path, name: str, rows: tuple[int, int]) -> None:
    examples = BOOLQ.read([shared / "data/superglue/BoolQ" / name])
    assert Counter(each.label for each in examples) == dict(
        zip(("False", "True"), rows, strict=True)
    )
    assert [each.id for each in examples] == [str(row) for row in range(sum(rows))]


@pytest.mark.parametrize("name", SAID)
def test_rows_as_text_and_as_predictions(tmp_path: Path, name: str) -> None:
    task, row, inputs, target, submitted = SAID[name]
    examples = task.read([_lines(tmp_path, row)])
    said = task.to_text(examples[0])
    assert (examples[0].id, said.inputs, said.targets) == ("3", inputs, (target,))
    hidden = _lines(tmp_path, {name: row[name] for name in row if name != "label"})
    assert task.to_text(task.read([hidden], answered=False)[0]).targets == ()
    file = task.prediction_file
    content = file.dump(examples, {"3": target})
    assert json.loads(content) == {"idx": 3, "label": submitted}
    (tmp_path / file.name).write_text(content)
    assert file.read(tmp_path / file.name, examples) == {"3": target}
    with pytest.raises(UserError, match=r"val.jsonl, line 1: no column label; a test file hides"):
        task.read([tmp_path / "val.jsonl"])


def test_what_an_encoder_reads(tmp_path: Path) -> None:
    wic = WIC.read([_lines(tmp_path, SAID["wic"][1])])[0]
    assert wic.text_a == "place Do you want to come over to my place?"
    assert wic.text_b == "A political system with no place for it."
    assert (COPA.kind, COPA.head_labels(())) == ("text", ())
    answer = MULTIRC.read([_lines(tmp_path, MULTIRC_ROW)])[0]
    assert answer.text_b == "What did Ada do? Wrote"


def test_multirc_is_one_example_for_each_answer(tmp_path: Path) -> None:
    examples = MULTIRC.read([_lines(tmp_path, MULTIRC_ROW)])
    assert [(each.id, each.label) for each in examples] == [
        ("5-0-0", "True"),
        ("5-0-1", "False"),
        ("5-1-2", "True"),
    ]
    assert MULTIRC.to_text(examples[0]).inputs == (
        "multirc question: What did Ada do? answer: Wrote paragraph: "
        "Sent 1: Ada wrote. Sent 2: She counted. "
    )
    said = {"5-0-0": "True", "5-0-1": "True", "5-1-2": "True"}
    assert MULTIRC.score(examples, said) == {"f1": pytest.approx(80.0), "exact_match": 50.0}
    content = MULTIRC.prediction_file.dump(examples, said | {"5-1-2": "perhaps"})
    assert json.loads(content) == {
        "idx": 5,
        "passage": {
            "questions": [
                {"idx": 0, "answers": [{"idx": 0, "label": 1}, {"idx": 1, "label": 1}]},
                {"idx": 1, "answers": [{"idx": 2, "label": "perhaps"}]},
            ]
        },
    }
    (tmp_path / "p.jsonl").write_text(content)
    back = MULTIRC.prediction_file.read(tmp_path / "p.jsonl", examples)
    assert back == said | {"5-1-2": "perhaps"}
    broken = {"idx": 5, "passage": {"questions": [{"idx": 0, "answers": ["x"]}]}}
    with pytest.raises(UserError, match="line 1: 'idx' is missing; a whole number was expected"):
        MULTIRC.prediction_file.read(_lines(tmp_path, broken), examples)


def test_multirc_of_the_hub(tmp_path: Path) -> None:
    index = {"paragraph": 5, "question": 0, "answer": 1}
    row = {"paragraph": "P.", "question": "Q?", "answer": "A", "idx": index, "label": 0}
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "v.parquet")
    example = MULTIRC.read([tmp_path / "v.parquet"])[0]
    assert (example.id, example.text_a, example.label) == ("5-0-1", "P.", "False")


def test_record_has_an_example_for_each_answer(tmp_path: Path) -> None:
    examples = RECORD.read([_lines(tmp_path, RECORD_ROW)])
    assert [(each.id, each.targets) for each in examples] == [
        ("9", ("penguin", "pigeon")),
        ("9/2", ("pigeon", "penguin")),
    ]
    assert {RECORD.to_text(each).inputs for each in examples} == {RECORD_INPUTS}
    assert RECORD.score(examples, {"9": "The pigeon", "9/2": "cow"}) == {
        "f1": 100.0,
        "exact_match": 100.0,
    }
    assert RECORD.score(examples, {}) == {"f1": 0.0, "exact_match": 0.0}
    content = RECORD.prediction_file.dump(examples, {"9": "pigeon", "9/2": "cow"})
    assert json.loads(content) == {"idx": 9, "label": "pigeon"}


def test_record_without_answers_and_from_the_hub(tmp_path: Path) -> None:
    row = json.loads(json.dumps(RECORD_ROW))
    del row["qas"][0]["answers"]
    path = _lines(tmp_path, row)
    assert [(each.id, each.targets) for each in RECORD.read([path], answered=False)] == [("9", ())]
    with pytest.raises(UserError, match=r"val.jsonl, line 1: query 9 has no answers; a test file"):
        RECORD.read([path])
    with pytest.raises(UserError, match=r"line 2: idx 9 stands here again"):
        RECORD.read([_lines(tmp_path, RECORD_ROW, RECORD_ROW)])
    hub = {
        "passage": RECORD_ROW["passage"]["text"],  # type: ignore[index]
        "query": "A @placeholder is a bird.",
        "entities": ["penguin", "pigeon"],
        "answers": ["pigeon"],
        "idx": {"passage": 2, "query": 9},
    }
    parquet.write_table(pa.Table.from_pylist([hub]), tmp_path / "v.parquet")
    example = RECORD.read([tmp_path / "v.parquet"])[0]
    assert (example.inputs, example.targets) == (RECORD_INPUTS, ("pigeon",))


def test_axg_counts_pairs_with_the_same_prediction(tmp_path: Path) -> None:
    row = {"premise": "A.", "hypothesis": "B.", "label": "entailment"}
    examples = AXG.read([_lines(tmp_path, *({**row, "idx": number} for number in range(4)))])
    said = {"0": "entailment", "1": "not_entailment", "2": "not_entailment", "3": "not_entailment"}
    assert AXG.score(examples, said) == {"accuracy": 25.0, "gender_parity": 50.0}


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        (BOOLQ, {"question": "q", "passage": "p", "label": "maybe"}, "unknown label 'maybe'"),
        (BOOLQ, {"question": [], "passage": "p", "label": True}, "'question' must be a text, not"),
        (
            CB,
            {"premise": "p", "label": "neutral"},
            "no column hypothesis; there are 'premise', 'label'",
        ),
        (
            MULTIRC,
            {"idx": 1, "passage": {"text": "t"}},
            "'questions' is missing; a list was expected",
        ),
        (
            MULTIRC,
            {"paragraph": "p", "question": "q", "answer": "a", "label": 0},
            "'idx' is missing; an object was expected",
        ),
        (
            RECORD,
            {"idx": 1, "passage": {"text": "t"}},
            "'entities' is missing; a list was expected",
        ),
        (
            RECORD,
            {"passage": {"text": "t", "entities": []}, "qas": ["x"]},
            "'idx' is missing; a whole number was expected",
        ),
        (
            WSC,
            {"text": "She came.", "target": None},
            "'target' must be an object, not null",
        ),
    ],
)
def test_a_broken_row_is_named(
    tmp_path: Path, task: Task[Any], row: dict[str, Any], message: str
) -> None:
    path = _lines(tmp_path, row)
    with pytest.raises(UserError, match=message) as caught:
        task.read([path])
    assert str(caught.value).startswith(f"{path}, line 1: ")


def test_the_benchmark_holds_every_task_once() -> None:
    assert BENCHMARKS["superglue"] == (
        *("boolq", "cb", "copa", "multirc", "superglue_rte", "wic", "axb", "axg", "record", "wsc"),
    )
    for name, server in SERVED_BY.items():
        assert sum(name in tasks for tasks in BENCHMARKS.values()) == 1
        assert TASKS[name].labels == TASKS[server].labels
