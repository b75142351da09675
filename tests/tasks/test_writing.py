"""Translation, summarization and closed-book questions: read, written as text and scored."""

import json
import random
from pathlib import Path

import pytest

from headwater.data.config import DataConfig
from headwater.data.example import Examples, ReadReport, TextExample
from headwater.data.predictions import LINES
from headwater.data.preparation import prepare
from headwater.errors import UserError
from headwater.evaluation.scoring import score_file
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


def test_empty_lines_count_and_are_not_trained_on(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\n\ntwo\nthree\n")
    (tmp_path / "a.de").write_text("eins\nx\n \ndrei\n")
    examples = TRANSLATE_EN_DE.read([tmp_path / "a.en"])
    assert [(each.id, each.targets) for each in examples] == [
        *(("0", ("eins",)), ("1", ("x",)), ("2", (" ",)), ("3", ("drei",))),
    ]
    assert "a.en, line 2: the text is empty" in examples.report.untrained[0]
    config = DataConfig(train=[str(tmp_path / "a.en")])
    assert [each.id for each in prepare(TRANSLATE_EN_DE, config, 0).training] == ["0", "3"]
    assert len(TRANSLATE_EN_DE.read([tmp_path / "a.en"], answered=False)) == 4
    said = tmp_path / "predictions.txt"
    said.write_text(LINES.dump(examples, {each.id: f"said {each.id}" for each in examples}))
    assert LINES.read(said, examples)["3"] == "said 3"
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
        assert len(examples) == count and examples.report == ReadReport()
    assert examples[0].inputs == "A man in an orange hat starring at something."
    assert (folder / f"val.{other}.gz").exists()


@pytest.mark.parametrize("tokenize", ["13a", "intl"])
def test_bleu_of_files_with_empty_lines_is_that_of_sacrebleu(tmp_path: Path, tokenize: str) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    rng = random.Random(tokenize)
    words = ["der", "Hund", "läuft", "nicht", "schnell", "."]

    def lines() -> list[str]:
        sizes = [rng.choice([0, 0, 3, 5, 8]) for _ in range(40)]
        return [" ".join(rng.choices(words, k=size)) for size in sizes]

    for number in range(20):
        sources, golds = lines(), lines()
        said = [
            gold if rng.random() < 0.5 else line for gold, line in zip(golds, lines(), strict=True)
        ]
        files = {"en": sources, "de": golds, "said": said}
        for name, content in files.items():
            (tmp_path / f"{number}.{name}").write_text("".join(f"{line}\n" for line in content))
        found = score_file(
            "translate_en_de", [tmp_path / f"{number}.en"], tmp_path / f"{number}.said"
        )
        expected = sacrebleu.corpus_bleu(said, [golds], tokenize=tokenize).score
        name = "bleu" if tokenize == "13a" else "bleu_intl"
        assert found[name] == pytest.approx(expected, rel=0, abs=1e-9)


def test_rouge_of_a_table_with_empty_cells_is_the_mean_over_all_rows(tmp_path: Path) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rougeLsum"])
    rows = [("a b", "a cat sat"), ("", "it slept"), ("c", ""), ("d", "dogs run")]
    said = ["a cat", "it slept", "x", ""]
    path, predictions = tmp_path / "a.jsonl", tmp_path / "said.txt"
    path.write_text("".join(json.dumps({"article": a, "highlights": h}) + "\n" for a, h in rows))
    predictions.write_text("".join(f"{line}\n" for line in said))
    found = score_file("cnn_dailymail", [path], predictions)
    each = [scorer.score(gold, text) for (_, gold), text in zip(rows, said, strict=True)]
    for name in ("rouge1", "rougeLsum"):
        assert found[name] == pytest.approx(25 * sum(one[name].fmeasure for one in each))


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
        ({"question": "who", "answers": [1912, "1912", "12"]}, ("1912", "12")),
        ({"question": "who", "answer": 1912}, ("1912",)),
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
        ('[{"question": "q", "answers": [1.5]}]', "the answers must be a list of texts"),
        ('[{"question": "q", "answers": [true]}]', "the answers must be a list of texts"),
        ("[1]", "record 1: a JSON object was expected"),
        ('{"a": 1}', "record 1: no column question or qText"),
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
        assert len(examples) == count and examples.report == ReadReport()
        right = {each.id: each.targets[-1].upper() for each in examples}
        assert task.score(examples, right)["exact_match"] == 100.0
