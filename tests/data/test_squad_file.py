"""SQuAD files: what is read, repaired, left out; every breakage is one clear line."""

import copy
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.data.config import DataConfig
from headwater.data.example import AnswerSpan, SpanExample
from headwater.data.preparation import prepare
from headwater.data.span_files import read_squad
from headwater.errors import UserError
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2

CONTEXT = "The Rhine flows north.  The Elbe 🙂 flows north too."


def squad(*questions: dict[str, Any], context: str = CONTEXT) -> dict[str, Any]:
    return tiny.squad(tiny.paragraph(context, *questions), title="Rivers")


def asked(text: str = "Rhine", start: int = 4, key: str = "q1", **more: Any) -> dict[str, Any]:
    return tiny.question(key, "Which river?", text, start) | more


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(content: Any, name: str = "squad.json") -> Path:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return save


def test_a_whole_example(saved: Callable[..., Path]) -> None:
    null = asked(key="q2", answers=[], is_impossible=True, plausible_answers=[{}])
    examples = read_squad([saved(squad(asked(), null))])
    assert list(examples) == [
        SpanExample("q1", "Which river?", CONTEXT, (AnswerSpan("Rhine", 4),), False, "Rivers"),
        SpanExample("q2", "Which river?", CONTEXT, (), True, "Rivers"),
    ]
    assert examples.report.summary() == ""


def test_no_answers_and_no_word_on_it_means_impossible(saved: Callable[..., Path]) -> None:
    assert read_squad([saved(squad(asked(answers=[])))])[0].impossible


def test_gz_and_byte_order_mark(saved: Callable[..., Path]) -> None:
    plain = json.dumps(squad(asked())).encode()
    packed = saved(gzip.compress(plain), "squad.json.gz")
    marked = saved(b"\xef\xbb\xbf" + plain)
    assert list(read_squad([packed])) == list(read_squad([marked]))


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("Rhine", 5, AnswerSpan("Rhine", 4)),
        ("Rhine", -47, AnswerSpan("Rhine", 4)),  # a slice from the end would find it
        (" Rhine ", 0, AnswerSpan("Rhine", 4)),
        (" Rhine ", 3, AnswerSpan(" Rhine ", 3)),  # right as it is, white space and all
        ("🙂 flows", 10**30, AnswerSpan("🙂 flows", 33)),
        ("flows north", 10, AnswerSpan("flows north", 10)),
    ],
)
def test_offsets_right_or_repaired(
    saved: Callable[..., Path], text: str, start: int, expected: AnswerSpan
) -> None:
    examples = read_squad([saved(squad(asked(text, start)))])
    assert examples[0].answers == (expected,)
    assert examples[0].context[expected.start : expected.end] == expected.text
    assert len(examples.report.repaired) == (expected.start != start)
    assert not examples.report.untrained


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (asked("Danube", key="bad"), "'Danube' is not in the context"),
        (
            asked("flows", 0, key="bad"),
            "'flows' is not at character 0 and stands .* more than once",
        ),
        (asked("", 0, key="bad"), "the answer is empty"),
        (asked(" \n", 9, key="bad"), "the answer is empty"),
        (asked(key="bad", question=" "), "the question is empty"),
    ],
)
def test_what_has_no_place_counts_and_is_not_trained_on(
    saved: Callable[..., Path], record: dict[str, Any], reason: str
) -> None:
    path = saved(squad(asked(), record))
    examples = read_squad([path])
    assert [each.id for each in examples] == ["q1", "bad"]
    assert examples[1].golds == (record["answers"][0]["text"],) and not examples[1].impossible
    (line,) = examples.report.untrained
    assert re.search(f"^{re.escape(str(path))}: data.*id 'bad'.*{reason}", line)
    assert examples.report.summary() == ""
    assert SQUAD_V1.trained(examples[1], writes=False) is None
    config = DataConfig(train=[str(path)], validation=[str(path)])
    prepared = prepare(SQUAD_V1, config, 0)
    assert [each.id for each in prepared.training] == ["q1"]
    assert prepared.validation is not None and len(prepared.validation) == 2
    alone = DataConfig(train=[str(saved(squad(record)))])
    with pytest.raises(UserError, match=f"no example of task squad to train on; .*{reason}"):
        prepare(SQUAD_V1, alone, 0)


def test_one_answer_with_a_place_is_trained_on(saved: Callable[..., Path]) -> None:
    record = asked()
    record["answers"].insert(0, {"text": "Danube", "answer_start": 4})
    (example,) = read_squad([saved(squad(record))])
    assert (example.answers, example.unplaced) == ((AnswerSpan("Rhine", 4),), ("Danube",))
    trained = SQUAD_V1.trained(example, writes=True)
    assert trained is not None and trained.golds == ("Rhine",)
    assert repr(trained) == repr(example)  # what a fingerprint of version 0.1 is made of


def test_a_model_that_writes_learns_answers_that_are_in_no_context(
    saved: Callable[..., Path],
) -> None:
    path = saved(squad(asked("the Danube, I think")))
    (example,) = prepare(SQUAD_V1, DataConfig(train=[str(path)]), 0, writes=True).training
    assert SQUAD_V1.to_text(example).targets == ("the Danube, I think",)


@pytest.mark.parametrize("start", [None, "4", 4.5, True, [], 999])
def test_where_an_answer_begins_is_a_hint(saved: Callable[..., Path], start: Any) -> None:
    record = asked()
    record["answers"][0]["answer_start"] = start
    assert read_squad([saved(squad(record))])[0].answers == (AnswerSpan("Rhine", 4),)
    del record["answers"][0]["answer_start"]
    assert read_squad([saved(squad(record))])[0].answers == (AnswerSpan("Rhine", 4),)
    twice = asked("flows", 10.0)
    assert read_squad([saved(squad(twice))])[0].answers == (AnswerSpan("flows", 10),)


def test_whole_numbers_are_texts(saved: Callable[..., Path]) -> None:
    record = tiny.question(262, "When?", 1912, 3)
    (example,) = read_squad([saved(squad(record, context="In 1912 it sank."))])
    assert (example.id, example.answers) == ("262", (AnswerSpan("1912", 3),))
    for content in (changed(7, *QUESTION, "id"), changed(1, "data", 0, "title")):
        (example,) = read_squad([saved(content)])
        assert "7" in example.id or example.article == "1"
    assert read_squad([saved(changed(None, "data", 0, "title"))])[0].article == ""


def test_questions_to_predict_need_no_answers(saved: Callable[..., Path]) -> None:
    record = asked()
    del record["answers"]
    path = saved(squad(record))
    (example,) = read_squad([path], answered=False)
    assert (example.answers, example.impossible) == ((), False)
    with pytest.raises(UserError, match="'answers' is missing"):
        read_squad([path])


def without(*path: str | int) -> dict[str, Any]:
    content = squad(asked())
    holder: Any = content
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return content


def changed(value: Any, *path: str | int) -> dict[str, Any]:
    content = copy.deepcopy(squad(asked()))
    holder: Any = content
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return content


PARAGRAPH = ("data", 0, "paragraphs", 0)
QUESTION = (*PARAGRAPH, "qas", 0)
ANSWER = (*QUESTION, "answers", 0)

MALFORMED: list[tuple[Any, str]] = [
    (b"", "empty; JSON"),
    (b" \n ", "empty; JSON"),
    (b'{"data": [', "line 1, column 11: broken JSON"),
    (b'{"data": []}\n{"data": []}', "line 2, column 1: broken JSON"),
    (b'{"data": "caf\xe9"}', "line 1: not UTF-8"),
    ('{"data": []}'.encode("utf-16"), "not UTF-8"),
    (b'{"data": "\x00"}', "NUL"),
    (b'{"data": NaN}', "NaN is not JSON"),
    (b'{"data": ["\\ud83d"]}', "half a character"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"data": ' + b"9" * 5000 + b"}", "broken JSON"),
    (b'{"a": "' + b"x" * 10_000_000 + b'"}', "'data' is missing"),
    ([], "SQuAD JSON must be an object, not a list"),
    ("text", "must be an object, not a text"),
    (without("data"), "'data' is missing; a list was expected"),
    (changed({}, "data"), "'data' must be a list, not an object"),
    (changed([], "data"), "no question"),
    (changed([None], "data"), r"data\[0\]: an element must be an object, not null"),
    (changed(1.5, "data", 0, "title"), r"data\[0\]: 'title' must be a text"),
    (without("data", 0, "paragraphs"), r"data\[0\]: 'paragraphs' is missing"),
    (without(*PARAGRAPH, "context"), r"paragraphs\[0\]: 'context' is missing"),
    (changed(None, *PARAGRAPH, "context"), "'context' must be a text, not null"),
    (without(*PARAGRAPH, "qas"), "'qas' is missing"),
    (changed("?", *PARAGRAPH, "qas"), "'qas' must be a list, not a text"),
    (without(*QUESTION, "id"), r"qas\[0\]: 'id' is missing"),
    (changed(True, *QUESTION, "id"), "'id' must be a text, not true or false"),
    (changed(7.0, *QUESTION, "id"), "'id' must be a text, not a number with a fraction"),
    (without(*QUESTION, "question"), r"\(id 'q1'\): 'question' is missing"),
    (changed(["?"], *QUESTION, "question"), "'question' must be a text, not a list"),
    (without(*QUESTION, "answers"), "'answers' is missing"),
    (changed({}, *QUESTION, "answers"), "'answers' must be a list, not an object"),
    (changed("yes", *QUESTION, "is_impossible"), "'is_impossible' must be true or false"),
    (changed("Rhine", *ANSWER), r"answers\[0\]: an element must be an object"),
    (without(*ANSWER, "text"), r"answers\[0\]: 'text' is missing"),
    (changed(False, *ANSWER, "text"), "'text' must be a text, not true or false"),
]


@pytest.mark.parametrize(("content", "message"), MALFORMED)
def test_malformed_files(saved: Callable[..., Path], content: Any, message: str) -> None:
    path = saved(content)
    with pytest.raises(UserError, match=message) as caught:
        read_squad([path])
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_files_that_are_none(saved: Callable[..., Path], tmp_path: Path) -> None:
    for path, message in [
        (tmp_path, "this is a folder"),
        (tmp_path / "absent.json", "no such file"),
        (saved(gzip.compress(b"{}")[:-9], "cut.json.gz"), "not a whole gzip file"),
        (saved(b"{}", "plain.json.gz"), "not a whole gzip file"),
    ]:
        with pytest.raises(UserError, match=message):
            read_squad([path])
    with pytest.raises(UserError, match="no file given: no question"):
        read_squad([])


def test_unreadable_file(saved: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(squad(asked()))

    def refuse(_: Path, mode: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"squad.json: cannot be read \(Permission denied\)"):
        read_squad([path])


REFUSED: list[tuple[Any, str]] = [
    (changed(True, *QUESTION, "is_impossible"), "'is_impossible' is true, but there are answers"),
    (squad(asked(answers=[], is_impossible=False)), "'answers' is empty; give an answer"),
    (squad(asked(), asked()), r"qas\[1\] \(id 'q1'\): this id occurred before, at .*qas\[0\]"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_what_means_two_things_is_scored_and_not_trained_on(
    saved: Callable[..., Path], content: Any, message: str
) -> None:
    path = saved(content)
    assert SQUAD_V2.read([path])
    with pytest.raises(UserError, match=message) as caught:
        prepare(SQUAD_V2, DataConfig(train=[str(path)]), 0)
    assert str(caught.value).startswith(str(path))


def test_an_id_may_not_repeat_across_files(saved: Callable[..., Path]) -> None:
    first, second = saved(squad(asked()), "one.json"), saved(squad(asked()), "two.json")
    message = r"two.json: .*\(id 'q1'\).*before, at .*one.json: data"
    assert re.search(message, read_squad([first, second]).report.refused[0])
    with pytest.raises(UserError, match=message):  # a file of predictions holds an id once
        read_squad([first, second], answered=False)


def test_real_files(shared: Path) -> None:
    qa = shared / "data/qa"
    counts = {
        "squad_v1.1/dev-v1.1.json": (10_570, 0, 0),
        "squad_v2.0/dev-v2.0.first12articles.json": (4_136, 1_996, 0),
        "qed_nq/train.json": (7_071, 0, 20),  # 20 of its answers are empty
    }
    for name, (count, impossible, empty) in counts.items():
        examples = read_squad([qa / name])
        untrained = len(examples.report.untrained)
        found = (len(examples), sum(each.impossible for each in examples), untrained)
        assert found == (count, impossible, empty)
        for each in examples:
            for answer in each.answers:
                assert each.context[answer.start : answer.end] == answer.text
