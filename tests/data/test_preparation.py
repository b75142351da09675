"""What is trained on shares nothing with what is measured, and made questions have no answer."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
from headwater.data.config import DataConfig
from headwater.data.example import AnswerSpan, SpanExample
from headwater.data.overlap import grams, without_overlap
from headwater.data.preparation import prepare
from headwater.data.span_files import read_squad
from headwater.data.split import hold_out_fold, split_off
from headwater.data.unanswerable import add_unanswerable
from headwater.errors import UserError
from headwater.tasks.names import task as find_task
from headwater.tasks.squad import SQUAD_V2

WORDS = [
    "the",
    "old",
    "mill",
    "by",
    "river",
    "turned",
    "slowly",
    "while",
    "nobody",
    "in",
    "town",
    "listened",
    "to",
    "its",
    "wheel",
]


def example(name: str, context: str, answer: str, article: str = "") -> SpanExample:
    span = AnswerSpan(answer, context.index(answer))
    return SpanExample(name, f"Where is {answer}?", context, (span,), article=article)


def test_grams_ignore_case_and_punctuation() -> None:
    assert grams("One two, three four five six seven eight nine.") == grams(
        "one TWO three; four five six seven eight (nine)"
    )
    assert grams("") == set()
    assert len(grams("short text")) == 1


def test_paragraphs_that_overlap_are_dropped_and_others_kept() -> None:
    text = " ".join(WORDS)
    kept, dropped = without_overlap(
        [example("same", f"{text} today", "mill"), example("other", "A mill in Spain", "mill")],
        [f"Once {text} ."],
    )
    assert [e.id for e in kept] == ["other"]
    assert dropped == [f"{text} today"]


def test_real_training_paragraphs_that_stand_in_the_dev_set_are_found(shared: Path) -> None:
    qa = shared / "data" / "qa"
    dev = {e.context for e in read_squad([qa / "squad_v1.1" / "dev-v1.1.json"])}
    kept, dropped = without_overlap(list(read_squad([qa / "qed_nq" / "train.json"])), dev)
    assert any("Super Bowl 50" in context for context in dropped)
    assert any("Yuan dynasty" in context for context in dropped)
    assert len(dropped) == 7
    assert len(kept) > 7000


@given(st.floats(0, 1), st.integers(0, 5))
def test_an_article_stands_on_one_side_only(share: float, seed: int) -> None:
    examples = [example(str(i), f"a mill {i}", "mill", f"article {i % 7}") for i in range(40)]
    training, validation = split_off(examples, share, seed)
    assert not {e.article for e in training} & {e.article for e in validation}
    assert sorted(e.id for e in training + validation) == sorted(e.id for e in examples)


@given(st.integers(2, 9), st.integers(0, 5))
def test_each_article_is_held_out_in_one_fold(folds: int, seed: int) -> None:
    examples = [example(str(i), f"a mill {i}", "mill", f"article {i % 7}") for i in range(40)]
    held_out = []
    for fold in range(folds):
        training, validation = hold_out_fold(examples, folds, fold, seed)
        assert not {e.article for e in training} & {e.article for e in validation}
        assert len(training) + len(validation) == 40
        held_out += validation
    assert sorted(e.id for e in held_out) == sorted(e.id for e in examples)


def test_a_fold_is_what_a_recipe_measures_on(tmp_path: Path) -> None:
    train = _squad(tmp_path / "train.json", 20, "Town")
    held_out = set()
    for fold in range(3):
        prepared = prepare(SQUAD_V2, DataConfig(train=[train], folds=3, fold=fold), 0)
        assert prepared.validation is not None
        found = {each.article for each in prepared.validation}
        assert not found & {each.article for each in prepared.training}
        assert not found & held_out
        held_out |= found
    assert held_out == {f"Town{number}" for number in range(20)}
    with pytest.raises(UserError, match=r"data.folds = 1000: only 20 of the parts"):
        prepare(SQUAD_V2, DataConfig(train=[train], folds=1000, fold=7), 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"folds": 3}, "go together"),
        ({"fold": 0}, "go together"),
        ({"folds": 3, "fold": 3}, "fold = 3: counts from 0 to 2"),
        ({"folds": 3, "fold": 0, "validation_share": 0.1}, "leave validation_share out"),
        ({"folds": 3, "fold": 0, "validation": ["dev.json"]}, "leave validation out"),
    ],
)
def test_folds_that_mean_nothing_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        DataConfig.check({"train": ["train.json"], **values}, "recipe")


def test_the_split_does_not_move_when_articles_are_added() -> None:
    few = [example(str(i), f"a mill {i}", "mill", f"article {i}") for i in range(30)]
    more = [*few, example("new", "a mill again", "mill", "another")]
    before = {e.id for e in split_off(few, 0.3, 1)[1]}
    after = {e.id for e in split_off(more, 0.3, 1)[1]}
    assert after - {"new"} == before
    assert 0 < len(before) < 30


def test_made_questions_have_no_answer_in_their_text_and_repeat_by_seed() -> None:
    examples = [
        example(f"{a}-{p}", f"paragraph {p} of {a} names town{p} and hill{a}", f"town{p}", f"{a}")
        for a in range(5)
        for p in range(6)
    ]
    made = add_unanswerable(examples, 0.5, seed=3)[len(examples) :]
    by_id = {e.id: e for e in examples}
    assert len(made) == 15
    for each in made:
        source = by_id[each.id.removesuffix("-unanswerable")]
        assert each.impossible
        assert not each.answers
        assert source.answers[0].text not in each.context
        assert each.context.split()[3] == source.article  # near: of the same article
    assert made == add_unanswerable(examples, 0.5, seed=3)[len(examples) :]
    assert made != add_unanswerable(examples, 0.5, seed=4)[len(examples) :]


def test_altered_questions_exchange_one_thing_that_their_paragraph_lacks() -> None:
    towns = ["Arles", "Bonn", "Cork", "Delft", "Essen", "Ghent"]
    examples = [
        SpanExample(
            str(number),
            f"What did {town} build in {1900 + number}?",
            f"In {1900 + number} the town of {town} built a mill.",
            (AnswerSpan("a mill", len(f"In {1900 + number} the town of {town} built ")),),
            article="towns",
        )
        for number, town in enumerate(towns)
    ]
    by_id = {example.id: example for example in examples}
    altered = 0
    for made in add_unanswerable(examples, 1.0, seed=0)[len(examples) :]:
        source = by_id[made.id.removesuffix("-unanswerable")]
        changed = [
            (old, new)
            for old, new in zip(source.question.split(), made.question.split(), strict=True)
            if old != new
        ]
        if changed:
            altered += 1
            assert len(changed) == 1
            assert made.context == source.context
            assert changed[0][1].rstrip("?") not in source.context
    assert altered == 2  # every third, beginning with the first; no other paragraph lacks a mill


def test_altered_questions_take_the_opposite_of_a_word() -> None:
    context = "The first mill stood by the river, the last one by the lake."
    asked = SpanExample("q", "where was the first mill", context, (AnswerSpan("the river", 24),))
    made = [
        add_unanswerable([asked], 1.0, seed)[1:] for seed in range(20)
    ]  # a word is exchanged in half of the tries; nothing else can be made of one paragraph
    questions = {example.question for each in made for example in each}
    assert questions == {"where was the last mill"}


def test_the_answer_that_most_agree_with_is_trained_on() -> None:
    texts = ["a consensus of all who were there", "consensus", "a consensus", "who"]
    context = "In a consensus of all who were there"
    spans = tuple(AnswerSpan(text, context.index(text)) for text in texts)
    assert SpanExample("q", "?", context, spans).agreed_answer.text == "consensus"
    assert SpanExample("q", "?", context, spans[::-1]).agreed_answer.text == "a consensus"
    assert SpanExample("q", "?", context, spans[3:]).agreed_answer.text == "who"


def _squad(path: Path, count: int, prefix: str) -> str:
    articles = []
    for number in range(count):
        name = f"{prefix}{number}"
        context = f"In {name} the mill number {number} stands beside lake {number}."
        asked = tiny.question(name, "Beside what?", f"lake {number}", context.index("lake"))
        articles += tiny.squad(tiny.paragraph(context, asked), title=name)["data"]
    path.write_text(json.dumps({"version": "v1.1", "data": articles}), encoding="utf-8")
    return str(path)


def test_preparing_says_what_it_did(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train = _squad(tmp_path / "train.json", 20, "Town")
    held = _squad(tmp_path / "held.json", 3, "Town")
    config = DataConfig(train=[train], held_out=[held], validation_share=0.3, unanswerable=0.5)
    prepared = prepare(SQUAD_V2, config, 0)
    assert prepared.validation is not None
    held_out = {f"Town{i}" for i in range(3)}
    for part in (prepared.training, prepared.validation):
        assert not held_out & {e.article for e in part}
        assert any(e.impossible for e in part)
    said = [each.getMessage() for each in caplog.records]
    assert "3 examples dropped with 3 texts" in said[0]
    assert "without an answer" in said[-1]


def test_long_contexts_and_long_answers_are_left_out_of_training_only(tmp_path: Path) -> None:
    train = _squad(tmp_path / "train.json", 20, "Town")  # from the tenth on, all is longer
    limits = {"longest_context": len("In Town9 the mill number 9 stands beside lake 9.")}
    for config in (limits, {"longest_answer": len("lake 9")}):
        both = DataConfig(train=[train], validation=[train], **config)
        prepared = prepare(SQUAD_V2, both, 0)
        assert [e.id for e in prepared.training] == [f"Town{i}" for i in range(10)]
        assert prepared.validation is not None
        assert len(prepared.validation) == 20


def test_nothing_left_to_train_on_is_reported(tmp_path: Path) -> None:
    train = _squad(tmp_path / "train.json", 2, "Town")
    with pytest.raises(UserError, match="no example is left"):
        prepare(SQUAD_V2, DataConfig(train=[train], held_out=[train]), 0)


def test_a_folder_stands_for_its_training_files_and_those_of_validation(tmp_path: Path) -> None:
    folder = tmp_path / "glue" / "RTE"
    folder.mkdir(parents=True)
    head = "index\tsentence1\tsentence2\tlabel\n"
    (folder / "train.tsv").write_text(head + "0\tLearn this.\tThis.\tentailment\n")
    (folder / "dev.tsv").write_text(head + "0\tMeasure this.\tThis.\tnot_entailment\n")
    config = DataConfig(train=[str(tmp_path / "glue")], validation=[str(folder)])
    found = prepare(find_task("rte"), config, 0)
    assert [each.text_a for each in found.training] == ["Learn this."]
    assert found.validation is not None
    assert [each.text_a for each in found.validation] == ["Measure this."]
