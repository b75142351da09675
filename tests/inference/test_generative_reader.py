"""Writing answers, over a network that copies what follows a mark."""

from typing import Any

import pytest

import tiny
from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference import generative_reader
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.generative_reader import GenerativeReader, _ranked
from headwater.inference.text_generator import GeneratedText, TextGenerator
from headwater.models.t5.network import T5
from headwater.tasks import squad
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2
from headwater.text import long_text
from headwater.text.vocabulary import Vocabulary


class WithEnd:
    """A vocabulary that ends texts with its last special token."""

    def __init__(self, inner: Vocabulary) -> None:
        self._inner = inner
        self.eos_id = inner.sep_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture
def writer(words: Vocabulary) -> TextGenerator:
    sizes = {"vocab_size": words.size, "d_model": 32, "d_ff": 64, "num_heads": 4, "num_layers": 1}
    network = tiny.t5(**sizes, tie_word_embeddings=False)
    assert isinstance(network, T5)
    for weight in network.parameters():
        weight.data *= 2.5
    return TextGenerator(network.eval(), WithEnd(words), tokens=200)  # type: ignore[arg-type]


def test_texts_come_in_order_whatever_the_batches(writer: TextGenerator) -> None:
    inputs = [f"{'old red ' * (n % 7)}bob {n}" for n in range(300)]
    config = GenerationConfig(max_new_tokens=5)
    together = [texts[0].text for texts in writer.generate(inputs, config)]
    alone = [next(writer.generate([text], config))[0].text for text in inputs[:20]]
    assert together[:20] == alone
    assert len(together) == 300 and len(set(together)) > 20


def test_draws_do_not_depend_on_the_batches(writer: TextGenerator, words: Vocabulary) -> None:
    inputs = [f"bob {'it ' * (n % 5)}{n}" for n in range(40)]
    config = GenerationConfig(max_new_tokens=5, do_sample=True, seed=3)
    small = TextGenerator(writer.network, WithEnd(words), tokens=10)  # type: ignore[arg-type]
    drawn = [texts[0].text for texts in writer.generate(inputs, config)]
    assert drawn == [texts[0].text for texts in small.generate(inputs, config)]


def test_top_k_texts_differ(writer: TextGenerator) -> None:
    answers = GenerativeReader(writer, SQUAD_V2, decoding=GenerationConfig(max_new_tokens=4)).ask(
        "who?", "bob won", 3
    )
    assert len({each.text for each in answers}) == len(answers) == 3
    assert [a.score for a in answers] == sorted((a.score for a in answers), reverse=True)
    assert all(0 < each.score <= 1 and each.start is None for each in answers)


def test_so_many_answers_are_refused_that_would_not_fit(writer: TextGenerator) -> None:
    with pytest.raises(UserError, match="top_k = 101: a model that writes gives at most 100"):
        GenerativeReader(writer, SQUAD_V2).ask("who?", "bob won", 101)


def test_prediction_equals_asking(writer: TextGenerator) -> None:
    reader = GenerativeReader(writer, SQUAD_V2, decoding=GenerationConfig(max_new_tokens=4))
    pairs = [("who won?", "bob won"), ("what is red?", "the old red it"), ("who?", "eve")]
    examples = [SpanExample(str(n), *pair, ()) for n, pair in enumerate(pairs)]
    predictions = list(reader(examples))
    assert [each.text for each in predictions] == [reader.ask(*pair)[0].text for pair in pairs]
    assert all(each.no_answer_probability is None for each in predictions)


def test_windows_cover_a_long_context(writer: TextGenerator) -> None:
    reader = GenerativeReader(writer, SQUAD_V2, max_inputs=60)
    names = [f"{n} bob" for n in range(100)]
    windows = list(reader._windows(SpanExample("q", "who?", " ".join(names), ())))
    assert len(windows) > 5
    assert all(any(name in text for text in windows) for name in names)
    for text in windows:
        assert text.startswith("question: who? context: ")
        assert len(writer.vocabulary.encode(text)) + 1 <= 60
    short = SpanExample("q", "who?", "bob", ())
    assert list(reader._windows(short)) == ["question: who? context: bob"]


@pytest.mark.parametrize("count", [1, 5, 20, 40, 41, 60, 61, 62, 63, 64, 65, 66, 200])
def test_a_long_context_is_read_by_and_by(
    writer: TextGenerator, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = GenerationConfig(max_new_tokens=4)
    reader = GenerativeReader(writer, SQUAD_V2, max_inputs=60, decoding=config)
    example = SpanExample("q", "who?", "  bob won and  " * count, ())
    whole = list(reader._windows(example))
    answers = reader.ask("who?", {"a": example.context, "b": "eve left"}, 2)
    monkeypatch.setattr(long_text, "CHUNK", 200)
    monkeypatch.setattr(generative_reader, "KEPT", 3)
    assert list(reader._windows(example)) == whole
    assert reader.ask("who?", {"a": example.context, "b": "eve left"}, 2) == answers


def test_an_empty_window_does_not_speak_for_the_others() -> None:
    empty, some = GeneratedText("", -0.01), GeneratedText("bob", -2.0)
    assert _ranked([[empty], [some]])[0] == some
    assert _ranked([[empty], [empty]]) == [empty]
    assert _ranked([[empty, some]])[0] == empty  # one window: the likeliest
    assert _ranked([[GeneratedText("bob", -3.0)], [some]]) == [some]


def test_the_word_for_no_answer_is_none(writer: TextGenerator) -> None:
    reader = GenerativeReader(writer, SQUAD_V2)
    example = SpanExample("q", "who?", "bob won", ())
    said = [GeneratedText("unanswerable", -0.1), GeneratedText("bob", -2.0)]
    assert reader._read(said, example) == [GeneratedText("", -0.1), said[1]]


@pytest.mark.parametrize("beams", [1, 3])
def test_where_all_have_answers_one_is_written(
    writer: TextGenerator, beams: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = GenerationConfig(max_new_tokens=2, num_beams=beams)
    examples = [SpanExample(str(n), "who?", f"bob won {n}", ()) for n in range(12)]
    told = GenerativeReader(writer, SQUAD_V2, decoding=config)
    said = [each.text for each in told(examples)]
    word = max(said, key=said.count)
    assert 0 < said.count(word) < len(said)
    monkeypatch.setattr(squad, "NO_ANSWER", word)
    nulls = [each.answers[0].no_answer for each in told(examples)]
    assert nulls == [each == word for each in said]
    first = writer.vocabulary.encode(word).ids[0]
    answers = GenerativeReader(writer, SQUAD_V1, decoding=config)(examples)
    for text, each in zip(said, answers, strict=True):
        assert each.text == each.answers[0].text
        assert (each.text == text) == (text != word)
        if text == word and beams == 1:
            assert first not in writer.vocabulary.encode(each.text).ids


def test_closed_book_and_sources(writer: TextGenerator) -> None:
    reader = GenerativeReader(writer, SQUAD_V2, decoding=GenerationConfig(max_new_tokens=4))
    expected = next(writer.generate(["question: who won?"], GenerationConfig(max_new_tokens=4)))[
        0
    ].text
    assert reader.ask("who won?")[0].text == expected
    answer = reader.ask("who?", {"a": "bob won", "b": "eve left"})[0]
    assert answer.source in ("a", "b")
    for question, context in (("", None), ("who?", {}), ("who?", " ")):
        with pytest.raises(UserError):
            reader.ask(question, context)
