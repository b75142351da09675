"""How fast several processes train beside one, and what each of them holds, on a CPU.

    python -m benchmarks.processes RECIPE.toml --steps 60 --turns 3
    python -m benchmarks.processes RECIPE.toml --steps 3 --only one sharded --set network.preset=...

One process has as many threads as all others together. All train on the same batches; a turn runs
each way once. The rate is that of the steps after the first third. Memory is the most that a
process held (VmHWM) before the last step, and with the saving at the end, looked at ten times a
second.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

WAYS = ("one", "copied", "sharded")
PARTNERS = 2


class Trained(NamedTuple):
    """Tokens in a second, the most bytes of each process, and the loss of each logged step.

    Attributes:
        memory: until the last step.
        all_memory: until the end.
    """

    rate: float
    memory: list[int]
    all_memory: list[int]
    losses: list[float]


def train(way: str, recipe: Path, settings: Sequence[str], steps: int, folder: Path) -> Trained:
    """Train for so many steps.

    Args:
        way: one process; several with a copy of the model each; several with parts of it.
    """
    several = way != "one"
    torchrun = ["torch.distributed.run", "--nproc-per-node", str(PARTNERS), "--no-python"]
    start = [*torchrun, sys.executable, "-m", "headwater"] if several else ["headwater"]
    given = [*settings, f"training.steps={steps}", "training.logging_steps=1"]
    if way == "sharded":
        given.append("training.shard=true")
    command = [sys.executable, "-m", *start, "pretrain", str(recipe), "--output", str(folder)]
    command += [part for each in given for part in ("--set", each)]
    threads = "1" if several else str(PARTNERS)
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    memory, all_memory = dict[int, int](), dict[int, int]()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as told,  # a pipe would be full some time
        subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=told
        ) as process,
    ):
        while process.poll() is None:
            all_memory |= held(process.pid)
            if len(losses(folder)) < steps:
                memory |= all_memory
            time.sleep(0.1)
        if process.returncode:
            told.seek(0)
            raise SystemExit(told.read()[-2000:])
    rows = losses(folder)
    first, last = rows[len(rows) // 3], rows[-1]
    rate = (last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"])
    most, all_most = (sorted(each.values()) for each in (memory, all_memory))
    return Trained(rate, most, all_most, [row["loss"] for row in rows])


def losses(folder: Path) -> list[dict[str, float]]:
    """Return the rows of a run's log that hold a loss, as far as it is written."""
    try:
        lines = (folder / "log.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return []
    return [row for row in map(json.loads, lines) if "loss" in row]


def held(parent: int) -> dict[int, int]:
    """Return the most bytes that each process of headwater below another one has held."""
    found = dict[int, int]()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            status = (place / "status").read_text(encoding="utf-8")
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        number = int(place.name)
        ours = words[1:3] == [b"-m", b"headwater"]
        if ours and parent in (number, int(lines["PPid"])) and "VmHWM" in lines:
            found[number] = 1024 * int(lines["VmHWM"].split()[0])
    return found


def main() -> None:
    """Measure by turns, and print rates, their ratios to one process, and memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe", type=Path, help="of a pre-training")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--set", action="append", default=[], metavar="a.b=VALUE", dest="settings")
    options = parser.parse_args()
    found: dict[str, list[Trained]] = {way: [] for way in options.only}
    with tempfile.TemporaryDirectory() as name:
        for turn in range(options.turns):
            for way, trained in found.items():
                folder = Path(name, f"{way}-{turn}")
                trained.append(train(way, options.recipe, options.settings, options.steps, folder))
    for way, trained in found.items():
        rates = ", ".join(f"{each.rate:,.0f}" for each in trained)
        memory, all_memory = (
            ", ".join(f"{most / 2**20:,.0f} MiB" for most in each)
            for each in (trained[0].memory, trained[0].all_memory)
        )
        print(f"{way}: {rates} tokens/s; {memory}, with saving {all_memory}")
        if "one" in found and way != "one":
            pairs = list(zip(trained, found["one"], strict=True))
            ratios = sorted(ours.rate / one.rate for ours, one in pairs)
            worst = max(
                abs(ours - one)
                for each, other in pairs
                for ours, one in zip(each.losses, other.losses, strict=True)
            )
            print(
                f"{way} / one: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to "
                f"{ratios[-1]:.2f}); losses differ by {worst:.1e} at most"
            )


if __name__ == "__main__":
    main()
