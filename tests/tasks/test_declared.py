"""Tasks of your own: one of every kind, read, written as text and scored; and what can be wrong."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.data.config import DataConfig, SequenceConfig
from headwater.data.example import PairExample, TaggingExample, TextExample
from headwater.data.preparation import prepare
from headwater.data.task import Task
from headwater.errors import UserError
from headwater.tasks.declared import load_task
from headwater.tasks.names import task as find_task
from headwater.tasks.pair_features import encode_pairs
from headwater.tasks.template import Template
from headwater.text.vocabulary import Vocabulary

TICKETS = """
kind = "sequence"
labels = ["billing", "fault"]
metrics = ["f1", "accuracy"]
template = "ticket: {the subject} body: {body}"
texts = ["the subject", "body"]
label = "team"
"""
ROWS = [
    {"the subject": 'The "lamp"', "body": "is\tdark", "team": "fault", "more": "x"},
    {"the subject": "Bill", "body": "too high, again", "team": "billing", "more": "x"},
]


def declared(tmp_path: Path, text: str, name: str = "tickets.toml") -> Task[Any]:
    path = tmp_path / name
    path.write_text(text)
    return load_task(path)


def table(tmp_path: Path, rows: list[dict[str, Any]], name: str = "a.jsonl") -> Path:
    path = tmp_path / name
    if path.suffix == ".csv":
        cells = [list(rows[0]), *(list(row.values()) for row in rows)]
        quoted = (['"' + str(cell).replace('"', '""') + '"' for cell in row] for row in cells)
        path.write_text("".join(",".join(row) + "\r\n" for row in quoted))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("form", ["a.csv", "a.jsonl"])
def test_classes(tmp_path: Path, form: str, bert_vocabulary: Vocabulary) -> None:
    task = declared(tmp_path, TICKETS)
    assert (task.name, task.kind, task.labels) == ("tickets", "sequence", ("billing", "fault"))
    assert (task.main_metric, task.metric_names) == ("f1", ("f1", "accuracy"))
    data = table(tmp_path, ROWS, form)
    first, second = examples = task.read([data])
    assert (first.text_a, first.text_b, first.label) == ('The "lamp"', "is\tdark", "fault")
    said = task.to_text(second)
    assert said.inputs == "ticket: Bill body: too high, again" and said.targets == ("billing",)
    assert task.from_text(second, " billing ") == "billing"
    assert task.score(examples, {"0": "fault", "1": "fault"}) == pytest.approx(
        {"f1": 200 / 3, "accuracy": 50.0}
    )
    rows = encode_pairs(bert_vocabulary, examples, SequenceConfig(), task.labels)
    assert [rows[index]["labels"].item() for index in range(2)] == [1, 0]
    path = tmp_path / task.prediction_file.name
    path.write_text(task.prediction_file.dump(examples, {"0": "fault", "1": "billing"}))
    assert task.prediction_file.read(path, examples) == {"0": "fault", "1": "billing"}
    without = [{key: row[key] for key in row if key != "team"} for row in ROWS]
    unknown = task.read([table(tmp_path, without, form)], answered=False)
    assert task.to_text(unknown[0]).targets == ()


def test_classes_by_number_and_one_text(tmp_path: Path) -> None:
    text = TICKETS.replace('["the subject", "body"]', '["body"]')
    (example,) = declared(tmp_path, text).read([table(tmp_path, [{**ROWS[0], "team": 1}])])
    assert (example.text_a, example.text_b, example.label) == ("is\tdark", None, "fault")


def test_a_number(tmp_path: Path) -> None:
    task = declared(
        tmp_path,
        'kind = "regression"\nmetrics = ["spearman"]\ntemplate = "stars: {review}"\n'
        'texts = ["review"]\nscore = "stars"\nname = "film_stars"\nsummary = "stars of films"\n',
    )
    assert (task.name, task.summary, task.labels) == ("film_stars", "stars of films", ())
    path = tmp_path / "a.tsv"
    path.write_text("review\tstars\nGood.\t4.55\nBad.\t1\n")
    examples = task.read([path])
    assert isinstance(examples[0], PairExample) and examples[0].score == 4.55
    assert task.to_text(examples[0]) == TextExample("0", "stars: Good.", ("4.55",))
    assert task.to_text(examples[1]).targets == ("1",)
    assert task.score(examples, {"0": "5", "1": "2.5"})["spearman"] == pytest.approx(100.0)
    path.write_text("review\tstars\nGood.\tmany\n")
    with pytest.raises(UserError, match=r"a.tsv, line 2: the score must be a number, not 'many'"):
        task.read([path])


@pytest.mark.parametrize("form", ["jsonl", "conll"])
def test_tags(tmp_path: Path, form: str) -> None:
    task = declared(
        tmp_path,
        'kind = "token"\nmetrics = ["f1"]\ntemplate = "find plants: {words}"\n'
        'labels = ["O", "B-plant", "I-plant"]\nwords = "tok"\ntags = "ner"\ntag_column = 1\n',
    )
    if form == "jsonl":
        path = table(tmp_path, [{"tok": ["red", "oak", "falls"], "ner": [1, 2, 0]}])
    else:
        path = tmp_path / "a.conll"
        path.write_text("red B-plant x\noak I-plant x\nfalls O x\n")
    examples = task.read([path])
    assert examples[0] == TaggingExample("0", ("red", "oak", "falls"), ("B-plant", "I-plant", "O"))
    assert task.to_text(examples[0]) == TextExample(
        "0", "find plants: red oak falls", ("plant: red oak",)
    )
    assert task.from_text(examples[0], "plant: oak") == "O B-plant O"
    assert task.score(examples, {"0": "B-plant I-plant O"})["f1"] == 100.0


def test_a_span(tmp_path: Path) -> None:
    text = (
        'kind = "span"\nmetrics = ["exact_match"]\ntemplate = "ask {q} of {text}"\n'
        'question = "q"\ncontext = "text"\nanswer = "a"\n'
    )
    task = declared(tmp_path, text)
    row = {"q": "Where?", "text": "In the Alps, the Alps.", "a": "the Alps"}
    examples = task.read([table(tmp_path, [row, {**row, "a": ["Alps", "In the Alps"]}], "b.jsonl")])
    (span,) = examples[0].answers
    assert (span.text, span.start, task.main_metric) == ("the Alps", 3, "exact_match")
    assert len(examples[1].answers) == 2
    assert task.to_text(examples[0]).inputs == "ask Where? of In the Alps, the Alps."
    assert task.score(examples, {"0": "Alps", "1": "x"})["exact_match"] == 50.0
    assert not task.read([table(tmp_path, [row])], answered=False)[0].answers
    for change, message in (
        ({"a": ""}, "line 1: 'a' is empty; a question without an answer needs null_answers"),
        ({"q": " "}, "line 1: 'q' is empty"),
        ({"a": 3.5}, "'a' must be a text or a list of texts, not 3.5"),
    ):
        with pytest.raises(UserError, match=message):
            task.read([table(tmp_path, [{**row, **change}])])
    path = table(tmp_path, [{**row, "a": "the Rhine"}])
    with pytest.raises(UserError, match="line 1: the answer 'the Rhine' is not in 'text', word f"):
        prepare(task, DataConfig(train=[str(path)]), 0)
    assert task.score(task.read([path]), {"0": "the rhine"})["exact_match"] == 100.0
    squad = tiny.squad_file(tmp_path / "squad.json", tiny.paragraph(row["text"]))
    with pytest.raises(UserError, match="record 1: this is a SQuAD file, which task squad or squ"):
        task.read([squad])
    nulls = text.replace('"exact_match"', '"f1"') + "null_answers = true\n"
    task = declared(tmp_path, nulls)
    examples = task.read([table(tmp_path, [{**row, "a": ""}])])
    assert examples[0].impossible and task.null_answers
    assert task.to_text(examples[0]).targets == ("unanswerable",)
    assert task.score(examples, {"0": ""})["exact"] == 100.0


def test_a_text(tmp_path: Path) -> None:
    task = declared(
        tmp_path,
        'kind = "text"\nmetrics = ["exact_match", "rouge1", "bleu"]\n'
        'template = "{{short}} {title}: {body}"\ntarget = "headline"\n',
    )
    rows = [{"title": "T", "body": ["One.", "Two."], "headline": ["A b", "C"]}]
    examples = task.read([table(tmp_path, rows)])
    assert task.to_text(examples[0]) == TextExample("0", "{short} T: One. Two.", ("A b", "C"))
    scores = task.score(examples, {"0": "c"})
    assert (scores["exact_match"], scores["rouge1"], list(scores)) == (
        *(100.0, 100.0),
        ["exact_match", "rouge1", "bleu"],
    )


def test_a_text_may_be_scored_by_stems(tmp_path: Path) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer")
    task = declared(
        tmp_path,
        'kind = "text"\nmetrics = ["rougeLsum_stemmed", "rougeLsum", "rouge1_stemmed"]\n'
        'template = "{body}"\ntarget = "headline"\n',
    )
    gold, said = "dogs were running . cats slept", "a dog runs .\nthe cat sleeps"
    examples = task.read([table(tmp_path, [{"body": "x", "headline": gold}])])
    found = task.score(examples, {"0": said})
    lines = gold.replace(" . ", " .\n")
    for name, stemmed in (("rougeLsum", True), ("rougeLsum", False), ("rouge1", True)):
        wanted = scorer.RougeScorer([name], use_stemmer=stemmed).score(lines, said)[name].fmeasure
        assert found[name + ("_stemmed" if stemmed else "")] == pytest.approx(100 * wanted)
    assert found["rougeLsum_stemmed"] > found["rougeLsum"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ('kind = "sequence"', 'kind = "classes"'),
            "kind = 'classes'; one of sequence, multi_label, regress",
        ),
        (('kind = "sequence"', ""), "missing key 'kind'; one of sequence"),
        (("label = ", "lable = "), "unknown key 'lable'; did you mean 'label'?"),
        (('"accuracy"', '"acuracy"'), "unknown metric 'acuracy'; did you mean 'accuracy'?"),
        (('"accuracy"', '"rouge1"'), "unknown metric 'rouge1'; "),
        (('["f1", "accuracy"]', "[]"), "metrics"),
        (('["f1", "accuracy"]', '["f1", "f1"]'), "metrics: 'f1' is given twice"),
        (('"fault"]', '"fault", "x"]'), "metric 'f1' is for two labels; use macro_f1"),
        (('"fault"]', '"billing"]'), "labels must differ"),
        (('"fault"]', '" fault"]'), "not be empty and have no spaces around them"),
        (("{body}", "{body"), "template 'ticket: {the subject} body: {body': "),
        (("{body}", "{body!r}"), "a column's name stands alone between its braces"),
        (("{body}", "{}"), "put a column's name between braces"),
        (("{the subject} body: {body}", "x"), "put a column's name between braces"),
        (("template =", "#"), "missing key 'template'"),
        (("kind", 'name = "a b"\nkind'), "name = 'a b'"),
    ],
)
def test_a_wrong_declaration_is_one_line(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert change[0] in TICKETS
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        declared(tmp_path, TICKETS.replace(*change, 1))
    file = re.escape(str(tmp_path / "tickets.toml"))
    assert re.match(rf"{file}(, line \d+)?: ", str(caught.value))
    assert "\n" not in str(caught.value)


def test_other_kinds_name_their_columns(tmp_path: Path) -> None:
    for text, message in (
        ('kind = "token"\ntemplate = "{word}"', "no column 'word' for kind token; did you mean"),
        ('kind = "token"\ntemplate = "{words}"\nlabels = ["X-a"]', "labels: 'X-a' is no tag"),
        ('kind = "span"\ntemplate = "{answer}"', "no column 'answer' for kind span"),
        (
            'kind = "span"\ntemplate = "{context}"\nnull_answers = true',
            "metric 'exact_match': these questions are scored by exact, f1",
        ),
    ):
        metric = "exact_match" if "span" in text else "f1"
        with pytest.raises(UserError, match=message):
            declared(tmp_path, f'{text}\nmetrics = ["{metric}"]\n')


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    task = declared(tmp_path, TICKETS)
    for name, line in (("a.csv", "line 1"), ("a.jsonl", "line 1")):
        with pytest.raises(UserError, match=rf"{name}, {line}: no column body"):
            task.read([table(tmp_path, [{"the subject": "a", "team": "fault"}], name)])
    with pytest.raises(UserError, match=r"a.csv, line 2: unknown label 'sales'"):
        task.read([table(tmp_path, [{**ROWS[0], "team": "sales"}], "a.csv")])


def test_it_goes_where_a_name_does(tmp_path: Path) -> None:
    path = tmp_path / "tickets.toml"
    path.write_text(TICKETS)
    assert find_task(str(path)).name == "tickets"
    with pytest.raises(UserError, match=r"gone.toml: no such file"):
        find_task(str(tmp_path / "gone.toml"))
    (tmp_path / "rte.toml").write_text(TICKETS)
    with pytest.raises(UserError, match="there is a task rte already; give it another name"):
        find_task(str(tmp_path / "rte.toml"))


def test_templates() -> None:
    template = Template("a {x.y[0]} {{b}} {c d}{x.y[0]}")
    assert template.columns == ("x.y[0]", "c d")
    assert template.fill({"x.y[0]": "1{c d}", "c d": "2"}) == "a 1{c d} {b} 21{c d}"


def test_several_references_in_several_columns(tmp_path: Path) -> None:
    task = declared(
        tmp_path,
        'kind = "text"\nmetrics = ["bleu", "exact_match"]\ntemplate = "{text}"\n'
        'target = ["ref1", "ref2"]\n',
    )
    path = tmp_path / "a.csv"
    path.write_text("text;ref1;ref2\nx;a b c d;e f g h\ny;i j k l;\n")
    examples = task.read([path])
    assert [each.targets for each in examples] == [("a b c d", "e f g h"), ("i j k l",)]
    assert task.score(examples, {"0": "e f g h", "1": "i j k l"}) == pytest.approx(
        {"bleu": 100.0, "exact_match": 100.0}
    )
    rows: list[dict[str, Any]] = [{"text": "x", "ref1": None, "ref2": ["a", "b"]}]
    assert task.read([table(tmp_path, rows)])[0].targets == ("a", "b")
    with pytest.raises(UserError, match="line 1: no column ref2; there are 'text', 'ref1'"):
        task.read([table(tmp_path, [{"text": "x", "ref1": "a"}])])


def test_how_a_file_is_written_may_be_said(tmp_path: Path) -> None:
    given = TICKETS + 'csv = { delimiter = "|", quote = "" }\n'
    path = tmp_path / "a.txt"
    path.write_text('the subject|body|team\n"a,b;c|d|fault\n')
    (example,) = declared(tmp_path, given).read([path])
    assert (example.text_a, example.text_b, example.label) == ('"a,b;c', "d", "fault")
    for wrong in ('csv = { separator = ";" }', 'csv = { delimiter = "||" }', 'csv = ";"'):
        with pytest.raises(UserError, match="csv") as caught:
            declared(tmp_path, f"{TICKETS}{wrong}\n")
        assert "\n" not in str(caught.value)
