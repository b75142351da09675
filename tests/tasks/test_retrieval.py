"""Questions with passages: how files are read, numbered, packed and scored."""

from pathlib import Path

import pytest

import tiny
from headwater.data.config import SequenceConfig
from headwater.data.example import RetrievalExample
from headwater.errors import UserError
from headwater.tasks.retrieval import RETRIEVAL, passage_numbers
from headwater.tasks.retrieval_features import encode_retrieval
from headwater.text.sequence_layout import encoder_layout
from headwater.text.vocabulary import Vocabulary

MILL, RIVER = "The mill stood by the river.", "The river froze."


def squad_file(file: Path) -> Path:
    first = tiny.question("q1", "Where did it stand?", "by the river", 15)
    again = tiny.question("q2", "What stood there?", "The mill", 0)
    last = tiny.question("q3", "What froze?", "The river", 0)
    none = tiny.unanswerable("q4", "Who swam?")
    return tiny.squad_file(
        file, tiny.paragraph(MILL, first, again), tiny.paragraph(RIVER, last, none)
    )


def test_the_paragraphs_of_squad_are_the_passages(tmp_path: Path) -> None:
    found = RETRIEVAL.read([squad_file(tmp_path / "squad.json")])
    assert [(each.id, each.passage) for each in found] == [
        ("q1", MILL),
        ("q2", MILL),
        ("q3", RIVER),
    ]
    assert found.report.left_out == (f"{tmp_path / 'squad.json'}: question 'q4' has no answer",)
    assert passage_numbers(found) == {MILL: 0, RIVER: 1}
    unanswered = RETRIEVAL.read([tmp_path / "squad.json"], answered=False)
    assert [each.id for each in unanswered] == ["q1", "q2", "q3", "q4"]


def test_tables_give_negatives_in_a_column(tmp_path: Path) -> None:
    lines = [
        {"question": "a?", "passage": MILL, "negatives": [RIVER, "x", MILL, "x", " "]},
        {"question": "b?", "passage": RIVER, "negatives": None},
        {"id": "own", "question": "c?", "context": "x", "negatives": "y"},
    ]
    table = tmp_path / "pairs.csv"
    table.write_text("question,passage,negative\na?,one,two\n", "utf-8")
    found = RETRIEVAL.read([tiny.json_lines(tmp_path / "pairs.jsonl", lines), table])
    assert list(found) == [
        RetrievalExample("0", "a?", MILL, (RIVER, "x")),
        RetrievalExample("1", "b?", RIVER),
        RetrievalExample("own", "c?", "x", ("y",)),
        RetrievalExample("0 [2]", "a?", "one", ("two",)),
    ]
    assert passage_numbers(found) == {MILL: 0, RIVER: 1, "x": 2, "y": 3, "one": 4, "two": 5}
    # the same question in two rows has two right passages
    assert RETRIEVAL.golds(found) == {
        "0": ("0", "4"),
        "1": ("1",),
        "own": ("2",),
        "0 [2]": ("0", "4"),
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"question": "a?"}', "line 1: no column passage or context; there are 'question'"),
        ('{"question": " ", "passage": "b"}', "line 1: 'question' is empty; a text was expected"),
        ('{"question": "a", "passage": ""}', "line 1: 'passage' is empty; a text was expected"),
        (
            '{"question": "a", "passage": "b", "negatives": [3.5]}',
            "'negatives' must be a text or a",
        ),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, content: str, expected: str) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(content + "\n", "utf-8")
    with pytest.raises(UserError, match=expected) as found:
        RETRIEVAL.read([file])
    assert str(file) in str(found.value)


def test_scores_are_those_of_the_ranks(tmp_path: Path) -> None:
    examples = RETRIEVAL.read([squad_file(tmp_path / "squad.json")])
    scores = RETRIEVAL.score(examples, {"q1": "0 1", "q2": "1 0", "q3": "0"})
    assert scores == pytest.approx(
        {"mrr": 50, "recall@1": 100 / 3, "recall@5": 200 / 3, "recall@10": 200 / 3}
    )


def test_texts_are_packed_with_their_special_tokens_and_cut(bert_vocabulary: Vocabulary) -> None:
    examples = [
        RetrievalExample("0", "the river", "the north the north", ("river",)),
        RetrievalExample("1", "the north " * 9, "river"),
    ]
    layout = encoder_layout(bert_vocabulary)
    config = SequenceConfig(max_length=8)

    def asked(texts: list[str], prompt: str) -> list[str]:
        return [f"the {text}" for text in texts] if prompt == "document" else texts

    found = encode_retrieval(bert_vocabulary, examples, config, asked, layout)
    first, second = (found[index] for index in range(2))
    assert " ".join(bert_vocabulary.token(id) for id in first["input_ids"].tolist()) == (
        "[CLS] the river [SEP] [CLS] the the north the north [SEP] [CLS] the river [SEP]"
    )
    assert first["blocks"].tolist() == [1] * 4 + [2] * 7 + [3] * 4
    assert first["passages"].tolist() == [1, 2] and second["passages"].tolist() == [2]
    assert second["blocks"].tolist() == [1] * 8 + [2] * 4
    assert found.lengths.tolist() == [15, 12] == [len(first["input_ids"]), len(second["blocks"])]
    assert found.cut == 1 and len(found) == 2
    other = encode_retrieval(bert_vocabulary, examples[::-1], config, asked, layout)
    assert found.fingerprint != other.fingerprint


def test_real_questions_are_read(shared: Path) -> None:
    file = shared / "data/qa/squad_v1.1/dev-v1.1.json"
    if not file.exists():
        file = next((shared / "data/qa/squad_v1.1").glob("dev*.json*"))
    found = RETRIEVAL.read([file])
    assert len(found) == 10_570 and len(passage_numbers(found)) == 2067
