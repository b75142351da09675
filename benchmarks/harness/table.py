"""The table of a run, in Markdown: as it is printed, and as docs/performance.md holds it."""

from benchmarks.harness.machine import FORMATS
from benchmarks.harness.report import Report, Result, quartiles
from benchmarks.harness.run import told

HEADER = (
    "| work | ours | peer | its value | ours / peer (quartiles) | limit bf16, fp32 "
    "| of the limit |",
    "|---|---|---|---|---|---|---|",
)


def table(report: Report) -> str:
    """Return a row for every peer of every work."""
    return "\n".join([*HEADER, *(row for work in report.works for row in rows(work))])


def rows(work: Result) -> list[str]:
    """Return the rows of one work; what is ours stands in the first one."""
    limits = [work.limit(dtype) for dtype in FORMATS]
    shown = ", ".join("-" if limit is None else short(limit) for limit in limits)
    share = work.share()
    own = (
        f"{work.title}, {work.unit}",
        short(work.median(work.ours)),
        shown if any(limits) else "",
        "" if share is None else f"{share:.0%}",
    )
    found: list[str] = []
    for peer in work.peers or [""]:
        title, value, limit, part = own if not found else ("",) * 4
        theirs, ratio = "", ""
        if peer:
            low, middle, high = quartiles(work.ratios(peer))
            theirs, ratio = short(work.median(peer)), f"{middle:.2f} ({low:.2f} to {high:.2f})"
        found.append(f"| {title} | {value} | {peer} | {theirs} | {ratio} | {limit} | {part} |")
    return found


def facts(report: Report) -> str:
    """Return what sides told beside their speed, and what was left out."""
    lines = ["| work | side | beside the speed |", "|---|---|---|"]
    for work in report.works:
        for side, each in work.facts.items():
            lines.append(f"| {work.title} | {side} | {told(each)} |")
        for side, reason in work.absent.items():
            lines.append(f"| {work.title} | {side} | skipped: {reason} |")
    return "\n".join(lines)


def machine(report: Report) -> str:
    """Return the processor, its rates and the versions."""
    rates = {
        short_name: max(
            (max(work.rates[dtype]) for work in report.works if work.rates.get(dtype)), default=0.0
        )
        for dtype, short_name in FORMATS.items()
    }
    products = ", ".join(f"{name} {rate / 1e9:.0f}" for name, rate in rates.items())
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    return (
        f"{report.processor}, {report.threads} threads; products of matrices, GFLOP/s at most: "
        f"{products}; {versions}."
    )


def short(value: float) -> str:
    """Return a number with three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
