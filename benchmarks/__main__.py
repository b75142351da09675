"""The command line of the benchmarks: run, list, page, record, regressions."""

import argparse
import logging
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import history
from benchmarks.harness.machine import processor, versions
from benchmarks.harness.page import page
from benchmarks.harness.processes import Failed
from benchmarks.harness.report import Report, Result
from benchmarks.harness.run import run_work
from benchmarks.harness.table import facts, machine, table
from benchmarks.harness.work import HINT, Absent, Context, Work
from benchmarks.table_of_works import WORKS

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
HISTORY = ROOT / "benchmarks" / "history.jsonl"
INTERRUPTED = "interrupted"
PAGE = ROOT / "docs" / "performance.md"

logger = logging.getLogger("benchmarks")


def run(options: argparse.Namespace) -> int:
    """Measure works and print the table."""
    works = [work for work in WORKS if not options.only or work.name in options.only]
    if not options.data.is_dir():
        print(f"{options.data} is not there; {HINT}", file=sys.stderr)
        return 2
    whole = not options.only and not options.quick
    output = options.output or (RESULTS if whole else None)
    with tempfile.TemporaryDirectory() as scratch:
        context = Context(options.data, Path(scratch), options.threads, options.quick)
        found, failed = _measure(works, context, 1 if options.quick else options.turns)
    report = Report(
        *(_commit(), f"{datetime.now(UTC):%Y-%m-%d}", _command(options)),
        turns=1 if options.quick else options.turns,
        processor=processor(),
        threads=options.threads,
        versions=versions(),
        works=found,
    )
    print("\n".join(["", table(report), "", facts(report), "", machine(report)]))
    if output is not None and INTERRUPTED not in failed:
        report.write(output)
        print(f"written: {output}")
    return 130 if INTERRUPTED in failed else 1 if failed else 0


def _measure(works: list[Work], context: Context, turns: int) -> tuple[list[Result], list[str]]:
    found, failed = [], []
    for work in works:
        try:
            found.append(run_work(work, context, turns))
        except Absent as absent:
            logger.warning("%s is skipped: %s", work.name, absent)
        except Failed as error:
            failed.append(work.name)
            logger.error("%s failed:\n%s", work.name, error)
        except KeyboardInterrupt:
            failed.append(INTERRUPTED)
            break
        else:
            logger.info("%s: %.0f s", work.name, found[-1].seconds)
    return found, failed


def show_list(options: argparse.Namespace) -> int:
    """Print the names of the works and their sides."""
    for work in WORKS:
        print(f"{work.name:14} {', '.join(side.name for side in work.sides)}")
    return 0


def write_page(options: argparse.Namespace) -> int:
    """Write docs/performance.md from the results."""
    PAGE.write_text(page(Report.read(RESULTS)), encoding="utf-8")
    print(f"written: {PAGE}")
    return 0


def record(options: argparse.Namespace) -> int:
    """Add the results to the history."""
    history.append(HISTORY, history.Entry.of(Report.read(RESULTS)))
    print(f"written: {HISTORY}")
    return 0


def show_regressions(options: argparse.Namespace) -> int:
    """Print what became slower; the exit code is 1 if anything did."""
    entries = history.read(options.history)
    after = history.find(entries, options.after)
    before = after and history.find(entries, options.before, after)
    if after is None or before is None:
        print(f"{options.history}: no two runs to compare, on one kind of machine", file=sys.stderr)
        return 2 if options.before or options.after else 0
    lines = history.regressions(before, after)
    print(f"{before.commit} -> {after.commit}: {len(lines)} ratios fell by more than 10%")
    for name in before.versions:
        if before.versions[name] != after.versions.get(name):
            print(f"{name}: {before.versions[name]} -> {after.versions.get(name, 'none')}")
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


def _command(options: argparse.Namespace) -> str:
    return shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])


def _commit() -> str:
    """Return the commit of the checkout, with a mark where files differ from it."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude", "*"],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    names = [work.name for work in WORKS]
    each = verbs.add_parser("run", help="measure, print the table, write results.json")
    each.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    each.add_argument("--quick", action="store_true", help="one turn of a fifth, for development")
    each.add_argument("--turns", type=int, default=5)
    each.add_argument("--threads", type=int, default=2)
    each.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    each.add_argument("--output", type=Path, help="JSON file [results.json of a whole run]")
    each.add_argument("--verbose", action="store_true", help="tell the time of every turn")
    each.set_defaults(call=run)
    verbs.add_parser("list", help="name the works").set_defaults(call=show_list)
    verbs.add_parser("page", help="write docs/performance.md").set_defaults(call=write_page)
    verbs.add_parser("record", help="add the results to the history").set_defaults(call=record)
    each = verbs.add_parser("regressions", help="compare two runs of the history")
    each.add_argument("--before", metavar="COMMIT", help="[the run before, on such a machine]")
    each.add_argument("--after", metavar="COMMIT", help="[the last run]")
    each.add_argument("--history", type=Path, default=HISTORY)
    each.set_defaults(call=show_regressions)
    return parser


def main() -> int:
    """Run the command line."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    logging.getLogger("headwater").setLevel(logging.WARNING)
    options = _parser().parse_args()
    logger.setLevel(logging.DEBUG if getattr(options, "verbose", False) else logging.INFO)
    return int(options.call(options))


if __name__ == "__main__":
    sys.exit(main())
