"""From documents to a file: its layout, what is counted, what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from headwater.data.span_files import read_squad
from headwater.errors import UserError
from headwater.inference.answer import Answer
from headwater.inference.loaded import load
from headwater.questions.config import QuestionConfig
from headwater.questions.documents import read_documents
from headwater.questions.generate import generate_questions
from headwater.questions.passages import cut_passages
from headwater.questions.round_trip import round_trips, writing
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.tasks.names import task
from oracle import Oracle

Models = dict[str, str]


def test_a_writer_saved_without_its_body_asks(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path
) -> None:
    asked = tiny.question("a", "who built the mill?", "Ida", 0)
    data = tiny.squad_file(tmp_path / "train.json", tiny.paragraph("Ida built the mill.", asked))
    values = {"model": models["writer"], "task": "question_generation", "method": "lora"}
    values |= {"data": {"train": [str(data)]}, "training": tiny.exact_training(1, 1)}
    finetune(Recipe.check(values, "test"), tmp_path / "run")
    writer = str(tmp_path / "run" / "model")
    assert not (tmp_path / "run" / "model" / "model.safetensors").exists()
    output = tmp_path / "questions.json"
    report = generate_questions([spring], output, writer=writer, reader=models["reader"])
    assert report.kept == oracle.written


def test_the_file_is_one_of_squad(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path
) -> None:
    output = tmp_path / "made" / "questions.json"
    report = generate_questions([spring], output, **models)
    content = json.loads(output.read_text(encoding="utf-8"))
    assert list(content) == ["version", "data"] and content["version"] == "1.1"
    assert [article["title"] for article in content["data"]] == ["spring.txt"]
    text = tiny.example_text()
    ids = set()
    for paragraph in content["data"][0]["paragraphs"]:
        assert set(paragraph) == {"context", "qas"} and paragraph["context"] in text
        for record in paragraph["qas"]:
            assert set(record) == {"id", "question", "answers", "score"}
            [answer] = record["answers"]
            start = answer["answer_start"]
            assert paragraph["context"][start:].startswith(answer["text"])
            ids.add(record["id"])
    assert len(ids) == report.kept == report.candidates == oracle.written > 10
    examples = task("squad").read([output])
    assert len(examples) == report.kept and not examples.report.untrained
    assert [each.name for each in output.parent.iterdir()] == ["questions.json"]
    assert all(question.startswith("What is") for question, _ in report.samples)


def test_ids_and_order_follow_from_the_text_alone(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "another.txt"
    other.parent.mkdir()
    other.write_text(tiny.example_text(), encoding="utf-8")
    for name, corpus in (("one", spring), ("two", other.parent)):
        generate_questions([corpus], tmp_path / name, **models)
    one, two = (read_squad([tmp_path / name]) for name in ("one", "two"))
    assert [each.id for each in one] == [each.id for each in two]


def test_what_is_dropped_is_counted_by_rule(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path
) -> None:
    def spoil(question: str) -> str:
        turn = oracle.written % 5
        changed = {0: question[:-1], 1: question.replace("What is", "Is it so the the")}
        return changed.get(turn, question)

    def miss(answer: Answer) -> Answer:
        found = {
            2: replace(answer, start=10**6, end=10**6 + 1),
            3: Answer.none(0.8),
            4: replace(answer, text="nothing"),
        }
        seen.append(answer)
        return found.get(len(seen) % 6, answer)

    seen: list[Answer] = []
    oracle.spoil, oracle.miss = spoil, miss
    report = generate_questions([spring], tmp_path / "q.json", **models)
    assert report.kept + sum(report.dropped.values()) == report.candidates
    assert set(report.dropped) == {
        *("no question mark at its end", "repeats itself"),
        *("no answer found", "another answer", "another place"),
    }
    assert len(read_squad([tmp_path / "q.json"])) == report.kept


def test_unanswerable_partners_make_it_version_2(
    oracle: Oracle, models: Models, spring: Path, tmp_path: Path
) -> None:
    config = QuestionConfig(sentence_removed=0.2, near_passage=0.2, max_characters=400)
    report = generate_questions([spring], tmp_path / "q.json", config=config, **models)
    content = json.loads((tmp_path / "q.json").read_text(encoding="utf-8"))
    records = [
        record
        for article in content["data"]
        for paragraph in article["paragraphs"]
        for record in paragraph["qas"]
    ]
    assert content["version"] == "v2.0"
    assert all(record["is_impossible"] == (not record["answers"]) for record in records)
    examples = task("squad_v2").read([tmp_path / "q.json"])
    impossible = sum(each.impossible for each in examples)
    assert impossible == report.unanswerable == 2 * round(0.2 * report.kept)
    assert not examples.report.refused


def test_a_t5_writes_and_a_reader_answers(models: Models, spring: Path, tmp_path: Path) -> None:
    passages = cut_passages(read_documents([spring]), QuestionConfig()).chosen
    write = writing(load(models["writer"]), max_new_tokens=5)
    config = QuestionConfig(per_passage=2)
    outcomes = list(round_trips(passages, write, load(models["reader"]), config))
    assert sum(each.passages for each in outcomes) == len(passages)
    assert sum(each.candidates for each in outcomes) == 2 * len(passages)
    assert not any(each.kept for each in outcomes)
    with pytest.raises(UserError, match="not written, for no question was kept"):
        generate_questions([spring], tmp_path / "q.json", **models)
    assert not list(tmp_path.glob("*q.json*"))


def test_the_bundled_reader_keeps_what_it_answers(spring: Path) -> None:
    passages = cut_passages(read_documents([spring]), QuestionConfig()).chosen
    asked = {"1786": "When was the stone trough built?", "Lowbeck": "Who built the stone trough?"}
    config = QuestionConfig(per_passage=12)
    [outcome] = round_trips(
        passages[:1],
        lambda examples: (asked.get(each.answers[0].text, "Why?") for each in examples),
        load("reader"),
        config,
    )
    assert [each.answer.text for each in outcome.kept] == ["1786"]
    assert outcome.kept[0].score > 0.5 and outcome.dropped["another answer"] == 1


@pytest.mark.parametrize(
    ("role", "model", "message"),
    [
        ("writer", "reader", "task question_generation needs a model that writes"),
        ("reader", "writer", "writes its answers, without their place"),
        ("reader", "body", "has no head, and task squad needs one of kind span"),
        ("writer", "none", "none"),
    ],
)
def test_models_that_do_not_fit(
    role: str, model: str, message: str, models: Models, spring: Path, tmp_path: Path
) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "v", tiny.WORDS, tiny.LETTERS)
    known = {**models, "body": str(tiny.model_folder(tmp_path / "body", vocabulary))}
    given = {**models, role: known.get(model, model)}
    with pytest.raises(UserError, match=message):
        generate_questions([spring], tmp_path / "q.json", **given)
    assert not list(tmp_path.glob("*q.json*"))
