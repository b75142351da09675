"""docs/performance.md, made of the committed results."""

from pathlib import Path

from benchmarks.harness.report import Report
from benchmarks.harness.table import facts, machine, table

TEMPLATE = Path(__file__).with_name("page.md")


def page(report: Report) -> str:
    """Return the page."""
    return TEMPLATE.read_text(encoding="utf-8").format(
        command=report.command,
        commit=report.commit,
        date=report.date,
        turns=report.turns,
        machine=machine(report),
        table=table(report),
        facts=facts(report),
    )
