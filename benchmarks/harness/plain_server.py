"""What people write today: `transformers` behind Starlette, one request after another.

    python -m benchmarks.harness.plain_server --task question-answering --model FOLDER

It takes our requests, answers roughly, and says `{"address": ...}` once it listens.
"""

import argparse
import asyncio
import json
import socket
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
import transformers
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Answer = Callable[[Any, Mapping[str, Any]], Any]


def loaded(kind: str, model: str) -> tuple[Any, Any]:
    """Return the tokenizer and the model in float32."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    network = getattr(transformers, kind).from_pretrained(model, dtype=torch.float32)
    return tokenizer, network.eval()


def question_answering(model: str) -> Answer:
    """Return what finds the likeliest span, in what fits into one window."""
    tokenizer, network = loaded("AutoModelForQuestionAnswering", model)

    def answer(inputs: Any, parameters: Mapping[str, Any]) -> Any:
        given = tokenizer(
            *(inputs["question"], inputs["context"]),
            truncation="only_second",
            max_length=384,
            return_tensors="pt",
        )
        found = network(**given)
        start, end = int(found.start_logits.argmax()), int(found.end_logits.argmax())
        return {"answer": tokenizer.decode(given["input_ids"][0, start : end + 1])}

    return answer


def text_classification(model: str) -> Answer:
    """Return what gives the chances of all labels."""
    tokenizer, network = loaded("AutoModelForSequenceClassification", model)

    def answer(inputs: Any, parameters: Mapping[str, Any]) -> Any:
        given = tokenizer(inputs, truncation=True, max_length=512, return_tensors="pt")
        chances = network(**given).logits.softmax(-1)[0].tolist()
        return [{"label": str(number), "score": score} for number, score in enumerate(chances)]

    return answer


def feature_extraction(model: str) -> Answer:
    """Return what gives the mean of the last hidden states."""
    tokenizer, network = loaded("AutoModel", model)

    def answer(inputs: Any, parameters: Mapping[str, Any]) -> Any:
        given = tokenizer(inputs, truncation=True, max_length=512, return_tensors="pt")
        return [network(**given).last_hidden_state.mean(1)[0].tolist()]

    return answer


def generation(model: str, kind: str) -> Answer:
    """Return what writes by greedy search."""
    tokenizer, network = loaded(kind, model)

    def answer(inputs: Any, parameters: Mapping[str, Any]) -> Any:
        given = tokenizer(inputs, return_tensors="pt")
        new = parameters["max_new_tokens"]
        ids = network.generate(**given, do_sample=False, min_new_tokens=new, max_new_tokens=new)
        return [{"generated_text": tokenizer.decode(ids[0], skip_special_tokens=True)}]

    return answer


TASKS: Mapping[str, Callable[[str], Answer]] = {
    "question-answering": question_answering,
    "text-classification": text_classification,
    "feature-extraction": feature_extraction,
    "text2text-generation": lambda model: generation(model, "AutoModelForSeq2SeqLM"),
    "text-generation": lambda model: generation(model, "AutoModelForCausalLM"),
}


def application(answer: Answer) -> Starlette:
    """Return the application, which answers wherever it is asked."""
    one = ThreadPoolExecutor(1)

    def run(body: Mapping[str, Any]) -> Any:
        with torch.inference_mode():
            return answer(body["inputs"], body.get("parameters") or {})

    async def asked(request: Request) -> JSONResponse:
        body = await request.json()
        return JSONResponse(await asyncio.get_running_loop().run_in_executor(one, run, body))

    return Starlette(routes=[Route("/{path:path}", asked, methods=["POST"])])


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--model", required=True)
    options = parser.parse_args()
    app = application(TASKS[options.task](options.model))
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as uvicorn by itself
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        print(json.dumps({"address": address}), file=sys.stderr, flush=True)
        config = uvicorn.Config(app, log_config=None, ws="none")
        asyncio.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main()
