"""How fast vectors come over HTTP, beside infinity-emb, by OpenAI's route.

    python -m benchmarks.embedding_servers --infinity VENV/bin/infinity_emb --model DIR --data FILE

infinity-emb asks for other versions than headwater, so it stands in an environment of its own.
Both servers are up at the same time and take turns; each request holds one paragraph of the data.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.harness.machine import processor
from benchmarks.harness.servers import running
from benchmarks.serving import HEADER, measure, served
from headwater.tasks.squad import SQUAD_V1

PATIENCE = 120  # seconds until a server is ready


@contextmanager
def infinity(command: str, model: Path, threads: int, dtype: str) -> Iterator[str]:
    """Start infinity-emb on a free port; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = ["v2", "--model-id", str(model), "--served-model-name", "model", "--port", str(port)]
    given += ["--engine", "torch", "--device", "cpu", "--dtype", dtype, "--no-bettertransformer"]
    environment = {
        **os.environ,
        **{"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"},
        "PYTHONPATH": "",
    }
    output = subprocess.DEVNULL
    with subprocess.Popen([command, *given], stdout=output, stderr=output, env=environment) as it:
        try:
            _wait(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            it.terminate()


def _wait(url: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url):
                return
        except (OSError, urllib.error.URLError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def run(options: argparse.Namespace) -> None:
    """Start both, and measure."""
    texts = sorted({each.context for each in SQUAD_V1.read([options.data])})
    random.Random(0).shuffle(texts)
    bodies = [
        json.dumps({"model": "model", "input": text}).encode() for text in texts[: options.requests]
    ]
    print(f"{processor()}, {options.threads} threads; {len(bodies)} paragraphs a turn")
    ours = ["serve", f"model={options.model}", "--port", "0", "--log-format", "json"]
    with ExitStack() as stack:
        server = stack.enter_context(running("headwater", ours, options.threads))
        sides = {"headwater": served(f"{server.address}/v1/embeddings", bodies)}
        for dtype in ("float32", "bfloat16"):
            given = (options.infinity, options.model, options.threads, dtype)
            address = stack.enter_context(infinity(*given))
            sides[f"infinity {dtype}"] = served(f"{address}/embeddings", bodies)
        for each in sides.values():
            each(4)
        print(HEADER)
        for clients in options.clients:
            measure(sides, clients, options.turns)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--infinity", required=True, help="the command, of its environment")
    parser.add_argument("--model", type=Path, required=True, help="of sentence-transformers")
    parser.add_argument("--data", type=Path, required=True, help="SQuAD's format")
    parser.add_argument("--requests", type=int, default=200, help="of a turn")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of each server")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
