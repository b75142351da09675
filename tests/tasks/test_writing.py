"""Translation, summarization and closed-book questions: read, written as text and scored."""

import json
from pathlib import Path

import pytest

from headwater.data.example import Examples, TextExample
from headwater.data.predictions import LINES
from headwater.errors import UserError
from headwater.tasks.closed_book import NQ_OPEN, TRIVIA_QA, WEB_QUESTIONS
from headwater.tasks.translation import TRANSLATE_EN_DE, TRANSLATE_EN_FR, TRANSLATE_EN_RO
from headwater.tasks.writing import CNN_DAILYMAIL, SCITLDR, TextTask

DOG = TextExample("0", "A dog.", ("Ein Hund.",))


@pytest.mark.parametrize(
    ("task", "prefix"),
    [
        (TRANSLATE_EN_DE, "translate English to German: "),
        (TRANSLATE_EN_FR, "translate English to French: "),
        (TRANSLATE_EN_RO, "translate English to Romanian: "),
        (CNN_DAILYMAIL, "summarize: "),
        (SCITLDR, "summarize: "),
        (NQ_OPEN, "nq question: "),
        (WEB_QUESTIONS, "wq question: "),
        (TRIVIA_QA, "trivia_qa question: "),
    ],
)
def test_the_text_is_that_of_the_published_preprocessors(task: TextTask, prefix: str) -> None:
    assert task.to_text(DOG) == TextExample("0", f"{prefix}A dog.", ("Ein Hund.",))
    assert task.from_text(DOG, " Ein Hund. ") == "Ein Hund."
    scores = task.score(Examples([DOG]), {"0": "Ein Hund."})
    assert scores.keys() == set(task.metric_names)
    assert task.main_metric in task.metric_names
    with pytest.raises(UserError, match="example '0' has no known answer"):
        task.score(Examples([TextExample("0", "A dog.", ())]), {})


def test_both_bleus_equal_sacrebleu() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    golds = ["Der Hund läuft „schnell“ über 3,5 Wiesen.", "Es regnet – heute nicht."]
    given = ["Der Hund läuft schnell über 3,5 Wiesen .", "Es regnet – heute."]
    examples = Examples([TextExample(str(n), "x", (gold,)) for n, gold in enumerate(golds)])
    scores = TRANSLATE_EN_DE.score(examples, {str(n): text for n, text in enumerate(given)})
    for name, tokenize in (("bleu", "13a"), ("bleu_intl", "intl")):
        expected = sacrebleu.corpus_bleu(given, [golds], tokenize=tokenize).score
        assert scores[name] == pytest.approx(expected, abs=1e-9)
    assert scores["bleu"] != scores["bleu_intl"]


def test_empty_lines_are_left_out_of_training_but_not_of_predicting(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\n\ntwo\nthree\n")
    (tmp_path / "a.de").write_text("eins\nx\n \ndrei\n")
    examples = TRANSLATE_EN_DE.read([tmp_path / "a.en"])
    assert [(each.id, each.inputs) for each in examples] == [("0", "one"), ("3", "three")]
    assert examples.report.dropped == 2
    assert "a.en, line 2: the text is empty" in examples.report.summary()
    whole = TRANSLATE_EN_DE.read([tmp_path / "a.en"], answered=False)
    assert len(whole) == 4
    said = tmp_path / "predictions.txt"
    for known in (whole, examples):  # as `predict` and as `evaluate --output` write them
        said.write_text(LINES.dump(known, {each.id: f"said {each.id}" for each in whole}))
        assert LINES.read(said, examples) == {"0": "said 0", "3": "said 3"}
    said.write_text("")
    with pytest.raises(UserError, match="0 lines for 4 examples"):
        LINES.read(said, examples)
    (tmp_path / "b.en").write_text("")
    (tmp_path / "b.de").write_text("")
    with pytest.raises(UserError, match=r"b.en: no text of task translate_en_de"):
        TRANSLATE_EN_DE.read([tmp_path / "b.en"])


@pytest.mark.parametrize(("task", "other"), [(TRANSLATE_EN_DE, "de"), (TRANSLATE_EN_FR, "fr")])
def test_multi30k(shared: Path, task: TextTask, other: str) -> None:
    folder = shared / "data/translation/multi30k"
    for name, count in (("train", 29_000), ("val", 1_014), ("test_2016_flickr", 1_000)):
        examples = task.read([folder / f"{name}.en.gz"])
        assert len(examples) == count and not examples.report.dropped
    assert examples[0].inputs == "A man in an orange hat starring at something."
    assert (folder / f"val.{other}.gz").exists()


def test_sentences_of_a_summary_end_at_a_period_between_spaces() -> None:
    gold = "a cat sat .\nit slept ."
    examples = Examples([TextExample("0", "x", (gold,))])
    scores = CNN_DAILYMAIL.score(examples, {"0": "it slept . a cat sat ."})
    assert scores["rougeLsum"] == pytest.approx(100.0)
    assert scores["rougeL"] < 100


def test_the_best_of_several_summaries_counts() -> None:
    examples = Examples([TextExample("0", "x", ("a b", "c d e"))])
    assert SCITLDR.score(examples, {"0": "c d"})["rouge1"] == pytest.approx(80.0)


def test_cnn_dailymail_in_each_form(tmp_path: Path) -> None:
    article, highlights = 'He said "no", twice.', "He refused .\nTwice ."
    csv = tmp_path / "a.csv"
    csv.write_text(f'id,article,highlights\n1,"He said ""no"", twice.","{highlights}"\n')
    lines = tmp_path / "a.jsonl"
    lines.write_text(json.dumps({"article": article, "highlights": highlights}) + "\n")
    for path in (csv, lines):
        (example,) = CNN_DAILYMAIL.read([path])
        assert (example.inputs, example.targets) == (article, (highlights,))
    csv.write_text("id,text,highlights\n1,a,b\n")
    with pytest.raises(
        UserError, match=r"a.csv, line 1: no column article; there are 'id', 'text'"
    ):
        CNN_DAILYMAIL.read([csv])


def test_scitldr(shared: Path) -> None:
    folder = shared / "data/summarization/scitldr_a"
    for name, count, targets in (("train", 1992, 1992), ("dev", 619, 1453), ("test", 618, 1967)):
        examples = SCITLDR.read([folder / f"{name}.jsonl"])
        assert (len(examples), sum(len(each.targets) for each in examples)) == (count, targets)
    assert len(SCITLDR.read([shared / "data/summarization"])) == 619


@pytest.mark.parametrize(
    ("record", "answers"),
    [
        ({"question": "who", "answer": ["Ada", "Lovelace", "Ada"]}, ("Ada", "Lovelace")),
        ({"question": "who", "answers": ["Ada"]}, ("Ada",)),
        ({"qId": "1", "qText": "who", "answers": ["Ada"]}, ("Ada",)),
        ({"Question": "who", "Answer": {"Value": "Ada", "Aliases": ["L", "Ada"]}}, ("Ada", "L")),
        ({"question": "who", "answer": {"value": "Ada", "aliases": ["L"]}}, ("Ada", "L")),
    ],
)
def test_questions_in_each_form(
    tmp_path: Path, record: dict[str, object], answers: tuple[str, ...]
) -> None:
    one, many, data = (tmp_path / name for name in ("a.jsonl", "b.json", "c.json"))
    one.write_text(json.dumps(record) + "\n")
    many.write_text(json.dumps([record]))
    data.write_text(json.dumps({"Version": 1, "Data": [record]}))
    for path in (one, many, data):
        (example,) = NQ_OPEN.read([path])
        assert (example.inputs, example.targets) == ("who", answers)
        assert NQ_OPEN.read([path], answered=False)[0].targets == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '[{"answers": ["a"]}]',
            "record 1: no column question or qText or Question or utterance; there are 'answ",
        ),
        (
            '[{"question": "q"}]',
            "no column answer or answers or Answer or targetValue; there are 'question",
        ),
        ('[{"question": 1, "answers": ["a"]}]', "the question must be a text, not 1"),
        ('[{"question": "q", "answers": [1]}]', "the answers must be a list of texts"),
        ("[1]", "record 1: an object was expected"),
        ('{"a": 1}', "a list of questions was expected, alone or in 'Data'"),
    ],
)
def test_broken_questions_are_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        NQ_OPEN.read([path])
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_the_release_of_web_questions(tmp_path: Path) -> None:
    path = tmp_path / "webquestions.examples.train.json"
    target = '(list (description "Jazmyn Bieber") (description Jaxon) (description "14\\" gun"))'
    record = {"url": "x", "targetValue": target, "utterance": "who is justin's sister?"}
    path.write_text(json.dumps([record]))
    (example,) = WEB_QUESTIONS.read([path])
    assert example.inputs == "who is justin's sister?"
    assert example.targets == ("Jazmyn Bieber", "Jaxon", '14" gun')


def test_any_alias_is_right_after_normalization() -> None:
    examples = Examples([TextExample("0", "who", ("Ada Lovelace", "The Countess"))])
    for answer, score in (("countess!", 100.0), ("ADA LOVELACE", 100.0), ("Ada", 0.0)):
        assert NQ_OPEN.score(examples, {"0": answer}) == {"exact_match": score}
    assert WEB_QUESTIONS.score(examples, {}) == {"exact_match": 0.0}
    dashed = Examples([TextExample("0", "who", ("jean-luc",))])
    assert TRIVIA_QA.score(dashed, {"0": "jean luc"}) == {"exact_match": 100.0}
    assert NQ_OPEN.score(dashed, {"0": "jean luc"}) == {"exact_match": 0.0}


def test_real_questions(shared: Path) -> None:
    folder = shared / "data/closed_book"
    for task, file, count in (
        (NQ_OPEN, "nq_open/NQ-open.dev.jsonl", 3610),
        (NQ_OPEN, "nq_open/NQ-open.efficientqa.test.1.1.jsonl", 1769),
        (WEB_QUESTIONS, "webquestions_brmson/trainmodel.json", 2834),
        (WEB_QUESTIONS, "webquestions_brmson/test.json", 2032),
    ):
        examples = task.read([folder / file])
        assert len(examples) == count and not examples.report.dropped
        right = {each.id: each.targets[-1].upper() for each in examples}
        assert task.score(examples, right)["exact_match"] == 100.0
