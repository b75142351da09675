"""The rules for one page: the paper's words, and agreement with datatrove's where both say so."""

import gzip
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.corpus.cleaning.languages import check_language, language_of
from headwater.corpus.cleaning.rules import (
    BadWords,
    Rules,
    RulesConfig,
    Verdict,
    clean_lines,
    line_rule,
    read_bad_words,
)
from headwater.errors import UserError
from headwater.text.sentences import sentences

FIVE = "\n".join(f"The mill number {number} stood by the river." for number in range(5))
GERMAN = "\n".join(f"Die Mühle Nummer {number} steht noch heute am Fluss." for number in range(5))


def judged(page: str, words: BadWords | None = None, **values: Any) -> Verdict:
    return Rules(RulesConfig(**values), language_of, words).judge(page)


def test_the_values_are_the_papers() -> None:
    rules = RulesConfig()
    assert (rules.min_words, rules.min_sentences) == (3, 5)
    assert (rules.language, rules.language_probability) == ("en", 0.99)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("It was cold.", None),
        ("Was it cold?", None),
        ("How cold it was!", None),
        ('He said, "It is cold."', None),
        ("He said, “It is cold.”", None),
        ("It was cold", "no_end_mark"),
        ("It was cold;", "no_end_mark"),
        ("It rained.", "too_few_words"),
        ("Please enable Javascript to go on.", "javascript"),
        ("Please enable JAVASCRIPT to go on.", "javascript"),
        ("This site uses cookies for you.", "policy"),
        ("Read our Privacy Policy and Terms of Use.", "policy"),
    ],
)
def test_lines(line: str, rule: str | None) -> None:
    assert line_rule(line, min_words=3) == rule


def test_citation_markers_go_before_the_end_mark_is_looked_for() -> None:
    page = "Home[edit]\nIt was built in 1843.[2][citation needed]\n\n  It stands [] still.  "
    kept, removed, citations = clean_lines(page, 3)
    assert kept == ["It was built in 1843.", "It stands  still."]
    assert removed == [("no_end_mark", "Home[edit]")]
    assert citations == 3


@pytest.mark.parametrize(
    ("page", "rule", "why"),
    [
        (FIVE, None, ""),
        (f"{FIVE}\nLorem IPSUM dolor", "lorem_ipsum", ""),
        (f"{FIVE}\nvar a = {{", "curly_bracket", ""),
        (FIVE.rpartition("\n")[0], "too_few_sentences", "4"),
        (f"{FIVE.rpartition(chr(10))[0]}\nMenu\nNews", "too_few_sentences", "4"),
        (GERMAN, "language", "de 1.00"),
        (f"{FIVE}\nA Naughty thing", "bad_words", "naughty"),
        (f"{FIVE}\nNaughtyness", None, ""),
        ("", "too_few_sentences", "0"),
    ],
)
def test_pages(page: str, rule: str | None, why: str) -> None:
    verdict = judged(page, BadWords(["naughty", "very bad"]))
    assert (verdict.rule, verdict.why) == (rule, why)


@pytest.mark.parametrize("line", ["Lorem ipsum", "{ menu }", "Naughty"])
def test_the_published_code_looks_at_lines_that_stay_only(line: str) -> None:
    words = BadWords(["naughty"])
    assert judged(f"{FIVE}\n{line}", words).rule is not None
    assert judged(f"{FIVE}\n{line}", words, whole_page=False).rule is None
    expected = judged(f"{FIVE}\n{line}", words).rule
    assert judged(f"{FIVE}\nWell: {line} it was.", words, whole_page=False).rule == expected


def test_five_sentences_may_stand_in_one_line() -> None:
    assert judged(FIVE.replace("\n", " ")).rule is None
    assert judged(FIVE.replace("\n", " "), min_sentences=6).rule == "too_few_sentences"


def test_without_a_list_no_word_is_bad() -> None:
    assert judged(f"{FIVE}\nnaughty", None).rule is None


@given(st.text(st.sampled_from("aB .!?\"”[]12\n\r\u2028{x'"), max_size=200))
def test_every_line_is_kept_or_removed(page: str) -> None:
    kept, removed, _ = clean_lines(page, 3)
    lines = [line.strip() for line in page.splitlines() if line.strip()]
    assert len(kept) + len(removed) == len(lines)
    assert all(line in lines for _, line in removed)
    assert all(line_rule(line, 3) is None and "\n" not in line for line in kept)


@given(st.lists(st.sampled_from(["ass", "a.b", "very bad", "c++", "x"]), max_size=4), st.text())
def test_words_are_found_as_the_published_expression_finds_them(
    entries: list[str], text: str
) -> None:
    for candidate in (text, f"{text} very bad", f"{text}ass", f"A.B,{text}", f"(c++){text}"):
        expression = r"(?:\W|^)({})(?:\W|$)".format("|".join(map(re.escape, entries)))
        expected = bool(entries and re.search(expression, candidate.lower()))
        assert (BadWords(entries).find(candidate) is not None) == expected


def test_a_list_is_one_entry_a_line(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("Naughty\n\n very bad \n")
    assert read_bad_words(tmp_path / "list.txt") == ("Naughty", "very bad")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(UserError, match="one word or phrase a line"):
        read_bad_words(tmp_path / "empty.txt")


def test_languages() -> None:
    assert language_of(FIVE)[0] == "en"
    assert language_of(FIVE) == language_of(FIVE)
    assert language_of("12 34") == ("none", 0.0)
    with pytest.raises(UserError, match=r"rules\.language: 'eng' .*'en'"):
        check_language("eng")


def test_the_lines_are_those_of_datatrove(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart from ends: they take ' but not ..., here ” counts; [1] leaves no space here."""
    pytest.importorskip("regex")
    from datatrove.data import Document
    from datatrove.pipeline.filters import c4_filters

    def split(text: str, language: str) -> list[str]:
        return [text[start:end] for start, end in sentences(text)]

    monkeypatch.setattr(c4_filters, "split_into_sentences", split)
    theirs = c4_filters.C4QualityFilter(
        min_num_sentences=-1, filter_lorem_ipsum=False, filter_curly_bracket=False
    )
    compared = 0
    with gzip.open(shared / "data/raw_web/wet_like.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in islice(lines, 60):
            text = re.sub(r"[^\S\n]+(?=\[\d*\])", "", json.loads(line)["text"])
            document = Document(text=text, id="")
            theirs.filter(document)
            expected = [x for x in document.text.split("\n") if not x.endswith("'") and x]
            ours = [x for x in clean_lines(text, 3)[0] if not x.endswith(("...", "”"))]
            assert [x.strip() for x in expected] == ours
            compared += len(ours)
    assert compared > 1000
