"""The real clients against a server on loopback: every method gets what it expects."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, ValidationError
from huggingface_hub.utils import get_session, hf_raise_for_status

TEXT = "Ada built the mill."
CONTEXT = "Ada built the old mill by the river."


@pytest.fixture
def client(served: str) -> InferenceClient:
    return InferenceClient(base_url=served, token="unused")


def test_question_answering(client: InferenceClient) -> None:
    one = client.question_answering(question="Who built it?", context=CONTEXT)
    assert CONTEXT[one.start : one.end] == one.answer != ""
    several = client.question_answering(question="Who built it?", context=CONTEXT, top_k=2)
    assert several[0].answer == one.answer and len(several) == 2
    none = client.question_answering(
        question="Who?", context=CONTEXT, handle_impossible_answer=True, max_answer_len=5
    )
    assert none.answer == ""


def test_many_at_once_get_what_each_gets_alone(client: InferenceClient) -> None:
    texts = [f"{CONTEXT} {'It is old. ' * number}" for number in range(16)]

    def ask(text: str) -> tuple[str, int, float]:
        found = client.question_answering(question="Who built it?", context=text)
        return found.answer, found.start, round(found.score, 5)

    alone = [ask(text) for text in texts]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(ask, texts))
    assert [each[:2] for each in together] == [each[:2] for each in alone]
    scores = [each[2] for each in alone]
    assert [each[2] for each in together] == pytest.approx(scores, abs=2e-5)


def test_texts_of_many_at_once_are_those_of_each_alone(
    client: InferenceClient, served: str
) -> None:
    prompts = ["the spring", "the", "a mill by the river", "old"]
    drawn = {"do_sample": True, "temperature": 2.0, "max_new_tokens": 12}

    def ask(number: int) -> str:
        given = {"model": f"{served}/models/{'t5' if number % 3 == 0 else 'gpt'}", "seed": number}
        prompt = prompts[number % 4]
        if number % 2:
            return str(client.text_generation(prompt, **given, **drawn))
        return "".join(client.text_generation(prompt, **given, **drawn, stream=True))

    alone = [ask(number) for number in range(12)]
    assert len(set(alone)) > 8
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, range(12))) == alone
    body = {"model": "gpt", "prompt": prompts, "max_tokens": 6, "temperature": 1.5, "seed": 4}
    listed = get_session().post(f"{served}/v1/completions", json=body).json()
    again = get_session().post(f"{served}/v1/completions", json=body).json()
    assert listed["choices"] == again["choices"] and len(listed["choices"]) == 4
    first = get_session().post(f"{served}/v1/completions", json={**body, "prompt": "the spring"})
    assert first.json()["choices"][0] == listed["choices"][0]


def test_a_client_that_leaves_ends_its_text(client: InferenceClient, served: str) -> None:
    def dropped() -> float:
        page = get_session().get(f"{served}/metrics").text
        return float(re.findall(r"^headwater_dropped_total (.*)$", page, re.MULTILINE)[0])

    before = dropped()
    gpt = f"{served}/models/gpt"
    with get_session().stream(
        "POST",
        gpt,
        json={"inputs": "the spring", "stream": True, "parameters": {"max_new_tokens": 60}},
    ) as answer:
        assert next(answer.iter_lines()).startswith("data:")
    deadline = time.monotonic() + 20
    while dropped() == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert dropped() == before + 1
    assert len(client.text_generation("the spring", model=gpt, max_new_tokens=2)) > 0


def test_labels_and_tags(client: InferenceClient, served: str) -> None:
    tagged = client.token_classification(TEXT, aggregation_strategy="first")
    assert all(TEXT[each.start : each.end].strip() for each in tagged)
    tagger = f"{served}/models/tagger"
    assert client.token_classification(TEXT, model=tagger) is not None
    url = f"{served}/models/classifier"
    labels = client.text_classification(TEXT, model=url)
    assert {each.label for each in labels} == {"bad", "good", "neither"}
    assert len(client.text_classification(TEXT, model=url, top_k=1)) == 1
    found = client.zero_shot_classification(TEXT, ["river", "mill"], multi_label=True)
    assert sorted(each.label for each in found) == ["mill", "river"]
    filled = client.fill_mask("the [MASK] is old", model=f"{served}/models/filler", top_k=3)
    assert len(filled) == 3 and filled[0].sequence == f"the {filled[0].token_str} is old"


def test_vectors(client: InferenceClient) -> None:
    [vector] = client.feature_extraction(TEXT, normalize=True)
    assert vector.shape == (16,) and np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    similar = client.sentence_similarity(TEXT, other_sentences=[TEXT, "the river"])
    assert similar[0] == pytest.approx(1, abs=1e-5) and len(similar) == 2


def test_embed(served: str) -> None:
    def embed(**body: object) -> list[list[float]]:
        found: list[list[float]] = get_session().post(f"{served}/embed", json=body).json()
        return found

    [one], two = embed(inputs=TEXT), embed(inputs=[TEXT, "the river"])
    assert len(two) == 2 and two[0] == pytest.approx(one, abs=1e-5)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert embed(inputs=TEXT, normalize=None) == [one]
    assert np.linalg.norm(embed(inputs=TEXT, normalize=False)[0]) != pytest.approx(1, abs=1e-3)


def test_written_texts(client: InferenceClient, served: str) -> None:
    url = f"{served}/models/t5/pipeline"
    options = {"max_new_tokens": 4}
    summary = client.summarization(
        TEXT, model=f"{url}/summarization", generate_parameters=options, truncation="only_first"
    )
    assert isinstance(summary.summary_text, str)
    translated = client.translation(
        TEXT, model=f"{url}/translation", src_lang="en", tgt_lang="de", generate_parameters=options
    )
    assert isinstance(translated.translation_text, str)


def test_options_of_generation_stand_beside_the_others_too(served: str) -> None:
    body = {"inputs": TEXT, "parameters": {"max_length": 4, "min_length": 2}}
    named = get_session().post(f"{served}/models/t5/pipeline/summarization", json=body).json()
    assert list(named[0]) == ["summary_text"]
    alone = get_session().post(f"{served}/models/t5", json=body).json()
    assert alone == [{"generated_text": named[0]["summary_text"]}]
    body["parameters"]["max_lenght"] = 3
    wrong = get_session().post(f"{served}/models/t5", json=body)
    assert wrong.status_code == 422 and "max_lenght" in wrong.json()["error"]


def test_text_generation(client: InferenceClient, served: str) -> None:
    gpt = f"{served}/models/gpt"
    text = client.text_generation("the spring", model=gpt, max_new_tokens=4)
    whole = client.text_generation(
        "the spring", model=gpt, max_new_tokens=4, return_full_text=True, details=True
    )
    assert whole.generated_text == f"the spring{text}"
    assert whole.details.finish_reason == "length" and len(whole.details.tokens) == 4
    parts = list(client.text_generation("the spring", model=gpt, max_new_tokens=4, stream=True))
    assert "".join(parts) == text
    events = list(
        client.text_generation(
            "the spring", model=gpt, max_new_tokens=4, stream=True, details=True, seed=1, top_k=3
        )
    )
    assert events[-1].details.generated_tokens == 4 and events[-1].details.input_length == 2
    with pytest.raises(ValidationError, match="more than the 64"):
        client.text_generation("the spring", model=gpt, max_new_tokens=400)
    with pytest.raises(ValidationError, match="watermark"):
        client.text_generation("the spring", model=gpt, watermark=True)


def test_errors_are_those_that_the_client_maps(client: InferenceClient, served: str) -> None:
    with pytest.raises(HfHubHTTPError, match="the text is empty") as failure:
        client.question_answering(question="Who?", context=" ")
    assert failure.value.response.status_code == 422
    with pytest.raises(HfHubHTTPError) as failure:
        client.fill_mask(TEXT, model=f"{served}/models/nobody")
    assert failure.value.response.status_code == 404
    with pytest.raises(BadRequestError, match="not JSON that can be read"):
        hf_raise_for_status(get_session().post(served, content=b"{"))


def test_openai(served: str) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=f"{served}/v1", api_key="unused", max_retries=0) as client:
        names = [each.id for each in client.models.list()]
        assert "gpt" in names and "encoder" in names
        coded = client.embeddings.create(model="encoder", input=[TEXT, TEXT])
        plain = client.embeddings.create(
            model="encoder", input=TEXT, encoding_format="float", dimensions=4
        )
        assert len(coded.data) == 2 and len(coded.data[0].embedding) == 16
        assert len(plain.data[0].embedding) == 4 and plain.usage.prompt_tokens > 0
        given = {"model": "gpt", "prompt": "the spring", "max_tokens": 5, "temperature": 0}
        text = client.completions.create(**given).choices[0]
        assert text.finish_reason == "length"
        parts = [part.choices[0].text for part in client.completions.create(**given, stream=True)]
        assert "".join(parts) == text.text
        first = text.text.split()[0]
        stopped = client.completions.create(**given, stop=[first])
        assert first not in stopped.choices[0].text
        assert stopped.choices[0].finish_reason == "stop"
        with pytest.raises(openai.UnprocessableEntityError, match="does not do"):
            client.completions.create(**{**given, "model": "tagger"})
        with pytest.raises(openai.NotFoundError, match="no model 'nobody'"):
            client.embeddings.create(model="nobody", input="a")
