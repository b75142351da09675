"""What a server refuses, what it says of itself, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from headwater.config import Config
from headwater.documents.index import open_index
from headwater.errors import UserError
from headwater.pipelines.fill_mask import FillOptions
from headwater.pipelines.question_answering import QuestionOptions
from headwater.pipelines.text_generation import GenerationOptions
from headwater.pipelines.text_to_text import TextOptions
from headwater.pipelines.token_classification import TaggingOptions
from headwater.pipelines.zero_shot import ZeroShotOptions
from headwater.serving.application import application
from headwater.serving.bounds import check_sizes, check_work
from headwater.serving.models import Models
from headwater.serving.refusals import Refusal
from headwater.serving.server import listening, serve
from headwater.serving.settings import Settings
from serving_threads import serving

KEY = "s3cret"
CONTEXT = "Ada built the old mill by the river."
QUESTION = {"inputs": {"question": "Who built it?", "context": CONTEXT}}


def call(url: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
    """Send JSON, or bytes as they are; return status, headers and what is answered."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(url, data, {"Content-Type": "application/json", **names})
    try:
        with urlopen(request, timeout=30) as answer:
            status, found, text = answer.status, answer.headers, answer.read()
    except HTTPError as error:
        with error:
            status, found, text = error.code, error.headers, error.read()
    is_json = "json" in found.get("content-type", "")
    return status, found, json.loads(text) if is_json else text.decode()


@pytest.fixture(scope="module")
def address(tiny_models: Callable[..., Models]) -> Iterator[str]:
    """A server with a reader, small limits and a key."""
    settings = Settings(
        port=0,
        api_keys=["other", KEY],
        max_body_bytes=2000,
        max_inputs=3,
        max_characters=500,
        body_seconds=0.5,
    )
    with serving(application(tiny_models("reader"), settings), settings) as found:
        yield found


@pytest.fixture
def ask(address: str) -> Callable[..., tuple[int, Any, Any]]:
    """Send a request with the key."""

    def asked(body: Any = None, path: str = "/", **headers: str) -> tuple[int, Any, Any]:
        return call(address + path, body, **{"Authorization": f"Bearer {KEY}", **headers})

    return asked


def test_keys(address: str) -> None:
    for given in ({}, {"Authorization": "Bearer nope"}, {"Authorization": f"Basic {KEY}"}):
        status, headers, said = call(f"{address}/", QUESTION, **given)
        assert (status, said["error_type"]) == (401, "unauthorized")
        assert headers["www-authenticate"] == "Bearer"
    assert call(f"{address}/metrics")[0] == 401
    for path in ("/livez", "/readyz", "/health"):
        assert call(address + path)[0] == 200
    assert call(f"{address}/", QUESTION, Authorization="bearer other")[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not JSON that can be read"),
        (b"\xff", 400, "it is not UTF-8"),
        (b"[1]", 400, "an object was expected"),
        (b'{"inputs": NaN}', 400, "NaN is no number"),
        (b'{"inputs": "\\ud800"}', 400, "half a character"),
        (b"[" * 1900, 400, "read"),
        (b'{"inputs": ' + b"9" * 1900 + b"}", 422, "inputs"),
        (b'{"inputs": 9e999}', 422, "inputs"),
        ({}, 422, "inputs: missing"),
        ({"inputs": []}, 422, "inputs: "),
        ({"inputs": {"question": "Who?"}}, 422, "inputs.context: missing"),
        ({"inputs": {"question": 3, "context": "a"}}, 422, "inputs.question: a text was expected"),
        ({**QUESTION, "parameters": {"top_k": 0}}, 422, "parameters: top_k"),
        ({**QUESTION, "parameters": {"topk": 1}}, 422, "topk"),
        ({**QUESTION, "parameters": 3}, 422, "parameters: an object was expected"),
        ({**QUESTION, "stream": True}, 422, "stream"),
        ({**QUESTION, "stream": 1}, 422, "stream: true or false"),
        ({**QUESTION, "input": 3}, 422, "input: unknown"),
        ({"inputs": [QUESTION["inputs"]] * 4}, 422, "inputs: 4, and at most 3"),
        ({"inputs": {"question": "Who?", "context": "a " * 300}}, 422, "604 characters"),
        ({"inputs": "a text", "parameters": {"targets": ["a"]}}, 422, "fill-mask"),
        (b'{"inputs": "' + b"x" * 2000 + b'"}', 413, "more than 2000 bytes"),
    ],
)
def test_refused(ask: Any, body: Any, status: int, said: str) -> None:
    found, headers, answer = ask(body)
    assert (found, set(answer)) == (status, {"error", "error_type"}), answer
    assert said in answer["error"] and "\n" not in answer["error"]
    assert headers["x-request-id"]


def test_no_such_place(ask: Any) -> None:
    assert ask(QUESTION, "/models/nobody")[0] == 404
    assert ask(QUESTION, "/models/reader/pipeline/nothing")[0] == 404
    status, _, said = ask(QUESTION, "/models/reader/pipeline/fill-mask")
    assert status == 422 and "does not do fill-mask" in said["error"]
    status, _, said = ask(None, "/nowhere")
    assert status == 404 and set(said) == {"error", "error_type"}
    assert ask(None, "/ask")[0] == 405
    status, headers, _ = ask(QUESTION, "/models/reader/", Host="evil.example")
    assert status == 404 and "location" not in headers


def test_a_path_makes_no_line_of_the_log(ask: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="headwater.serving.envelope"):
        assert ask(None, "/x%20status=200%0arequest%20request_id=mine")[0] == 404
        deadline = time.monotonic() + 10  # it is written once the answer is sent
        lines: list[str] = []
        while not lines:
            assert time.monotonic() < deadline
            own = [each for each in caplog.records if each.name == "headwater.serving.envelope"]
            lines = [each.getMessage() for each in own if "path=/x" in each.getMessage()]
    (line,) = lines
    assert "path=/x%20status%3D200%0Arequest%20request_id%3Dmine status=404" in line


def test_attention_of_what_is_no_token(ask: Any) -> None:
    body = {"question": "Who?", "context": "Ada   built it.", "start": 3, "end": 5}
    status, _, said = ask(body, "/attention")
    assert status == 422 and "no token stands from there to 5" in said["error"]


def test_below_v1_errors_are_those_of_openai(address: str, ask: Any) -> None:
    missing = call(f"{address}/v1/completions", {"model": "reader", "prompt": "a"})
    nowhere, other = ask({}, "/v1/chat/completions"), ask(None, "/v1/embeddings")
    unknown, broken = (
        ask({"model": "none", "input": "a"}, "/v1/embeddings"),
        ask(b"{", "/v1/embeddings"),
    )
    for (status, _, said), expected in zip(
        (missing, nowhere, other, unknown, broken), (401, 404, 405, 404, 400), strict=True
    ):
        assert status == expected and set(said["error"]) == {"message", "type", "code"}


def test_what_it_says_of_itself(ask: Any, capfd: pytest.CaptureFixture[str]) -> None:
    status, headers, several = ask({"inputs": [QUESTION["inputs"]] * 2}, X_Request_Id="mine.1")
    assert status == 200 and len(several) == 2 and headers["x-request-id"] == "mine.1"
    assert ask(QUESTION, X_Request_Id="no good\x7f")[1]["x-request-id"] != "no good\x7f"
    page = ask(None, "/metrics")[2]
    for name in (
        'headwater_requests_total{status="200",task="question-answering"}',
        "headwater_queue_tokens 0.0",
        'headwater_stage_seconds_count{stage="model"}',
        "headwater_batch_padding_tokens_total",
        'headwater_model_info{kind="bert",model="reader",task="question-answering"} 1.0',
    ):
        assert name in page
    info = ask(None, "/info")[2]
    assert info["models"][0]["name"] == "reader" and info["max_client_batch_size"] == 3
    described = ask(None, "/openapi.json")[2]
    assert described["openapi"].startswith("3.1") and "/v1/embeddings" in described["paths"]


def test_a_slow_body_is_given_up(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        head = f"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
        connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 408") and b"did not arrive" in answer


def test_answers_with_evidence(tiny_models: Callable[..., Models], example_index: Path) -> None:
    settings = Settings(port=0)
    with open_index(example_index) as index:
        app = application(tiny_models("reader"), settings, index)
        with serving(app, settings) as address:
            status, _, said = call(
                f"{address}/ask", {"question": "Who?", "context": CONTEXT, "top_k": 2}
            )
            assert status == 200 and said["answers"][0]["no_answer"]
            place = said["answers"][1]
            assert CONTEXT[place["start"] : place["end"]] == place["text"]
            _, _, said = call(f"{address}/ask", {"question": "Who built the mill?", "top_k": 2})
            assert said["no_answer"] and said["nearest"][0]["file"].endswith("mill.txt")
            [cited, *_] = said["answers"][0]["citations"]
            text = Path(cited["file"]).read_text()
            for each in (cited["quote"], cited["evidence"]):
                assert text[each["start"] : each["end"]] == each["text"]
            given = {"question": "Who?", "context": f"  {CONTEXT}", "start": 2, "end": 5}
            _, _, seen = call(f"{address}/attention", given)
            assert seen["start"] == 2 and seen["tokens"][0][0] == 2
            assert seen["tokens"][-1][1] == len(given["context"])
            assert len(seen["layers"]) == 2
            for layer in seen["layers"]:
                assert len(layer) == len(seen["tokens"]) and 0 < sum(layer) < 100
            long = {**given, "context": "x " * 300 + "Ada" + " y" * 300, "start": 600, "end": 603}
            _, _, seen = call(f"{address}/attention", long)  # as much as the model reads
            assert 450 < len(seen["tokens"]) < 512 and [600, 603] in seen["tokens"]
            status, _, said = call(f"{address}/ask", {"question": "a" * 2001, "context": "a"})
            assert status == 422 and "at most 2000 are read" in said["error"]
            status, _, said = call(f"{address}/attention", {**given, "end": 0})
            assert status == 422 and "request.end = 0" in said["error"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (GenerationOptions(min_new_tokens=9), "min_new_tokens: 9, and at most 8"),
        (GenerationOptions(num_beams=33), "num_beams: 33, and at most 32"),
        (TextOptions.check({"max_length": 9}, "x"), "max_length: 9, and at most 8"),
        (ZeroShotOptions(candidate_labels=["a"] * 1025), "1025 for 2 inputs"),
        (ZeroShotOptions(candidate_labels="a," * 1025), "1025 for 2 inputs"),
        (
            ZeroShotOptions(candidate_labels="a,b", hypothesis_template="{}" + "x" * 499),
            "2 times 502 characters",
        ),
        (QuestionOptions(top_k=101), "top_k: 101, and at most 100"),
        (FillOptions(top_k=101), "top_k: 101, and at most 100"),
        (GenerationOptions(stop=["a"] * 101), "stop: 101, and at most 100"),
        (TextOptions.check({"bad_words_ids": [[1]] * 101}, "x"), "bad_words_ids: 101"),
        (TaggingOptions(ignore_labels=["a"] * 101), "ignore_labels: 101"),
    ],
)
def test_too_much_work_is_refused(options: Config, said: str) -> None:
    settings = Settings(max_new_tokens=8, max_characters=1000)
    for enough in (
        GenerationOptions(max_new_tokens=8, num_beams=32, top_k=1000, stop=["a"] * 100),
        ZeroShotOptions(candidate_labels=["a"] * 40),
    ):
        check_work(["a"], enough, settings)
    with pytest.raises(Refusal, match=said):
        check_work(["a", "b"], options, settings)


def test_too_many_sentences_are_refused(tiny_models: Callable[..., Models]) -> None:
    task = tiny_models("encoder").first.tasks["sentence-similarity"]
    given = {"source_sentence": "a", "sentences": ["a"] * 1025}
    check_sizes(task.items(given)[0], task, Settings())
    with pytest.raises(Refusal, match="sentences: 2050, and at most 2048"):
        check_sizes(task.items([given, given])[0], task, Settings())


def test_attention_of_a_short_text_passes_small_limits(ask: Any) -> None:
    body = {"question": "Who built it?", "context": CONTEXT, "start": 0, "end": 3}
    status, _, said = ask(body, "/attention")
    assert status == 200 and len(said["layers"]) == 2


def test_a_key_is_read_without_white_space(tiny_models: Callable[..., Models]) -> None:
    settings = Settings(port=0, api_keys=[f" {KEY}\n"])  # as a file of a secret ends
    with serving(application(tiny_models("reader"), settings), settings) as found:
        assert call(f"{found}/info", Authorization=f"Bearer {KEY}")[0] == 200
        assert call(f"{found}/info", Authorization="Bearer ")[0] == 401


def test_settings() -> None:
    with pytest.raises(UserError, match="give --api-key KEY, or --without-key"):
        Settings.check({"host": "0.0.0.0"}, "serve")
    Settings.check({"host": "0.0.0.0", "without_key": True}, "serve")
    Settings.check({"host": "0.0.0.0", "api_keys": ["a"]}, "serve")
    Settings.check({"host": "::1"}, "serve")
    with pytest.raises(UserError, match="api_keys"):
        Settings.check({"api_keys": [" "]}, "serve")


def test_mistakes_on_the_command_line(headwater: Any, tmp_path: Path) -> None:
    done = headwater("serve", "--host", "0.0.0.0")
    assert done.code == 2 and done.err.count("\n") == 1 and "--without-key" in done.err
    done = headwater("serve", tmp_path / "none")
    assert done.code == 2 and "no such folder" in done.err
    done = headwater("serve", "--log-format", "xml")
    assert done.code == 2 and "text or json" in done.err


def test_an_address_that_cannot_be_had(tiny_models: Callable[..., Models]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Settings(port=other.getsockname()[1])
        with pytest.raises(UserError, match=r"--port \d+ of 127\.0\.0\.1: .* in use"):
            serve(application(tiny_models("reader"), taken), taken, print)
    strange = Settings(host="no.such.invalid", port=0, without_key=True)
    with pytest.raises(UserError, match=r"--host no\.such\.invalid: "):
        serve(application(tiny_models("reader"), strange), strange, print)


def test_a_signal_ends_it_in_order(tiny_models: Callable[..., Models]) -> None:
    """Not ready at once, but still answering; then what was taken is finished, and it is 0."""
    folder = tiny_models("reader").first.loaded.folder
    command = [sys.executable, "-m", "headwater", "serve", f"mine={folder}", "--port", "0"]
    options = ["--drain-seconds", "2", "--log-format", "json", "--device", "cpu"]
    with subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stderr is not None
        try:
            ready = json.loads(process.stderr.readline())
            address = ready["address"]
            assert ready["models"] == "mine" and call(f"{address}/readyz")[0] == 200
            process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 10
            while call(f"{address}/readyz")[0] != 503 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert call(f"{address}/livez")[0] == 200
            assert call(f"{address}/models/mine", QUESTION)[0] == 200
            assert process.wait(60) == 0
            lines = [json.loads(line) for line in process.stderr]
        finally:
            process.kill()
    assert [each["path"] for each in lines if each["task"]] == ["/models/mine"]
    assert "Ada" not in json.dumps(lines)


def test_connections_send_at_once() -> None:
    with (
        listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        accepted, _ = listener.accept()
        with accepted:
            # else the body of an answer waits 40 ms until the client has acknowledged the headers
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
