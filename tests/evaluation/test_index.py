"""Measuring an index, and calibrating how it is asked."""

import json
from pathlib import Path
from typing import Any

import pytest

import headwater as library
import made
from headwater.documents.asking import Asking
from headwater.documents.hit import Hit
from headwater.documents.literal import Edits
from headwater.documents.reply import IndexAnswer, Reply
from headwater.documents.update import build
from headwater.errors import UserError
from headwater.evaluation.index_calibration import Read, Span, choose, mean_f1
from headwater.evaluation.index_evaluator import Asked, measured
from headwater.evaluation.index_questions import LabelledQuestion, read_questions
from headwater.inference.passage_reader import RANK_WEIGHT, SpanPassageReader
from headwater.inference.score_scaling import ScoreScaling

QUESTIONS = [
    {"question": "When did the castle burn?", "answers": ["1720"], "file": "below/castle.pdf"},
    {"question": "Who built the mill?", "answers": "Ada"},
    {"question": "When was Ben born?", "answers": ["1816"], "id": "ben"},
    {"question": "Who paints the tower of the castle?", "answers": []},
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in QUESTIONS))
    return file


@pytest.fixture
def index(tmp_path: Path) -> Path:
    build([made.folder(tmp_path / "documents")], tmp_path / "x.index")
    return tmp_path / "x.index"


def hit(text: str, file: str = "/notes/mill.txt") -> Hit:
    return Hit(1, file, "", (), text, 1.0, None, 0, len(text), Edits([]))


def test_questions_are_read(questions: Path, tmp_path: Path) -> None:
    found = read_questions([questions])
    assert found[0] == LabelledQuestion(
        f"{questions}, line 1", QUESTIONS[0]["question"], ("1720",), "below/castle.pdf"
    )
    assert (found[1].answers, found[2].id, found[3].answers) == (("Ada",), "ben", ())
    paragraph = {"context": "It is old.", "qas": [{"id": "q", "question": "Is it?", "answers": []}]}
    squad = tmp_path / "squad.json"
    squad.write_text(json.dumps({"data": [{"title": "A", "paragraphs": [paragraph]}]}))
    assert read_questions([squad]) == [LabelledQuestion("q", "Is it?", (), context="It is old.")]
    (tmp_path / "table.csv").write_text("question,answer\nWho?,Ada\nWhy?,\n")
    assert [each.answers for each in read_questions([tmp_path / "table.csv"])] == [("Ada",), ()]
    for content, reason in (
        ('{"answers": ["x"]}', "no column question"),
        ('{"question": " "}', ""),
    ):
        (tmp_path / "bad.jsonl").write_text(content + "\n")
        with pytest.raises(UserError, match=f"bad.jsonl, line 1: .*{reason}"):
            read_questions([tmp_path / "bad.jsonl"])


def test_which_passages_are_right() -> None:
    asked = LabelledQuestion("1", "When?", ("in  1843", "18"))
    assert asked.answered_by(hit("Built In\n1843."))
    assert not asked.answered_by(hit("Built in 18431, or 1843."))
    of_file = LabelledQuestion("1", "When?", ("1843",), "mill.txt")
    assert of_file.answered_by(hit("1843")) and not of_file.answered_by(
        hit("1843", "/windmill.txt")
    )
    of_paragraph = LabelledQuestion("1", "When?", ("1843",), context="It was built in 1843. So.")
    assert of_paragraph.answered_by(hit("built in 1843."))
    assert not of_paragraph.answered_by(hit("It burned in 1843."))


def test_the_metrics() -> None:
    def asked(found: str, answers: tuple[str, ...], said: str, seconds: float) -> Asked:
        given = (IndexAnswer(said, 0.5, ()),) if said else ()
        reply = Reply("?", not said, 0.5, given)
        return Asked(LabelledQuestion("", "?", answers), found, reply, seconds)

    metrics = measured(
        [
            asked("1 0", ("Ada",), "Ada", 0.1),
            asked("0 1", ("Ben",), "Ben of the mill", 0.2),
            asked("0 0", ("Cid",), "", 0.3),
            asked("0", (), "", 0.4),
            asked("0", (), "Dan", 0.5),
        ]
    )
    assert metrics["recall@1"] == pytest.approx(100 / 3)
    assert metrics["recall@5"] == metrics["recall@50"] == pytest.approx(200 / 3)
    assert metrics["mrr"] == pytest.approx(50.0)
    assert (metrics["questions"], metrics["exact"], metrics["NoAns_f1"]) == (5, 40.0, 50.0)
    assert (metrics["no_answer_precision"], metrics["no_answer_recall"]) == (50.0, 50.0)
    assert metrics["calibration_error"] == pytest.approx(100 * (1 / 2 - 1 / 3))
    assert (metrics["ms_p50"], metrics["ms_p99"]) == (300.0, pytest.approx(496.0))
    assert "recall@1" not in measured([asked("0", (), "", 0.1)])


def test_the_weight_and_the_threshold_are_chosen() -> None:
    misled = Read([Span(1, 2.0, 1.0), Span(4, 3.0, 0.0)], ["a"])  # right from a weight of 0.75 on
    deep = Read([Span(1, 0.0, 0.0), Span(2, 1.0, 1.0)], ["b"])  # right up to 1.25
    silent = Read([Span(1, -3.0, 0.0), Span(2, -2.0, 0.0)], [])
    chosen = choose([misled, deep, silent] * 10)
    assert (chosen.rank_weight, chosen.questions) == (1.25, 30)  # the nearest to the usual 1.5
    assert choose([misled]).rank_weight == RANK_WEIGHT
    assert mean_f1([misled, deep], 0.0) == 0.5 and mean_f1([misled, deep], 0.75) == 1.0
    answered = -deep.best(1.25).score(1.25), -silent.best(1.25).score(1.25)
    assert chosen.threshold is not None and answered[0] < chosen.threshold < answered[1]
    assert choose([misled, deep]).threshold is None
    with pytest.raises(UserError, match="no question that the documents answer"):
        choose([silent])
    missed, unknown = Read([], ["c"]), Read([], [])  # the search found nothing
    assert choose([misled, deep, silent, missed] * 10).rank_weight == 1.25
    assert choose([misled, deep, missed, unknown]).questions == 4
    assert choose([misled, missed, unknown]).threshold is not None
    assert mean_f1([misled, deep, missed, missed], 1.25) == 0.5


def test_questions_for_which_nothing_is_found_count(
    headwater: Any, index: Path, tmp_path: Path
) -> None:
    asked = [QUESTIONS[1], {"question": "Zyqwx?", "answers": []}]
    data = tmp_path / "few.jsonl"
    data.write_text("".join(json.dumps(each) + "\n" for each in asked))
    ran = headwater("index", "calibrate", index, "--data", data, "--json")
    chosen = json.loads(ran.out)
    assert chosen["questions"] == 2 and "threshold" in chosen
    assert "no question without an answer" not in ran.err
    assert "2 questions are few; a few hundred are needed" in ran.err
    data.write_text(json.dumps({"question": "Zyqwx?", "answers": ["Ada"]}))
    ran = headwater("index", "calibrate", index, "--data", data, "--json")
    assert (ran.code, json.loads(ran.out)["f1"]) == (0, 0.0)


def test_an_index_is_measured_and_calibrated(
    headwater: Any, index: Path, questions: Path, tmp_path: Path
) -> None:
    given = ("--index", index, "--data", questions)
    ran = headwater("evaluate", *given, "--output", tmp_path / "out", "--json")
    metrics = json.loads(ran.out)
    assert ran.code == 0 and metrics["recall@5"] == 100.0 and metrics["HasAns_f1"] > 30
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == metrics
    replies = (tmp_path / "out" / "replies.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in replies][2] == "ben"
    ran = headwater("index", "calibrate", index, "--data", questions, "--json")
    chosen = json.loads(ran.out)
    assert (chosen["questions"], chosen["f1"] >= chosen["f1_before"]) == (4, True)
    with library.open_index(index) as opened:
        reader = opened.passage_reader(library.load("reader", "cpu"), Asking())
        assert isinstance(reader, SpanPassageReader)
        assert reader.rank_weight == chosen["rank_weight"]
        assert reader.threshold == chosen["threshold"]
        assert reader.scaling == ScoreScaling(chosen["slope"], chosen["intercept"])
        told = opened.passage_reader(library.load("reader", "cpu"), Asking(rank_weight=9.0))
        assert isinstance(told, SpanPassageReader) and told.rank_weight == 9.0


def test_mistakes_are_one_line(
    headwater: Any, tmp_path: Path, index: Path, questions: Path
) -> None:
    given = ("evaluate", "--data", questions)
    for more, reason in (
        (("--index", index, "--task", "squad"), "without --task"),
        (("--index", tmp_path / "nowhere.index"), "no such file"),
        (("--task", "squad"), "missing option '--model'"),
        (("--model", "reader"), "missing option '--task'"),
    ):
        ran = headwater(*given, *more)
        assert (ran.code, ran.err.count("\n"), ran.out) == (2, 1, "") and reason in ran.err
