"""Named entities: as text and back, scored, and written as conlleval reads them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.data.example import Examples, TaggingExample
from headwater.errors import UserError
from headwater.metrics.tagging import chunks
from headwater.tasks.ner import BTC, CONLL2003, NER, WNUT17

ADA = TaggingExample(
    "0",
    ("Ada", "Lovelace", "lived", "in", "London", "."),
    ("B-person", "I-person", "O", "O", "B-location", "O"),
)
RAIN = TaggingExample("1", ("It", "rained", "."), ("O", "O", "O"))


def test_text_in_and_out() -> None:
    said = WNUT17.to_text(ADA)
    assert said.inputs == "ner: Ada Lovelace lived in London ."
    assert said.targets == ("person: Ada Lovelace; location: London",)
    assert WNUT17.to_text(RAIN).targets == ("none",)
    assert WNUT17.to_text(TaggingExample("2", ("Bob",))).targets == ()
    german = TaggingExample("3", ("EU", "in", "Bonn"), ("I-ORG", "O", "I-LOC"))
    assert CONLL2003.to_text(german).targets == ("organization: EU; location: Bonn",)
    assert CONLL2003.from_text(german, "organization: EU; location: Bonn") == "B-ORG O B-LOC"


@pytest.mark.parametrize("types", [("person", "location"), ("PER", "LOC"), ("other", "alien")])
def test_own_types_come_back_as_they_are(types: tuple[str, str]) -> None:
    one, two = types
    own = TaggingExample("0", ADA.words, (f"B-{one}", f"I-{one}", "O", "O", f"B-{two}", "O"))
    back = NER.from_text(own, NER.to_text(own).targets[0])
    assert NER.score(Examples([own]), {"0": back})["f1"] == 100.0


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("none", "O O O O O O"),
        ("", "O O O O O O"),
        ("rubbish", "O O O O O O"),
        ("person: Ada Lovelace", "B-person I-person O O O O"),
        ("  location: London;person: Ada", "O O O O B-location O"),  # Ada is not after London
        ("person: Ada; person: Lovelace", "B-person B-person O O O O"),
        ("person: Bob; location: London", "O O O O B-location O"),  # Bob is nowhere
        ("person: ; location: London", "O O O O B-location O"),
        ("alien: London .", "O O O O B-alien I-alien"),  # counts as a wrong entity
        ("person: Ada Love", "O O O O O O"),
    ],
)
def test_what_was_written_becomes_tags(text: str, tags: str) -> None:
    assert WNUT17.from_text(ADA, text) == tags


def test_words_with_spaces_in_them_and_words_that_are_none() -> None:
    odd = TaggingExample("0", ("", "New York", "", "x"), ("O", "B-location", "O", "O"))
    said = WNUT17.to_text(odd).targets[0]
    assert WNUT17.from_text(odd, said) == "O B-location O O"


TYPES = st.sampled_from(("person", "location", "creative-work"))
WORD = st.text("abcdeXYZ019'", min_size=1, max_size=4)


@st.composite
def sentences(draw: st.DrawFn, *, unique: bool) -> TaggingExample:
    words = draw(st.lists(WORD, min_size=1, max_size=12, unique=unique))
    tags: list[str] = []
    while len(tags) < len(words):
        size = min(draw(st.integers(1, 3)), len(words) - len(tags))
        kind = draw(st.none() | TYPES)
        tags += ["O"] * size if kind is None else [f"B-{kind}", *[f"I-{kind}"] * (size - 1)]
    return TaggingExample("0", tuple(words), tuple(tags))


@given(sentences(unique=True))
def test_tags_come_back_where_no_word_occurs_twice(example: TaggingExample) -> None:
    said = WNUT17.to_text(example).targets[0]
    assert WNUT17.from_text(example, said).split() == list(example.tags or ())


@given(sentences(unique=False))
def test_the_entities_come_back_in_any_sentence(example: TaggingExample) -> None:
    said = WNUT17.to_text(example).targets[0]
    back = TaggingExample("0", example.words, tuple(WNUT17.from_text(example, said).split()))
    assert WNUT17.to_text(back).targets[0] == said


def test_scores_over_all_and_by_type() -> None:
    examples = Examples([ADA, RAIN])
    scores = WNUT17.score(examples, {"0": "B-person I-person O O O O", "1": "O O B-group"})
    assert scores == pytest.approx(
        {
            **{"f1": 50.0, "precision": 50.0, "recall": 50.0, "accuracy": 700 / 9},
            **{"f1 group": 0.0, "f1 location": 0.0, "f1 person": 100.0},
        }
    )
    assert WNUT17.score(examples, {})["recall"] == 0.0
    assert set(WNUT17.metric_names) <= set(scores)
    with pytest.raises(UserError, match="sentence '1': 2 tags for 3 words"):
        WNUT17.score(examples, {"1": "O O"})
    with pytest.raises(UserError, match="sentence '2' has no known tags"):
        WNUT17.score(Examples([TaggingExample("2", ("Bob",))]), {})


def test_predictions_as_conlleval_reads_them(tmp_path: Path) -> None:
    examples = Examples([ADA, RAIN])
    predictions = {"0": "B-person O O O B-location O", "1": "O O O"}
    text = WNUT17.prediction_file.dump(examples, predictions)
    lines = text.split("\n")
    assert lines[:2] == ["Ada B-person B-person", "Lovelace I-person O"]
    assert lines[6:8] == ["", "It O O"]
    path = tmp_path / WNUT17.prediction_file.name
    path.write_text(text)
    assert WNUT17.prediction_file.read(path, examples) == predictions
    unknown = Examples([TaggingExample("0", ADA.words), TaggingExample("1", RAIN.words)])
    path.write_text(WNUT17.prediction_file.dump(unknown, predictions))
    assert path.read_text().startswith("Ada B-person\n")
    assert WNUT17.prediction_file.read(path, unknown) == predictions


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("It O O", "He O O"), "line 8: the word 'It' was expected"),
        (("It O O\n", ""), "line 8: the word 'It' was expected"),
        (("rained O O\n. O O\n", ""), "line 9: the word 'rained' was expected"),
        (("\n\nIt", "\nIt"), "line 7: a blank line was expected"),
        ((". O O\n\n", ". O O\n\nmore O O\n"), "line 12: expected no more than 2 sentences"),
    ],
)
def test_a_file_of_other_sentences_is_refused(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    examples = Examples([ADA, RAIN])
    text = WNUT17.prediction_file.dump(examples, {"0": "O O O O O O", "1": "O O O"})
    path = tmp_path / "p.conll"
    cut = text.rindex(change[0])
    path.write_text(text[:cut] + text[cut:].replace(*change, 1))
    with pytest.raises(UserError, match=message):
        WNUT17.prediction_file.read(path, examples)


@pytest.mark.parametrize(
    ("file", "sentences", "entities"),
    [
        ("wnut17/wnut17train.conll", 3394, 1975),
        ("wnut17/emerging.dev.conll", 1009, 836),
        ("wnut17/emerging.test.annotated", 1287, 1079),
        ("btc/a.conll", 1000, 521),
        ("btc/b.conll", 2000, 1610),
        ("btc/e.conll", 200, 325),
        ("btc/f.conll", 2000, 4376),
        ("btc/g.conll", 2138, 4685),
        ("btc/h.conll", 2001, 3368),
    ],
)
def test_real_files_are_read_whole(
    shared: Path, tmp_path: Path, file: str, sentences: int, entities: int
) -> None:
    task = WNUT17 if "wnut17" in file else BTC
    examples = task.read([shared / "data/ner" / file])
    found = sum(len(chunks(each.tags or ())) for each in examples)
    assert (len(examples), found) == (sentences, entities)
    written = {each.id: task.from_text(each, task.to_text(each).targets[0]) for each in examples}
    assert task.score(examples, written)["f1"] > 99.7  # where words occur twice, not all come back
    path = tmp_path / "p.conll"
    path.write_text(task.prediction_file.dump(examples, written), encoding="utf-8")
    assert task.prediction_file.read(path, examples) == written


def test_a_folder_stands_for_its_validation_files(shared: Path) -> None:
    assert len(WNUT17.read([shared / "data/ner"])) == 1009
    assert len(BTC.read([shared / "data/ner/btc"])) == 2001
    assert NER.labels == () and NER.files is None
    assert len(NER.read([shared / "data/ner/wnut17/emerging.dev.conll"])) == 1009
