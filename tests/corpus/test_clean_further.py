"""The rules that are not C4's: lines, languages by py3langid, runs of words, near duplicates."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.corpus.cleaning import pages as pages_room
from headwater.corpus.cleaning.clean import clean
from headwater.corpus.cleaning.languages import check_language, detector
from headwater.corpus.cleaning.line_statistics import line_statistics
from headwater.corpus.cleaning.pages import records
from headwater.corpus.cleaning.report import Report, table
from headwater.corpus.cleaning.rules import CleaningConfig, Rules, RulesConfig
from headwater.corpus.cleaning.spans import repeats
from headwater.corpus.cleaning.word_spans import WordSpans, run_hashes, without_words
from headwater.errors import UserError

LINES = [f"The old mill number {n} stood by the river for {n} years." for n in range(1, 7)]


def test_lines_are_counted() -> None:
    page = "Home\n\n  Home \nThe mill was built a very long time ago.\n"
    found = line_statistics(page)
    assert found == (3, 2, 1, 48, 4)
    assert found.shares == {"short": 2 / 3, "ended": 1 / 3, "repeated": 4 / 48}
    assert line_statistics("").shares == {"short": 0, "ended": 0, "repeated": 0}


@pytest.mark.parametrize(
    ("page", "settings", "rule", "why"),
    [
        ("\n".join([*LINES, *["Menu"] * 6]), {"most_short_lines": 0.4}, "short_lines", "0.50"),
        ("\n".join(LINES * 2), {"most_repeated_lines": 0.3}, "repeated_lines", "0.50"),
        ("\n".join([*LINES, "Menu"]), {"least_ended_lines": 0.9}, "few_ended_lines", "0.86"),
    ],
)
def test_pages_of_such_lines_are_dropped(
    page: str, settings: dict[str, float], rule: str, why: str
) -> None:
    def english(text: str) -> tuple[str, float]:
        return "en", 1.0

    verdict = Rules(RulesConfig.check(settings, "test"), english, None).judge(page)
    assert (verdict.rule, verdict.why) == (rule, why)
    assert Rules(RulesConfig(), english, None).judge(page).rule is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The old mill stood by the river, and nobody went there any more.", "en"),
        ("Die alte Mühle stand am Fluss, und niemand ging mehr dorthin.", "de"),
        ("123 ... 456", "none"),
    ],
)
def test_py3langid_tells_languages(text: str, language: str) -> None:
    assert detector("py3langid")(text)[0] == language
    assert detector("py3langid")(text) == detector("py3langid")(text)


def test_each_detector_has_its_languages() -> None:
    check_language("la", "py3langid")
    with pytest.raises(UserError, match="'la' is not known"):
        check_language("la", "langdetect")


WORDS = st.lists(st.sampled_from("abc"), max_size=14)


@given(shards=st.lists(st.lists(WORDS, max_size=3), max_size=3), length=st.integers(1, 4))
def test_all_but_the_first_of_each_run(shards: list[list[list[str]]], length: int) -> None:
    lists, seen, expected = [], set(), []
    for number, shard in enumerate(shards):
        runs = WordSpans(length)
        for page, words in enumerate(shard):
            runs.add(page, " ".join(words))
            for begin in range(len(words) - length + 1):
                run = tuple(words[begin : begin + length])
                if run in seen:
                    expected.append((number, page, begin))
                seen.add(run)
        lists.append(runs.by_hash())
    assert [tuple(each) for each in repeats(lists).tolist()] == expected


def test_a_run_has_one_hash_wherever_it_stands() -> None:
    words = [3, 5, 2**64 - 1, 7]
    at_start, later = run_hashes(words, 4), run_hashes([9, 8, *words, 1], 4)
    assert at_start[0] == later[2] and len(set(later.tolist())) == 4
    assert not len(run_hashes(words, 5))


def test_runs_are_taken_out_of_their_lines() -> None:
    text = "see the  mill by\nthe river here.\nIt  stands."
    found, removed, gone = without_words(text, [1, 2], 3)
    assert found == "see\nriver here.\nIt  stands." and gone == 4
    assert [tuple(each) for each in removed] == [
        ("repeated_words", "the mill by"), ("repeated_words", "the")
    ]  # fmt: skip


def crawled(folder: Path, *files: Sequence[str]) -> Path:
    folder.mkdir()
    for number, pages in enumerate(files):
        text = "".join(json.dumps({"text": page}) + "\n" for page in pages)
        (folder / f"{number}.jsonl").write_text(text)
    return folder


def cleaned(crawl: Path, output: Path, **rules: Any) -> tuple[Report, list[Any], list[Any]]:
    config = CleaningConfig.check({"rules": {"language_detector": "py3langid", **rules}}, "test")
    report = clean([crawl], output, config=config, workers=1)
    assert report is not None
    sides = [
        [each for file in sorted((output / side).iterdir()) for each in records(file)]
        for side in ("kept", "dropped")
    ]
    return report, *sides


STORY = [
    "The old mill stood by the river for a very long time.",
    "Nobody in the village remembered who had built it.",
    "In spring the water rose and turned the heavy wheel.",
    "The children watched it from the bridge after school.",
    "In winter the river froze and all was silent there.",
    "Then one day a young miller came and opened the door.",
    "He swept the floor and mended the roof with new boards.",
    "By summer there was bread again in every house.",
]
OTHER = [f"Another page tells of {n} ships which sailed to harbour {n * 7}." for n in range(8)]


@pytest.fixture
def crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two shards; the second has the first page again, with one word changed."""
    monkeypatch.setattr(pages_room, "SHARD", 1)
    again = [line.replace("young", "old") for line in STORY]
    return crawled(
        tmp_path / "crawl", ["\n".join(STORY), "\n".join(OTHER)], [" ".join(again), "Menu"]
    )


def test_near_duplicates_are_dropped(crawl: Path, tmp_path: Path) -> None:
    # a change in each third sentence, so that no span of three repeats
    changed = [
        line.replace("the", "that", 1) if n % 3 == 2 else line for n, line in enumerate(STORY)
    ]
    (crawl / "1.jsonl").write_text(json.dumps({"text": "\n".join(changed)}) + "\n")
    report, kept, dropped = cleaned(crawl, tmp_path / "out", near_duplicates=True)
    assert [each["text"].split("\n")[0] for each in kept] == [STORY[0], OTHER[0]]
    assert report.pages_dropped["near_duplicate"] == 1 and report.pages_kept == 2
    (page,) = [each for each in dropped if each["rule"] == "near_duplicate"]
    assert page["dropped_text"] == "\n".join(changed) and page["source"].endswith("1.jsonl")
    assert all("original" not in each for each in kept)
    assert any("near_duplicate" in line for line in table(report))
    plain, kept, _ = cleaned(crawl, tmp_path / "plain")
    assert len(kept) == 3 and "near_duplicate" not in plain.pages_dropped


def test_a_rule_that_is_on_and_drops_nothing_is_told(crawl: Path, tmp_path: Path) -> None:
    (crawl / "1.jsonl").unlink()
    settings = {"near_duplicates": True, "repeated_words": 50, "most_short_lines": 0.9}
    report, _, _ = cleaned(crawl, tmp_path / "out", **settings)
    on = ["short_lines", "repeated_words", "near_duplicate"]
    assert report.rules.further == on
    assert [report.pages_dropped[rule] for rule in on] == [0, 0, 0]
    lines = list(table(report))
    assert any(line.startswith("  near_duplicate") for line in lines)
    assert any("repeated words 0" in line for line in lines)


def test_repeated_runs_of_words_are_taken_out(crawl: Path, tmp_path: Path) -> None:
    run = " ".join(STORY[0].split()[2:10])
    mixed = [
        *OTHER[:3],
        f"Somebody wrote that {run} ago.",
        *(f"More of {n} tales came." for n in range(5)),
    ]
    (crawl / "1.jsonl").write_text(json.dumps({"text": "\n".join(mixed)}) + "\n")
    report, kept, _ = cleaned(crawl, tmp_path / "out", repeated_words=8, near_duplicates=True)
    (page,) = [each for each in kept if each["source"].endswith("1.jsonl")]
    assert "Somebody wrote that ago." in page["text"].split("\n")
    removed = [each for each in page["removed"] if each["rule"] == "repeated_words"]
    assert run in [each["text"] for each in removed]
    assert report.repeated_words >= 8 and report.characters_kept == sum(
        len(each["text"]) for each in kept
    )


def test_the_report_tells_of_lines(crawl: Path, tmp_path: Path) -> None:
    report, _, _ = cleaned(crawl, tmp_path / "out")
    assert report.line_statistics["kept"]["ended"] == 1.0
    assert 0 < report.line_statistics["read"]["short"] < 1
    assert any(line.startswith("lines of pages read: short") for line in table(report))


@pytest.mark.slow
def test_further_stages_do_not_depend_on_how_many_take_part(crawl: Path, tmp_path: Path) -> None:
    rules = {"near_duplicates": True, "repeated_words": 8, "language_detector": "py3langid"}
    config = CleaningConfig.check({"rules": rules}, "test")
    for workers in (1, 2):
        clean([crawl], tmp_path / str(workers), config=config, workers=workers)
    for name in ("report.json", "kept/00000.jsonl.gz", "dropped/00001.jsonl.gz"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
