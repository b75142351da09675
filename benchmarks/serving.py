"""How fast a server answers, beside `transformers` behind the same Starlette, and what it holds.

    python -m benchmarks.serving --work qa --model reader --data dev-v1.1.json --plain --direct
    python -m benchmarks.serving --work generation --model runs/t5 --data dev-v1.1.json --plain
    python -m benchmarks.serving --work qa --model reader --data dev-v1.1.json --soak 20000
    python -m benchmarks.serving --work qa --model reader --data dev-v1.1.json --flood 60

Inputs are drawn from the data, in SQuAD's format: questions with their paragraphs, the questions
alone, or the paragraphs, after which each text gets the same number of new tokens. Both servers are
up at the same time, each in a process, and take turns. `direct` is the same task in this process:
all inputs at once, or by one client one after another. Latencies are in milliseconds. A ratio is
the median of those of the turns, with the lowest and the highest. A flood asks four times what the
server was able to answer, over 256 connections.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness.flood import open_loop
from benchmarks.harness.load import Load, closed_loop
from benchmarks.harness.machine import processor, versions
from benchmarks.harness.servers import Server, running
from headwater.checkpoints.hub import resolve
from headwater.data.example import SpanExample
from headwater.inference.loaded import load
from headwater.pipelines.names import pipeline_task
from headwater.tasks.squad import SQUAD_V1

TIMES, CONNECTIONS = 4, 256  # of a flood
HEADER = f"{'side':18}{'clients':>8}{'requests/s':>12}{'p50':>9}{'p95':>9}{'p99':>9}{'refused':>9}"

Side = Callable[[int], Load]
"""Asks all bodies by so many clients."""


class Work(NamedTuple):
    """A task, and what is asked of it."""

    task: str
    inputs: Callable[[SpanExample], Any]
    writes: bool = False

    def bodies(self, examples: Sequence[SpanExample], new: int) -> list[dict[str, Any]]:
        """Return a request for each example."""
        given = {"min_new_tokens": new, "max_new_tokens": new} if self.writes else {}
        return [{"inputs": self.inputs(each), "parameters": given} for each in examples]


WORKS: Mapping[str, Work] = {
    "qa": Work(
        "question-answering", lambda each: {"question": each.question, "context": each.context}
    ),
    "classification": Work("text-classification", lambda each: each.question),
    "embedding": Work("feature-extraction", lambda each: each.question),
    "generation": Work("text2text-generation", lambda each: each.context[:400], writes=True),
    "continuation": Work("text-generation", lambda each: each.context[:400], writes=True),
}


def served(url: str, bodies: Sequence[bytes]) -> Side:
    """Return what asks a server."""
    return lambda clients: closed_loop(url, bodies, clients)


def direct(model: str, work: Work, bodies: Sequence[dict[str, Any]]) -> Side:
    """Return what asks the model in this process: one client one by one, several all at once."""
    task = pipeline_task(work.task, load(model))
    items = [task.items(each["inputs"])[0][0] for each in bodies]
    options = task.options.check(bodies[0]["parameters"], "benchmark")

    def ask(clients: int) -> Load:
        parts = [[each] for each in items] if clients == 1 else [items]
        latencies, begin = [], time.perf_counter()
        for part in parts:
            start = time.perf_counter()
            task.run(part, options)
            latencies += [time.perf_counter() - start] * len(part)
        return Load(sorted(latencies), time.perf_counter() - begin, Counter())

    return ask


def measure(sides: Mapping[str, Side], clients: int, turns: int) -> None:
    """Print what the sides take by turns, and our rate over that of each other side."""
    found: dict[str, list[Load]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, side in sides.items():
            found[name].append(side(clients))
    for name, loads in found.items():
        rate = statistics.median(each.rate for each in loads)
        every = Load(
            sorted(latency for each in loads for latency in each.latencies),
            sum(each.seconds for each in loads),
            sum((each.statuses for each in loads), Counter()),
        )
        shown = "".join(f"{1000 * every.percentile(each):9.1f}" for each in (50, 95, 99))
        print(f"{name:18}{clients:8}{rate:12.2f}{shown}{every.statuses[429]:9}", flush=True)
    ours = found["headwater"]
    for name, loads in found.items():
        if name != "headwater":
            ratios = sorted(our.rate / load.rate for our, load in zip(ours, loads, strict=True))
            middle = statistics.median(ratios)
            print(
                f"requests/s, headwater / {name}, {clients} clients: {middle:.2f} "
                f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
            )


def soak(server: Server, side: Side, size: int, requests: int, clients: int) -> None:
    """Print what the server holds after every tenth of so many requests, and how much it grew."""
    rounds = max(2, -(-requests // size))
    seen = []
    for number in range(1, rounds + 1):
        side(clients)
        used = server.used()
        seen.append(used.memory)
        if number % max(1, rounds // 10) == 0:
            print(
                f"after {number * size:8,} requests: {used.memory / 1e6:8.1f} MB, "
                f"{used.threads} threads, {used.files} files",
                flush=True,
            )
    first = seen[len(seen) // 10]
    print(f"memory grew by {100 * (seen[-1] / first - 1):.1f}% since the first tenth")


def flood(server: Server, task: str, bodies: Sequence[bytes], side: Side, seconds: float) -> None:
    """Print what the server says to more than it is able to answer, and how much it grew."""
    capacity = side(16).rate
    os.nice(10)  # the server's processor is not the clients'
    given = _url(server, task), bodies, TIMES * capacity, CONNECTIONS
    open_loop(*given, seconds / 4)  # larger batches than it has met so far
    before = server.used().memory
    found = open_loop(*given, seconds)
    used = server.used()
    print(f"{TIMES} x {capacity:.0f} requests/s for {seconds:.0f} s, {CONNECTIONS} connections")
    print(f"statuses  {dict(sorted(found.statuses.items()))}")
    for name, part in (("answered", found.answered), ("refused", found.refused)):
        if part.latencies:
            shown = "".join(f"{1000 * part.percentile(each):9.1f}" for each in (50, 95, 99))
            print(f"{name:9}{part.rate:9.1f}/s{shown} ms")
    print(
        f"memory    {used.memory / 1e6:.0f} MB, {100 * (used.memory / before - 1):+.1f}%; "
        f"{used.threads} threads, {used.files} files"
    )


def _url(server: Server, task: str) -> str:
    return f"{server.address}/models/model/pipeline/{task}"


def run(options: argparse.Namespace) -> None:
    """Start the servers, and measure."""
    work = WORKS[options.work]
    examples = list(SQUAD_V1.read([options.data]))
    random.Random(0).shuffle(examples)
    bodies = work.bodies(examples[: options.requests], options.new_tokens)
    sent = [json.dumps(each).encode() for each in bodies]
    model = str(resolve(options.model))
    print(f"{processor()}, {options.threads} threads, {versions()}")
    print(f"{options.work}: {work.task} by {options.model}, {len(bodies)} requests a turn")
    with ExitStack() as stack:
        ours = ["serve", f"model={model}", "--port", "0", "--log-format", "json"]
        ours += ["--max-waiting-tokens", str(options.waiting)]
        server = stack.enter_context(running("headwater", ours, options.threads))
        servers = {"headwater": server}
        if options.plain:
            given = ["--task", work.task, "--model", model]
            plain = running("benchmarks.harness.plain_server", given, options.threads)
            servers["plain"] = stack.enter_context(plain)
        sides = {name: served(_url(each, work.task), sent) for name, each in servers.items()}
        for name, each in servers.items():
            few = served(_url(each, work.task), sent[: options.warm_up])(1)
            memory = each.used().memory / 1e6
            first = 1000 * few.latencies[-1]
            print(
                f"{name}: ready after {each.ready:.2f} s, the slowest of the first "
                f"{options.warm_up} answers {first:.0f} ms, then {memory:.0f} MB"
            )
        if options.soak:
            soak(server, sides["headwater"], len(sent), options.soak, max(options.clients))
            return
        if options.flood:
            flood(server, work.task, sent, sides["headwater"], options.flood)
            return
        if options.direct:
            sides["direct"] = direct(model, work, bodies)
        print(HEADER)
        for clients in options.clients:
            measure(sides, clients, options.turns)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", choices=WORKS, required=True)
    parser.add_argument("--model", required=True, help="a folder, or a bundled name")
    parser.add_argument("--data", type=Path, required=True, help="SQuAD's format")
    parser.add_argument("--requests", type=int, default=200, help="of a turn")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of each server")
    parser.add_argument("--new-tokens", type=int, default=32, help="of each written text")
    parser.add_argument("--warm-up", type=int, default=8, help="requests before the first turn")
    parser.add_argument("--plain", action="store_true", help="transformers, too")
    parser.add_argument("--direct", action="store_true", help="the same without a server, too")
    parser.add_argument("--soak", type=int, default=0, help="only this: after so many requests")
    parser.add_argument("--waiting", type=int, default=65536, help="tokens that may wait")
    parser.add_argument("--flood", type=float, default=0, help="only this: for so many seconds")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
