"""What each pipeline takes and gives, over tiny models of random weights."""

from typing import Any

import pytest

from headwater.data.config import MOST_SPECIAL_TOKENS, SpanConfig
from headwater.errors import UserError
from headwater.inference.token_stream import TokenStream
from headwater.pipelines.names import NAMES, tasks_of
from headwater.pipelines.pipeline import pipeline
from headwater.pipelines.question_answering import QuestionOptions
from tiny_tasks import Model

CONTEXT = "Ada built the old mill by the river. " * 6
TEXT = "Ada built the mill."


def test_question_answering(tiny_model: Model) -> None:
    ask = pipeline("question-answering", tiny_model("reader"))
    one = ask(question="Who built the mill?", context=CONTEXT)
    assert set(one) == {"score", "start", "end", "answer"} and 0 <= one["score"] <= 1
    assert CONTEXT[one["start"] : one["end"]] == one["answer"] != ""
    assert [one, one] == ask(question=["Who built the mill?"] * 2, context=CONTEXT)
    several = ask({"question": "Who?", "context": CONTEXT}, top_k=3)
    assert [each["score"] for each in several] == sorted(
        (e["score"] for e in several), reverse=True
    )
    cut = ask(question="Who?", context="Ada built windmills.", align_to_words=True, top_k=9)
    for each in cut:  # no word is cut
        around = " Ada built windmills. "[each["start"] :][: len(each["answer"]) + 2]
        assert not around[:1].isalnum() or not around[1:2].isalnum()
    short = ask(question="Who?", context=CONTEXT, max_answer_len=1, align_to_words=False)
    assert len(short["answer"].split()) == 1
    none = ask(question="Who?", context=CONTEXT, handle_impossible_answer=True)
    assert (none["answer"], none["start"], none["end"]) == ("", 0, 0) and none["score"] > 0.5


def test_question_answering_windows_share_what_was_asked_for(tiny_model: Model) -> None:
    ask = pipeline("question-answering", tiny_model("reader"))
    given = {"question": "Who?", "context": CONTEXT, "max_seq_len": 40, "max_question_len": 8}
    scores = {stride: ask(**given, doc_stride=stride)["score"] for stride in (2, 16)}
    assert scores[2] != scores[16]  # other windows, other scores
    most = ask(**given, doc_stride=3 * (40 - 8 - MOST_SPECIAL_TOKENS) // 4)["score"]
    assert ask(**given, doc_stride=10**9)["score"] == most  # and no window for each token
    with pytest.raises(UserError, match="max_length = 9"):
        ask(**{**given, "max_seq_len": 9})


@pytest.mark.parametrize(
    "options",
    [{"doc_stride": 10**9}, {"max_answer_len": 10**9}, {"doc_stride": 200, "max_seq_len": 10**9}],
)
def test_windows_overlap_by_three_quarters_at_most(options: dict[str, int]) -> None:
    asked, usual = QuestionOptions.check(options, "test"), SpanConfig()
    config = asked.windows(usual, 512)
    room = config.max_length - config.max_query_length - MOST_SPECIAL_TOKENS
    assert room // 4 <= config.step(room) <= room - min(200, 3 * room // 4)


def test_token_classification(tiny_model: Model) -> None:
    tag = pipeline("ner", tiny_model("tagger"), ignore_labels=[])
    tokens = tag("Ada built windmills")
    assert [each["index"] for each in tokens] == list(range(1, len(tokens) + 1))
    assert {"entity", "score", "index", "word", "start", "end"} == set(tokens[0])
    for strategy in ("simple", "first", "average", "max"):
        [found] = tag(["Ada built windmills"], aggregation_strategy=strategy)
        assert {"entity_group", "score", "word", "start", "end"} == set(found[0])
        assert [found[0]["start"], found[-1]["end"]] == [0, 19]
        if strategy != "simple":  # a word has one tag
            assert all(each["end"] in (3, 9, 19) for each in found)
    with pytest.raises(UserError, match="pipeline token-classification: aggregation_strategy"):
        tag("Ada", aggregation_strategy="last")


def test_text_classification(tiny_model: Model) -> None:
    classify = pipeline("sentiment-analysis", tiny_model("classifier"))
    [best] = classify(TEXT)
    every = classify(TEXT, top_k=None)
    assert every[0] == best and len(every) == 3
    assert sum(each["score"] for each in every) == pytest.approx(1)
    assert classify([TEXT, TEXT]) == [best, best]
    assert classify([TEXT], top_k=2) == [every[:2]]
    raw = classify(TEXT, top_k=None, function_to_apply="none")
    odds = classify(TEXT, top_k=None, function_to_apply="sigmoid")
    assert [each["label"] for each in raw] == [each["label"] for each in odds]
    assert odds[0]["score"] != best["score"]
    pair = {"text": TEXT, "text_pair": "It is old."}
    assert classify(pair, top_k=None) != every


def test_zero_shot_classification(tiny_model: Model) -> None:
    classify = pipeline("zero-shot-classification", tiny_model("nli"))
    found = classify(TEXT, ["river", "mill"])
    assert found["sequence"] == TEXT and sorted(found["labels"]) == ["mill", "river"]
    assert sum(found["scores"]) == pytest.approx(1)
    for each in classify([TEXT, TEXT], "river, mill"):
        assert each["labels"] == found["labels"]
        assert each["scores"] == pytest.approx(found["scores"], abs=1e-6)
    apart = classify(TEXT, candidate_labels=["river", "mill"], multi_label=True)
    assert sum(apart["scores"]) != pytest.approx(1)
    with pytest.raises(UserError, match="needs a model of entailment"):
        pipeline("zero-shot-classification", tiny_model("classifier"))
    with pytest.raises(UserError, match="where the label goes"):
        classify(TEXT, ["river"], hypothesis_template="It is.")


def test_fill_mask(tiny_model: Model) -> None:
    fill = pipeline("fill-mask", tiny_model("filler"))
    best = fill("the [MASK] is old")
    assert len(best) == 5 and set(best[0]) == {"score", "token", "token_str", "sequence"}
    assert best[0]["sequence"] == f"the {best[0]['token_str']} is old"
    chosen = fill("the [MASK] is old", targets=["mill", "river"])
    assert sorted(each["token_str"] for each in chosen) == ["mill", "river"]
    two = fill("the [MASK] is [MASK]", top_k=2)
    assert [len(each) for each in two] == [2, 2]
    assert two[0][0]["sequence"].split()[2:] == [two[0][0]["token_str"], "is", "[MASK]", "[SEP]"]
    assert two[1][0]["sequence"].split()[2:] == ["[MASK]", "is", two[1][0]["token_str"], "[SEP]"]
    assert fill(["the [MASK] is old"] * 2, top_k=5) == [best, best]
    with pytest.raises(UserError, match="the text has no mask"):
        fill(TEXT)


@pytest.mark.parametrize(
    ("task", "key"),
    [
        ("summarization", "summary_text"),
        ("translation_en_to_de", "translation_text"),
        ("text2text-generation", "generated_text"),
    ],
)
def test_text_to_text(tiny_model: Model, task: str, key: str) -> None:
    write = pipeline(task, tiny_model("t5"), max_new_tokens=4)
    [found] = write(TEXT)
    assert set(found) == {key}
    assert write([TEXT, TEXT]) == [found, found]
    beams = write([TEXT], num_beams=2, num_return_sequences=2)
    assert [len(each) for each in beams] == [2]
    with pytest.raises(UserError, match="src_lang and tgt_lang"):
        write(TEXT, src_lang="en")


def test_a_script_of_version_4_runs_without_a_warning(
    tiny_model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tiny_model("t5").folder
    assert folder is not None
    (found,) = pipeline("summarization", folder, device=-1)("the mill", max_length=3, min_length=1)
    assert set(found) == {"summary_text"} and caplog.text == ""
    with pytest.raises(UserError, match="cuda:99"):
        pipeline("summarization", folder, device=99)


def test_text_generation(tiny_model: Model) -> None:
    write = pipeline("text-generation", tiny_model("gpt"), max_new_tokens=4)
    [found] = write("the spring")
    assert found["generated_text"].startswith("the spring")
    [[new]] = write(["the spring"], return_full_text=False)
    assert found["generated_text"] == f"the spring{new['generated_text']}"
    [full] = write("the spring", details=True)
    assert full["generated_text"] == found["generated_text"]
    assert full["details"]["generated_tokens"] == len(full["details"]["tokens"]) == 4
    assert full["details"]["finish_reason"] == "length"
    first = full["details"]["tokens"][0]["text"]
    [stopped] = write("the spring", stop=[first], details=True, return_full_text=False)
    assert stopped["generated_text"] == first
    assert stopped["details"]["finish_reason"] == "stop_sequence"


@pytest.mark.parametrize("options", [{}, {"do_sample": True, "seed": 3}, {"min_new_tokens": 5}])
@pytest.mark.parametrize("name", ["t5", "gpt"])
def test_a_stream_writes_what_generate_writes(
    tiny_model: Model, name: str, options: dict[str, Any]
) -> None:
    model, given = tiny_model(name), {"max_new_tokens": 6, **options}
    stream = model.stream("the spring", **given)
    assert isinstance(stream, TokenStream)
    parts = [token.text for token in stream]
    assert [stream.text] == model.generate("the spring", **given)
    assert "".join(parts) == stream.text and stream.finish_reason in ("length", "eos_token")


def test_vectors(tiny_model: Model) -> None:
    model = tiny_model("encoder")
    similar = pipeline("sentence-similarity", model)
    found = similar({"source_sentence": TEXT, "sentences": [TEXT, "the river"]})
    assert found[0] == pytest.approx(1) and found[1] < 1
    with pytest.raises(UserError) as failure:
        similar({"source_sentence": TEXT, "sentences": TEXT})
    assert str(failure.value).startswith("inputs.sentences: a list of texts was expected, not ")
    tasks = tasks_of(model)
    assert list(tasks) == ["feature-extraction", "sentence-similarity"]


def test_what_a_model_does(tiny_model: Model) -> None:
    assert next(iter(tasks_of(tiny_model("reader")))) == "question-answering"
    assert list(tasks_of(tiny_model("gpt"))) == ["text-generation"]
    assert "zero-shot-classification" in tasks_of(tiny_model("nli"))
    assert "zero-shot-classification" not in tasks_of(tiny_model("classifier"))
    assert set(NAMES) >= set(tasks_of(tiny_model("t5")))
    with pytest.raises(UserError, match="did you mean 'summarization'"):
        pipeline("summarisation", tiny_model("t5"))
    with pytest.raises(UserError, match="unknown task 'nosuch'"):
        pipeline("nosuch")
    with pytest.raises(UserError, match="give a task, a model, or both"):
        pipeline()
