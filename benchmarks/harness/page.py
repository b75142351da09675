"""docs/performance.md, made of the committed results."""

from benchmarks.harness.report import Report
from benchmarks.harness.table import facts, machine, table

PAGE = """\
# Performance

This page is made by `python -m benchmarks page` from `benchmarks/results.json`. Do not edit it.

`{command}`, commit {commit}, {date}, {turns} turns after one to warm up.

{machine}

{table}

- Each side runs in a process of its own. The sides take turns, and each turn has another order.
- A value is the median over the turns. A ratio is that of one turn; its median and quartiles are shown. Above 1 ours is better.
- The limit counts the operations that the work needs, without padding. It divides the measured rate of matrix products by them.
- "of the limit" is our part of the higher limit.
- Weights of t5-small, BERT-base and GPT-2 are random: they serve for speed. The reader is the bundled one.

## Beside the speed

"equal" is the share of answers or texts that are the same as the reference's. "padding" is the share of positions in batches that hold no
token. "data" is the time to make a step's batch, as a share of the step.

{facts}

Scores of whole test sets are measured by `python -m benchmarks.quality.accuracy`. Earlier results are in `benchmarks/history.jsonl`;
`python -m benchmarks regressions` compares the last two.
"""


def page(report: Report) -> str:
    """Return the page."""
    return PAGE.format(
        command=report.command,
        commit=report.commit,
        date=report.date,
        turns=report.turns,
        machine=machine(report),
        table=table(report),
        facts=facts(report),
    )
