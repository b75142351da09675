"""`headwater compare`: whether two systems differ, item by item."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from headwater.commands.terminal import (
    Device,
    Json,
    PadPunctuation,
    Precision,
    argument,
    described,
    echo,
    option,
    print_json,
)

if TYPE_CHECKING:
    from headwater.evaluation.compare import Comparison, Contrast, TaskComparison
    from headwater.evaluation.paired import Difference

_WIDTH = 100  # characters of a text that are shown

System = "A run, a model, a file of predictions, or several runs: A1,A2."


@described("Tell whether two systems differ on a task, and on which examples.")
def compare(
    ours: Annotated[str, argument(System, "RUN_A")],
    theirs: Annotated[str, argument(System, "RUN_B")],
    task: Annotated[
        list[str] | None,
        option("A task, several (cola,rte) or a benchmark [that of RUN_A's recipe].", "TASK"),
    ] = None,
    data: Annotated[
        list[Path] | None, option("The file or the benchmark's folder to compare on.", "FILE|DIR")
    ] = None,
    pad_punctuation: PadPunctuation = None,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    from headwater.evaluation.compare import compare as compared

    found = compared(
        *(ours, theirs, task or (), data or ()),
        device=device,
        precision=precision,
        pad_punctuation=pad_punctuation,
    )
    if json:
        print_json(found.to_dict())
        return
    for line in lines(found):
        echo(line)


def lines(found: "Comparison") -> Iterator[str]:
    """Yield what a person reads.

    A: runs/large
    B: runs/small
    A single run tells nothing of other seeds; several are given as A1,A2.

    squad: 10570 examples
      f1  A 80.12 (79.36 to 80.87)  B 79.50 (78.72 to 80.27)
          A - B +0.62 (+0.21 to +1.04), p 0.0034 (randomization), shown at 80% power: 0.58
      A is better by f1: p 0.0034
      A wins 312, loses 246, ties 10012
      example 56be4db0acb8000400de6a2d: A is better by 0.00946
          input  question: Where did they stay? context: ...
          gold   ...
    """
    for name, runs in (("A", found.ours), ("B", found.theirs)):
        yield f"{name}: {', '.join(runs)}"
    if len(found.ours) == len(found.theirs) == 1:
        yield "A single run tells nothing of other seeds; several are given as A1,A2."
    for each in found.tasks:
        yield ""
        yield f"{each.task}: {each.examples} examples"
        width = max(map(len, each.metrics))
        for name, value in each.metrics.items():
            yield from _metric(f"{name:{width}}", value)
        yield from _verdict(each, len(found.tasks))
        for contrast in each.contrasts:
            yield from _contrast(contrast)


def _metric(name: str, found: "Difference") -> Iterator[str]:
    yield (
        f"  {name}  A {found.ours:.2f} ({_range(found.ours_interval)})"
        f"  B {found.theirs:.2f} ({_range(found.theirs_interval)})"
    )
    shown = "not known" if found.smallest is None else f"{found.smallest:.2f}"
    yield (
        f"  {'':{len(name)}}  A - B {found.difference:+.2f} ({_range(found.interval, '+')}), "
        f"p {found.p:.2g} ({found.test}), shown at 80% power: {shown}"
    )


def _range(interval: tuple[float, float], sign: str = "") -> str:
    return " to ".join(f"{value:{sign}.2f}" for value in interval)


def _verdict(each: "TaskComparison", tasks: int) -> Iterator[str]:
    main = next(iter(each.metrics))
    of_all = f" for all {tasks} tasks (Holm)" if tasks > 1 else ""
    better = "A" if each.metrics[main].difference > 0 else "B"
    said = f"{better} is better" if each.different else "no difference is shown"
    yield f"  {said} by {main}: p {each.p:.2g}{of_all}"
    yield f"  A wins {each.wins}, loses {each.losses}, ties {each.ties}"


def _contrast(found: "Contrast") -> Iterator[str]:
    better = "A" if found.change > 0 else "B"
    yield f"  example {found.id}: {better} is better by {abs(found.change):.3g}"
    texts = {"input": found.input, "gold": " | ".join(found.golds)}
    for name, text in (texts | {"A": found.ours, "B": found.theirs}).items():
        short = " ".join(text.split())
        yield f"      {name:5}  {short[: _WIDTH - 1] + '…' if len(short) > _WIDTH else short}"
