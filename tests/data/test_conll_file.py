"""CoNLL columns: schemes, separators, and one line for what cannot be."""

import json
import re
from pathlib import Path

import pytest

from headwater.data.conll_file import TagColumns, read_tagged
from headwater.errors import UserError
from headwater.metrics.tagging import chunks

BIO = ("O", "B-person", "I-person", "B-location", "I-location")


def conll(tmp_path: Path, text: str, name: str = "a.conll") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def refused(path: Path, labels: tuple[str, ...], message: str, *, answered: bool = True) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_tagged([path], labels, answered=answered)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("gap", ["\t", " ", "\tNNP\tI-NP\t", "   "])
def test_columns_by_tabs_or_spaces(tmp_path: Path, end: str, gap: str) -> None:
    lines = ["-DOCSTART- -X- O O", "", "Ada" + gap + "B-person", "Lovelace" + gap + "I-person"]
    lines += ["", "\t" if "\t" in gap else "  ", "", "It" + gap + "O"]
    examples = read_tagged([conll(tmp_path, end.join(lines))], BIO)
    assert [(each.id, each.words, each.tags) for each in examples] == [
        ("0", ("Ada", "Lovelace"), ("B-person", "I-person")),
        ("1", ("It",), ("O",)),
    ]


def test_a_mark_at_the_start_odd_spaces_and_words_that_are_none(tmp_path: Path) -> None:
    text = "\ufeffAda\tB-person\n\tO\n\u2009\tO\nke\u2009s\tO\n\nb\tO"
    examples = read_tagged([conll(tmp_path, text)], BIO)
    assert examples[0].words == ("Ada", "", "", "ke\u2009s")
    assert len(examples) == 2


def test_files_follow_each_other_and_a_column_may_be_chosen(tmp_path: Path) -> None:
    first = conll(tmp_path, "Ada B-person NNP\n")
    second = conll(tmp_path, "Bob B-person NNP\n", "b.conll")
    examples = read_tagged([first, second], BIO, columns=TagColumns(index=1))
    assert [(each.id, each.words) for each in examples] == [("0", ("Ada",)), ("1", ("Bob",))]
    with pytest.raises(UserError, match=r"a.conll, line 1: unknown tag 'NNP'"):
        read_tagged([first], BIO)
    with pytest.raises(UserError, match=r"3 columns; a word was expected .* tag in number 3"):
        read_tagged([first], BIO, columns=TagColumns(index=3))


def test_every_scheme_is_kept_as_it_is(tmp_path: Path) -> None:
    for tags in (
        ["I-person", "I-person", "O", "I-location"],
        ["I-person", "B-person", "I-person", "I-location"],
        ["B-person", "E-person", "S-location", "O"],
        ["B-x-y", "I-x-y", "E-x-y", "O"],
    ):
        text = "".join(f"w{number} {tag}\n" for number, tag in enumerate(tags))
        assert read_tagged([conll(tmp_path, text)])[0].tags == tuple(tags)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["O", "E-person"], "line 2: tag 'E-person' cannot stand here: no entity is open"),
        (["B-person", "S-person"], "line 2: tag 'S-person' cannot .*: B-person is not ended"),
        (["S-person", "B-person"], "line 2: tag 'O' cannot stand here: B-person is not ended"),
        (["B-person", "E-place"], "line 2: tag 'E-place' cannot stand here: B-person"),
    ],
)
def test_bioes_must_close_what_it_begins(tmp_path: Path, tags: list[str], message: str) -> None:
    text = "".join(f"w {tag}\n" for tag in tags)
    refused(conll(tmp_path, text), (), message)


def test_one_sentence_in_bioes_makes_the_file_bioes(tmp_path: Path) -> None:
    content = "".join(f"w {tag}\n" for tag in ("O", "B-person", "O"))
    assert len(read_tagged([conll(tmp_path, content)])) == 1
    text = f"{content}\nAda S-person\n"
    refused(conll(tmp_path, text), (), "line 3: tag 'O' cannot stand here: B-person is not ended")
    rows = [{"tokens": ["w", "w"], "tags": ["B-person", "O"]}, {"tokens": ["A"], "tags": ["S-x"]}]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    refused(path, (), r"rows.jsonl, line 1: tag 'O' cannot stand here")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a O\nb B-persn\n", r"a.conll, line 2: unknown tag 'B-persn'; did you mean 'B-person'"),
        ("a O\n\nb\n", "line 3: 1 column, but the lines before have 2; spaces stand between"),
        ("a\tO\nb O\n", "line 2: 1 column, but the lines before have 2; tabs stand between"),
        ("a\nb\n", "line 1: 1 column; a word was expected in the first and its tag in the last"),
        ("", "a.conll: no sentence; a word and its tag on each line was expected"),
        ("-DOCSTART- O\n\n", "no sentence"),
        ("a O\nb \xff O\n", "line 2: 3 columns, but the lines before have 2"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_number(tmp_path: Path, text: str, message: str) -> None:
    refused(conll(tmp_path, text), BIO, message)


@pytest.mark.parametrize("tag", ["person", "X-person", "B-", "B", "o"])
def test_a_tag_of_no_known_form_is_refused_without_labels(tmp_path: Path, tag: str) -> None:
    refused(conll(tmp_path, f"a {tag}\n"), (), f"line 1: {re.escape(repr(tag))} is no tag")


def test_to_predict_tags_may_be_absent_or_anything(tmp_path: Path) -> None:
    for text in ("a\nb\n", "a X\nb ?\n"):
        (sentence,) = read_tagged([conll(tmp_path, text)], BIO, answered=False)
        assert (sentence.words, sentence.tags) == (("a", "b"), None)


def test_tables_as_the_hub_has_them(tmp_path: Path) -> None:
    path = conll(tmp_path, '{"tokens": ["Ada", "sat"], "ner_tags": [1, 0]}\n', "a.jsonl")
    assert read_tagged([path], BIO)[0].tags == ("B-person", "O")
    named = conll(tmp_path, '{"words": ["Ada"], "tags": ["B-person"]}\n', "b.jsonl")
    assert read_tagged([named])[0].tags == ("B-person",)
    assert read_tagged([named], BIO, answered=False)[0].tags is None
    refused(path, (), "line 1: tags by number need a task that knows their names")
    for cells, message in (
        ('"tokens": ["a"], "ner_tags": [9]', "line 1: tag 9; expected 0 to 4"),
        ('"tokens": ["a"], "ner_tags": [0, 0]', "line 1: 2 tags for 1 words"),
        ('"tokens": ["a"], "ner_tags": ["B-persn"]', "did you mean 'B-person'"),
        ('"tokens": ["a"], "ner_tags": [null]', "must be a text or a number, not None"),
        ('"tokens": [1], "ner_tags": [0]', "the words must be texts"),
        ('"text": "a"', "a list was expected in one of the columns tokens, words"),
    ):
        refused(conll(tmp_path, "{" + cells + "}\n", "c.jsonl"), BIO, message)


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"tokens": [["Ada"]], "ner_tags": [[1]]}), path)
    assert read_tagged([path], BIO)[0].tags == ("B-person",)


def test_comments_before_a_sentence_and_words_that_begin_alike(tmp_path: Path) -> None:
    text = "# id 7\tdomain=x\n#begin document (a);\nAda _ B-person\n# _ O\n#tag _ O\n\n"
    text += "# text = a b c\n# _ O\n"
    examples = read_tagged([conll(tmp_path, text)], BIO)
    assert [each.words for each in examples] == [("Ada", "#", "#tag"), ("#",)]
    text = "# id 9\nwords\nalone\n\n# id 10\n#\n"
    examples = read_tagged([conll(tmp_path, text)], answered=False)
    assert [each.words for each in examples] == [("words", "alone"), ("#",)]
    refused(conll(tmp_path, "a O\n# text here\n"), BIO, "line 2: 3 columns, but the lines before")
    refused(conll(tmp_path, "a O\n\n#tag\n"), BIO, "line 3: 1 column, but the lines before have 2")


@pytest.mark.parametrize("gap", ["\t", " "])
def test_spaces_at_the_end_of_a_line(tmp_path: Path, gap: str) -> None:
    text = f"Ada{gap}B-person \r\nb{gap}I-person\t\r\n \t\r\nc{gap}O"
    examples = read_tagged([conll(tmp_path, text)], BIO)
    assert [each.tags for each in examples] == [("B-person", "I-person"), ("O",)]


def test_breaks_that_are_none_stay_inside_words(tmp_path: Path) -> None:
    (sentence,) = read_tagged([conll(tmp_path, "a\x85b\u2028c\x0cd\tO\n")], BIO)
    assert sentence.words == ("a\x85b\u2028c\x0cd",)


def test_bilou(tmp_path: Path) -> None:
    tags = ("B-x", "I-x", "L-x", "O", "U-y")
    text = "".join(f"w {tag}\n" for tag in tags)
    assert read_tagged([conll(tmp_path, text)])[0].tags == tags
    assert [tuple(each) for each in chunks(tags)] == [("x", 0, 3), ("y", 4, 5)]
    text = "w B-x\nw O\n\nw U-x\n"
    refused(conll(tmp_path, text), (), "line 2: tag 'O' cannot stand here: B-x is not ended .BILOU")


def test_words_in_another_column(tmp_path: Path) -> None:
    path = conll(tmp_path, "1\tAda\tB-person\n2\tsat\tO\n")
    (sentence,) = read_tagged([path], BIO, columns=TagColumns(word_index=1))
    assert (sentence.words, sentence.tags) == (("Ada", "sat"), ("B-person", "O"))
    with pytest.raises(UserError, match="a word was expected in number 3 and its tag in the last"):
        read_tagged([path], BIO, columns=TagColumns(word_index=3))


def test_json_as_datasets_writes_it(tmp_path: Path) -> None:
    for name in ("a.json", "a.jsonl"):
        path = conll(tmp_path, '{"tokens": ["Ada"], "ner_tags": [1]}\n', name)
        assert read_tagged([path], BIO)[0].tags == ("B-person",)
    path = conll(tmp_path, '[{"tokens": ["Ada"], "ner_tags": [1]}]', "b.json")
    assert read_tagged([path], BIO)[0].tags == ("B-person",)
