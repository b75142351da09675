"""Running works: their sides take turns, each turn in another order."""

import logging
import time
from collections.abc import Mapping, Sequence

from benchmarks.harness.machine import RATES
from benchmarks.harness.processes import Failed, Running, call
from benchmarks.harness.report import Result
from benchmarks.harness.work import OPERATIONS, OUTPUTS, Absent, Context, Facts, Side, Work

logger = logging.getLogger(__name__)


def run_work(work: Work, context: Context, turns: int) -> Result:
    """Measure one work; what is missing or breaks is logged and left out.

    Raises:
        Absent: ours cannot be measured.
        Failed: ours broke.
    """
    begin = time.monotonic()
    if work.prepare is not None:
        call(work.prepare, context)
    absent: dict[str, str] = {}
    running = _start(work, context, absent)
    try:
        values = _take_turns(running, work.turns or turns, warm=work.turns is None)
        facts = {each.name: each.end() for each in running}
    finally:
        for each in running:
            each.kill()
    ours = work.sides[0].name
    rates = {side.name: values.pop(side.name) for side in RATES}
    _compare(facts, work.reference)
    told = {
        name: {key: value for key, value in each.items() if key not in (OPERATIONS, OUTPUTS)}
        for name, each in facts.items()
    }
    return Result(
        work.name,
        work.title,
        work.unit,
        work.lower,
        values,
        {name: each for name, each in told.items() if each},
        rates,
        facts[ours].get(OPERATIONS),
        absent,
        time.monotonic() - begin,
    )


def _start(work: Work, context: Context, absent: dict[str, str]) -> list[Running]:
    """Start all sides one after another, so that none is timed while another is made ready."""
    running: list[Running] = []
    sides: Sequence[Side] = (*work.sides, *RATES)
    try:
        for side in sides:
            begin = time.monotonic()
            try:
                running.append(Running(side, context))
                logger.debug("%s is ready after %.1f s", side.name, time.monotonic() - begin)
            except (Absent, Failed) as error:
                if side is sides[0]:
                    raise
                lines = str(error).strip().splitlines()
                absent[side.name] = lines[-1]
                logger.warning("%s: %s is skipped: %s", work.name, side.name, lines[-1])
    except BaseException:
        for each in running:
            each.kill()
        raise
    return running


def _take_turns(running: list[Running], turns: int, *, warm: bool) -> dict[str, list[float]]:
    """Return the value of every turn by side; before the first, all warm up."""
    values: dict[str, list[float]] = {each.name: [] for each in running}
    for number in range(turns + warm):
        first = number % len(running)
        for each in running[first:] + running[:first]:
            begin = time.monotonic()
            value = each.value()
            logger.debug("turn %d of %s: %.1f s", number, each.name, time.monotonic() - begin)
            if number >= warm:
                values[each.name].append(value)
    return values


def _compare(facts: dict[str, Facts], reference: str | None) -> None:
    """Add the share of a side's outputs that equal the reference's."""
    if reference is None or OUTPUTS not in facts.get(reference, {}):
        return
    right = facts[reference][OUTPUTS]
    for name, each in facts.items():
        if name != reference and OUTPUTS in each:
            facts[name] = {**each, f"equal to {reference} share": equal(each[OUTPUTS], right)}


def equal(found: Sequence[object], right: Sequence[object]) -> float:
    """Return the share of what was found that is right."""
    pairs = list(zip(found, right, strict=True))
    return sum(a == b for a, b in pairs) / len(pairs)


def told(facts: Mapping[str, float]) -> str:
    """Return facts as one line: shares in percent."""
    return "; ".join(
        f"{name.removesuffix(' share')} {value:.1%}"
        if name.endswith("share")
        else f"{name} {value:.4g}"
        for name, value in facts.items()
    )
