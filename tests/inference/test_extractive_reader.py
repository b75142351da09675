"""The span reader over a network that finds given words."""

import math
import random
import tracemalloc
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from headwater.data.config import SpanConfig
from headwater.data.example import SpanExample
from headwater.errors import UserError
from headwater.inference import extractive_reader
from headwater.inference.batches import batches
from headwater.inference.extractive_reader import ExtractiveReader
from headwater.inference.temperatures import Temperatures
from headwater.text import long_text
from headwater.text.vocabulary import Vocabulary

SHORT = SpanConfig(max_length=24, max_query_length=8, max_answer_length=4)


def make_reader(
    kind: Any, words: Vocabulary, null: float = -3.0, **options: Any
) -> ExtractiveReader:
    scores = {words.id_of("bob"): 3.0, words.id_of("eve"): 2.0, words.id_of("zed"): 1.0}
    return ExtractiveReader(kind(scores, null), words, SHORT, **options)


def test_answers_have_their_offsets_and_sentence(finder_type: Any, words: Vocabulary) -> None:
    context = "It was old. Bob won there! Eve left."
    answers = make_reader(finder_type, words).ask("Who won?", context, top_k=2)
    assert [each.text for each in answers] == ["Bob", "Eve"]
    first = answers[0]
    assert (first.start, first.end) == (12, 15) and first.sentence == "Bob won there!"
    assert first.source is None and not first.no_answer
    assert answers[0].score > answers[1].score > 0


def test_the_best_over_the_windows_of_a_long_text(finder_type: Any, words: Vocabulary) -> None:
    context = "eve left " + "it was old and red " * 200 + "bob won " + "the old " * 300
    answer = make_reader(finder_type, words).ask("who?", context)[0]
    assert answer.start is not None and context[answer.start : answer.end] == "bob"


def test_top_k_is_always_reached_when_the_text_has_so_many(
    finder_type: Any, words: Vocabulary
) -> None:
    context = "bob eve zed red old here there"
    reader = make_reader(finder_type, words)
    alone = reader.ask("who?", context)[0]
    for wanted in (1, 3, 100):
        answers = reader.ask("who?", context, top_k=wanted)
        assert answers[0] == alone  # its score too does not depend on how many are shown
        assert 3 <= len(answers) <= 7 or wanted == len(answers) == 1
        offsets = sorted((each.start, each.end) for each in answers)
        assert all(one[1] <= other[0] for one, other in pairwise(offsets))
        assert [a.score for a in answers] == sorted((a.score for a in answers), reverse=True)
    assert [each.text for each in answers[:3]] == ["bob", "eve", "zed"]


def test_a_question_that_is_cut_is_reported(finder_type: Any, words: Vocabulary) -> None:
    reader = make_reader(finder_type, words)  # reads 8 tokens of a question
    assert reader.unread("who won it ?") == 0
    assert reader.unread("old " * 11) == 3


def test_one_question_over_several_texts_names_the_source(
    finder_type: Any, words: Vocabulary
) -> None:
    texts = {"a.txt": "eve left", "b.txt": "  ", "c.txt": "it was bob", "d.txt": "zed"}
    for threshold in (None, 0.0):
        answers = make_reader(finder_type, words, threshold=threshold).ask("who?", texts, top_k=3)
        assert (answers[0].text, answers[0].source) == ("bob", "c.txt")
        assert (answers[1].text, answers[1].source) == ("eve", "a.txt")


def test_no_answer_wins_exactly_beyond_the_threshold(finder_type: Any, words: Vocabulary) -> None:
    # The best span scores 2 x 3, "no answer" 2 x 4: the margin is 2.
    for threshold, silent in ((1.9, True), (2.0, False), (2.1, False)):
        reader = make_reader(finder_type, words, null=4.0, threshold=threshold)
        example = SpanExample("q", "who?", "bob won", ())
        prediction = next(reader.predict([example], top_k=2))
        assert prediction.no_answer_margin == pytest.approx(2.0)
        assert prediction.best_span == "bob"
        assert prediction.answers[0].no_answer is silent
        assert (prediction.text == "") is silent
        assert prediction.no_answer_probability is not None
        assert (prediction.no_answer_probability > 0.5) is silent
        assert len(prediction.answers) == 1 + silent  # "won" has a probability of 1e-6
        scores = [each.score for each in prediction.answers]
        assert scores[0] >= scores[-1] - 1e-12


def test_the_same_text_from_three_places_is_one_answer(finder_type: Any, words: Vocabulary) -> None:
    texts = {"a.txt": "bob won. eve left. Bob is old.", "b.txt": "it was BOB", "c.txt": "zed"}
    reader = make_reader(finder_type, words)
    for top_k in (1, 2):
        bob = reader.ask("who?", texts, top_k)[0]
        assert (bob.text, bob.start, bob.source) == ("bob", 0, "a.txt")
        found = [(each.source, each.start, each.sentence) for each in bob.places]
        assert found == [
            ("a.txt", 0, "bob won. eve left."),
            ("a.txt", 19, "Bob is old."),
            ("b.txt", 7, "it was BOB"),
        ]
        assert bob.score == pytest.approx(sum(each.score for each in bob.places))
        assert bob.score == pytest.approx(3 * bob.places[0].score)
        assert bob.to_dict()["places"][2]["source"] == "b.txt"
    assert [each.text for each in reader.ask("who?", texts, 9)] == ["bob", "eve", "zed"]


def test_several_likely_places_win_over_one_that_is_likelier(
    finder_type: Any, words: Vocabulary
) -> None:
    text = "bob won and " + "eve left and " * 8
    answers = make_reader(finder_type, words).ask("who?", text, 2)
    assert [each.text for each in answers] == ["eve", "bob"]  # 8 e^4 > e^6
    assert [len(each.places) for each in answers] == [8, 1]
    ratio = math.exp(6) / (8 * math.exp(4))
    assert answers[1].score / answers[0].score == pytest.approx(ratio, 1e-3)


@pytest.mark.parametrize(("spans", "no_answer"), [(1.0, 1.0), (0.5, 3.0)])
def test_a_score_is_that_among_the_spans_times_that_of_an_answer(
    finder_type: Any, words: Vocabulary, spans: float, no_answer: float
) -> None:
    temperatures = Temperatures(spans=spans, no_answer=no_answer)
    example = SpanExample("q", "who?", "bob won and eve left", ())
    plain = make_reader(finder_type, words, threshold=2.0, null=3.0)
    margin = next(plain.predict([example])).no_answer_margin
    assert margin is not None and margin < 2.0
    reader = make_reader(finder_type, words, threshold=2.0, null=3.0, temperatures=temperatures)
    found = next(reader.predict([example], 2))
    doubt = 1 / (1 + math.exp((2.0 - margin) / no_answer))
    assert found.no_answer_probability == pytest.approx(doubt)
    always = make_reader(finder_type, words, null=3.0, temperatures=temperatures)
    among = [each.score for each in next(always.predict([example], 2)).answers]
    assert [each.score for each in found.answers] == pytest.approx([(1 - doubt) * s for s in among])
    assert among[1] / among[0] == pytest.approx(math.exp(-2 / spans), 1e-3)  # e^6 and e^4
    silent = make_reader(finder_type, words, threshold=-50.0, null=3.0, temperatures=temperatures)
    none = next(silent.predict([example])).answers[0]
    assert none.no_answer
    assert none.score == pytest.approx(1 / (1 + math.exp((-50.0 - margin) / no_answer)))


def test_a_text_is_read_by_and_by(
    finder_type: Any, words: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extractive_reader, "BATCHES", 1)
    monkeypatch.setattr(long_text, "CHUNK", 200)
    chance = random.Random(0)
    names = ["bob", "eve", "zed", "the old", "it was", "red"]
    texts = {str(n): " ".join(chance.choices(names, k=n * 40)) for n in range(9)}
    for threshold in (None, 0.0):
        reader = make_reader(finder_type, words, threshold=threshold, tokens=50)
        for name, text in texts.items():
            if text:
                example = SpanExample(name, "who won?", text, ())
                whole = next(reader.predict([example], 3)).answers
                assert reader.ask("who won?", text, 3) == list(whole)


def test_texts_are_taken_one_by_one(finder_type: Any, words: Vocabulary) -> None:
    taken: list[str] = []

    class Texts(Mapping[str, str]):
        def __getitem__(self, name: str) -> str:
            taken.append(name)
            return f"bob {name}"

        def __iter__(self) -> Iterator[str]:
            for number in range(1000):
                assert len(taken) == number
                yield str(number)

        def __len__(self) -> int:
            return 1000

    answer = make_reader(finder_type, words).ask("who?", Texts())[0]
    assert len(answer.places) == 1000 == len(taken)


def test_what_stands_above_a_text_is_read_and_is_no_answer(
    finder_type: Any, words: Vocabulary
) -> None:
    reader = make_reader(finder_type, words)
    texts = ["It was old. Eve left.", "zed won " * 30]
    first, second = reader.choices("Who?", texts, 2, ["Bob > Bob", ""])
    assert [(each.text, each.start) for each in first.apart] == [("Eve", 12), ("It", 0)]
    assert (second.candidates[0].text, second.candidates[0].start) == ("zed", 0)
    assert reader.choices("Who?", texts[1:]) == reader.choices("Who?", texts[1:], 1, [""])


def test_without_threshold_there_is_always_an_answer(finder_type: Any, words: Vocabulary) -> None:
    reader = make_reader(finder_type, words, null=100.0)
    prediction = next(reader.predict([SpanExample("q", "who?", "the zed", ())]))
    assert prediction.text == "zed" and prediction.no_answer_probability is None
    assert prediction.answers[0].score == pytest.approx(1.0, abs=1e-4)


def test_a_text_without_tokens_has_no_answer(finder_type: Any, words: Vocabulary) -> None:
    for threshold in (None, 0.0):
        reader = make_reader(finder_type, words, threshold=threshold)
        prediction = next(reader.predict([SpanExample("q", "who?", "\u200b", ())]))
        assert prediction.text == "" and prediction.answers[0].no_answer
        assert prediction.no_answer_margin == float("inf")


@pytest.mark.parametrize(
    ("question", "context", "top_k"),
    [("", "bob", 1), (" \n", "bob", 1), ("who?", "", 1), ("who?", " \t", 1), ("who?", {}, 1),
     ("who?", {"a": ""}, 1), ("who?", "bob", 0)],
)  # fmt: skip
def test_empty_input_is_refused(
    finder_type: Any, words: Vocabulary, question: str, context: Any, top_k: int
) -> None:
    with pytest.raises(UserError):
        make_reader(finder_type, words).ask(question, context, top_k)


def test_predictions_come_in_order_and_in_bounded_batches(
    finder_type: Any, words: Vocabulary
) -> None:
    chance = random.Random(0)
    names = ("bob", "eve", "zed")
    truth = [chance.choice(names) for _ in range(1100)]
    read = 0

    def examples() -> Iterator[SpanExample]:
        nonlocal read
        for number, name in enumerate(truth):
            read += 1
            padding = "the old " * chance.randrange(30)
            yield SpanExample(str(number), "who won?", f"{padding}{name} {padding}", ())

    reader = make_reader(finder_type, words, tokens=480)
    found = []
    for prediction in reader(examples()):
        found.append(prediction.text)
        assert read <= len(found) + 512  # no further than a chunk ahead
    assert found == truth
    assert reader.network.most_cells <= 480  # type: ignore[operator]


def test_the_network_is_put_back_into_training(finder_type: Any, words: Vocabulary) -> None:
    reader = make_reader(finder_type, words)
    reader.network.train()
    reader.ask("who?", "bob")
    assert reader.network.training
    assert reader.network.modes == {False}


def test_batches_hold_every_feature_once_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    plan = list(batches(lengths, 200))
    assert sorted(np.concatenate(plan).tolist()) == list(range(500))
    assert all(len(rows) * lengths[rows].max() <= 200 for rows in plan)
    cells = sum(len(rows) * lengths[rows].max() for rows in plan)
    assert cells < 1.03 * lengths.sum()


def test_a_batch_ends_where_its_padding_costs_more_than_another_one() -> None:
    lengths = np.array([90, 30, 100, 95, 31])
    assert [rows.tolist() for rows in batches(lengths, 1000)] == [[2, 3, 0, 4, 1]]
    assert [rows.tolist() for rows in batches(lengths, 1000, 15)] == [[2, 3, 0], [4, 1]]
    assert [rows.tolist() for rows in batches(lengths, 1000, 0)] == [[2], [3], [0], [4], [1]]


def test_a_feature_longer_than_the_budget_stands_alone() -> None:
    assert [rows.tolist() for rows in batches(np.array([5, 100, 3]), 10)] == [[1], [0, 2]]


def test_the_memory_hardly_grows_with_the_text(
    finder_type: Any, words: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extractive_reader, "BATCHES", 2)
    scores = {words.id_of("bob"): 3.0}
    config = SpanConfig(max_query_length=8, max_answer_length=4, n_best=5)
    reader = ExtractiveReader(finder_type(scores, -3.0), words, config, threshold=0.0)
    line = "it was old and red and bob won what is left there . "
    peaks = []
    for size in (120_000, 360_000):
        text = line * (size // len(line))
        tracemalloc.start()
        answer = reader.ask("who won?", text, 2)[0]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert answer.text == "bob"
    assert peaks[1] - peaks[0] < 1_000_000, peaks  # the scores of all spans are 30 MB


@pytest.mark.gpu
def test_gpu_answers_like_the_cpu(words: Vocabulary) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU")
    network = tiny.bert("span", vocab_size=words.size)
    context = "it was the old red bob and eve left there in a " * 20
    on_cpu = ExtractiveReader(network, words, SHORT, precision=torch.float32).ask(
        "who?", context, 3
    )
    network.cuda()
    on_gpu = ExtractiveReader(network, words, SHORT, precision=torch.float32).ask(
        "who?", context, 3
    )
    assert [(a.start, a.end) for a in on_cpu] == [(a.start, a.end) for a in on_gpu]
