"""Results by commit, one line each, and what became slower between two of them.

Ratios to a fixed peer are kept, not seconds: they are nearly alike on machines of one kind.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness.report import Report, quartiles

WORSE = 0.1  # of a ratio: what is lost beyond this is a regression

Ratios = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Entry:
    """The median ratios of a run, by work and peer; versions are those of the peers."""

    commit: str
    date: str
    processor: str
    threads: int
    versions: dict[str, str]
    ratios: Ratios

    @classmethod
    def of(cls, report: Report) -> "Entry":
        """Take what is kept of a run."""
        ratios = {
            work.name: {peer: round(quartiles(work.ratios(peer))[1], 4) for peer in work.peers}
            for work in report.works
        }
        return cls(
            *(report.commit, report.date, report.processor, report.threads, report.versions, ratios)
        )


def read(path: Path) -> list[Entry]:
    """Return all entries, the oldest first."""
    if not path.exists():
        return []
    return [Entry(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def append(path: Path, entry: Entry) -> None:
    """Add an entry, in place of the last one if that is of the same commit and machine."""
    kept = read(path)
    if kept and (kept[-1].commit, kept[-1].processor) == (entry.commit, entry.processor):
        kept.pop()
    lines = [json.dumps(asdict(each)) + "\n" for each in (*kept, entry)]
    path.write_text("".join(lines), encoding="utf-8")


def find(entries: list[Entry], commit: str | None, before: Entry | None = None) -> Entry | None:
    """Return the last entry of a commit; without one, the last, or the last of its like `before`.

    Entries are alike that were measured by as many threads of one processor.
    """
    if commit is not None:
        found = [each for each in entries if each.commit.startswith(commit)]
    elif before is not None:
        earlier = entries[: entries.index(before)]
        kind = (before.processor, before.threads)
        found = [each for each in earlier if (each.processor, each.threads) == kind]
    else:
        found = entries
    return found[-1] if found else None


def regressions(before: Entry, after: Entry, worse: float = WORSE) -> list[str]:
    """Return a line for each ratio that fell by more than the given part."""
    lines = []
    for work, peers in after.ratios.items():
        for peer, now in peers.items():
            was = before.ratios.get(work, {}).get(peer)
            if was is not None and now < was * (1 - worse):
                lines.append(f"{work} beside {peer}: {was:.2f} -> {now:.2f} ({now / was - 1:+.0%})")
    return lines
