"""What the measurements of documents are made of: questions, hits, changed copies, whole books."""

import gzip
import json
from pathlib import Path

from benchmarks.document_data import Question, drawn_paragraphs, questions_of
from benchmarks.document_speed import write_books
from benchmarks.million_passages import CHANGED, write_copies

CHAPTERS = [" ".join(f"{letter}{number}" for number in range(100)) for letter in "abc"]


def texts(folder: Path) -> Path:
    """A book of two chapters, and one of one."""
    file = folder / "books.jsonl.gz"
    rows = [
        {"title": title, "text": text}
        for title, text in zip(("One", "One", "Two"), CHAPTERS, strict=True)
    ]
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    return file


def test_a_hit_is_in_the_right_file_and_holds_an_answer() -> None:
    question = Question("Who?", "right.txt", ("Ada", "Bo"))
    found = [("wrong.txt", "Ada"), ("right.txt", "Cy"), ("right.txt", "by Bo"), ("right.txt", "Bo")]
    assert question.rank(found) == 3
    assert question.rank(found[:2]) is None


def test_every_paragraph_is_a_file(tmp_path: Path) -> None:
    asked = {"question": "Who?", "answers": [{"text": "Ada"}]}
    paragraphs = [{"context": "Ada built it.", "qas": [asked, asked]}, {"context": "x", "qas": []}]
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"data": [{"title": "A_mill", "paragraphs": paragraphs}]}))
    for titles in (False, True):
        folder = tmp_path / f"{titles}"
        folder.mkdir()
        questions = questions_of(data, folder, titles)
        assert [each.answers for each in questions] == [("Ada",)] * 2
        assert len(list(folder.iterdir())) == 2
        text = Path(questions[0].file).read_text()
        assert text == (
            '{"title": "A mill", "text": "Ada built it."}' if titles else "Ada built it."
        )


def test_a_copy_has_one_word_of_five_changed(tmp_path: Path) -> None:
    file = texts(tmp_path)
    originals = [row["text"].split() for row in drawn_paragraphs([file], 9)]
    folder = tmp_path / "copies"
    folder.mkdir()
    write_copies([file], 7, folder)
    copies = sorted(folder.iterdir())
    assert len(copies) == 3
    for copy in copies:
        rows = [json.loads(line)["text"].split() for line in copy.read_text().splitlines()]
        for row, original in zip(rows, originals, strict=True):
            changed = sum(one != other for one, other in zip(row, original, strict=True))
            assert 0 < changed <= len(original) / CHANGED
    assert copies[0].read_text() != copies[1].read_text()


def test_books_are_written_whole_or_by_chapters(tmp_path: Path) -> None:
    file = texts(tmp_path)
    for whole, copies, files in ((True, 1, 2), (False, 1, 3), (False, 10, 30)):
        folder = tmp_path / f"{whole}{copies}"
        write_books([file], whole, 10**6, copies, folder)
        written = [each.read_text() for each in folder.iterdir()]
        assert len(written) == len(set(written)) == files
    write_books([file], False, 1, 1, tmp_path / "few")
    assert len(list((tmp_path / "few").iterdir())) == 1
