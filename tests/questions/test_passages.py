"""Documents and the passages that they are cut into."""

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from headwater.corpus.held_out import HeldOut
from headwater.errors import UserError
from headwater.questions.config import QuestionConfig
from headwater.questions.documents import Document, read_documents
from headwater.questions.passages import cut_passages, pack

SENTENCE = "The mill stood by the river for many years. "


def config(**changes: object) -> QuestionConfig:
    return QuestionConfig.check({"min_characters": 20, "max_characters": 200, **changes}, "test")


def test_documents_of_every_kind(tmp_path: Path, messages: Callable[[], str]) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "notes.md").write_text("# Notes\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("One.", encoding="utf-8")
    rows = [{"text": "Two.", "title": "The second"}, {"text": "Three."}]
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "c.csv").write_text("text\nnot read\n", encoding="utf-8")
    found = list(read_documents([tmp_path]))
    assert found == [
        Document("a.txt", "One."),
        Document("The second", "Two."),
        Document("b.jsonl.gz:2", "Three."),
        Document("sub/notes.md", "# Notes\n"),
    ]
    assert "files of other kinds passed over: 1, such as" in messages()
    assert list(read_documents([tmp_path / "c.csv"])) == [Document("c.csv:2", "not read")]


def test_contexts_of_squad_and_a_column_of_a_table(tmp_path: Path) -> None:
    squad = tiny.squad_file(tmp_path / "s.json", tiny.paragraph("A.", tiny.question("1", "Who?")))
    assert list(read_documents([squad])) == [Document("mills", "A.")]
    table = tmp_path / "t.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "content"), (1, "A, B\nC")])
    assert list(read_documents([table], "content")) == [Document("t.csv:2", "A, B\nC")]
    with pytest.raises(UserError, match=r"t.csv, line 1: no column 'text'; .*--text-field"):
        list(read_documents([table]))
    with pytest.raises(UserError, match="no such file or folder"):
        list(read_documents([tmp_path / "none"]))
    (tmp_path / "tables").mkdir()
    table.rename(tmp_path / "tables" / "t.csv")
    with pytest.raises(UserError, match=r"also .md, and .json, .csv, .tsv that are named one by"):
        list(read_documents([tmp_path / "tables"]))


def test_paragraphs_are_passages_and_headings_join_what_follows() -> None:
    text = f"A heading\n\n{SENTENCE}\n\n{SENTENCE * 2}\n\nEnd."
    assert list(pack(text, 20, 200)) == [
        f"A heading\n\n{SENTENCE.strip()}",
        (SENTENCE * 2).strip(),
        "End.",
    ]


def test_long_paragraphs_are_cut_between_sentences() -> None:
    for passage in pack(SENTENCE * 20, 50, 200):
        assert len(passage) <= 200 and passage.startswith("The") and passage.endswith("years.")
    assert " ".join(pack(SENTENCE * 20, 50, 200)) == (SENTENCE * 20).strip()


def test_a_wrapped_paragraph_is_one_passage() -> None:
    wrapped = "The old mill stood by the river for many, many years.\nThen it burned down in 1843."
    assert list(pack(wrapped, 10, 200)) == [wrapped]


def test_text_that_was_cut_into_tokens(shared: Path) -> None:
    rows = read_documents([shared / "data/qa/fairytaleqa/valid.csv"], "content")
    found = cut_passages(rows, QuestionConfig())
    assert len(found.chosen) > 300
    assert found.dropped["too long"] < 0.05 * len(found.chosen)


def test_each_passage_once_and_none_too_short_or_too_long() -> None:
    texts = [SENTENCE, SENTENCE, "Short.", "x" * 300]
    found = cut_passages([Document("d", text) for text in texts], config())
    assert [each.text for each in found.chosen] == [SENTENCE.strip()]
    assert found.dropped == {"too short": 1, "too long": 1, "repeated": 1}
    with pytest.raises(UserError, match=r"too short: 1, too long: 0, .* 20 to 200 characters"):
        cut_passages([Document("d", "Short.")], config())
    for nothing in ([], [Document("d", " \n")]):
        with pytest.raises(UserError, match=r"^no text to ask of: the documents are empty$"):
            cut_passages(nothing, config())


def test_passages_that_overlap_with_held_out_text_go(tmp_path: Path) -> None:
    secret = "In 1843 the old mill by the river was sold to a baker from the south of the county."
    held_out = tiny.squad_file(
        tmp_path / "dev.json", tiny.paragraph(secret, tiny.question("1", "Who?"))
    )
    texts = [f"Then, {secret.lower()}", SENTENCE]
    found = cut_passages([Document("d", text) for text in texts], config(), HeldOut([held_out]))
    assert [each.text for each in found.chosen] == [SENTENCE.strip()]
    assert found.dropped["overlaps with held-out text"] == 1


def test_a_draw_of_passages_stays_when_documents_come_to_it() -> None:
    def texts(count: int) -> list[Document]:
        return [Document("d", f"The mill number {n} stood by the river.") for n in range(count)]

    few = {each.text for each in cut_passages(texts(40), config(passages=10)).chosen}
    more = [each.text for each in cut_passages(texts(50), config(passages=10)).chosen]
    assert len(few) == 10 and len(few & set(more)) >= 6
    assert more == sorted(more, key=lambda text: int(text.split()[3]))
    other = cut_passages(texts(40), config(passages=10, seed=1)).chosen
    assert few != {each.text for each in other}
