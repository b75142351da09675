"""Cleaning web text by the rules of C4 (Raffel et al. 2020, section 2.2), over many files.

    clean([Path("crawl")], Path("cleaned"), bad_words=Path("list.txt"))

writes `cleaned/kept`, `cleaned/dropped` and `cleaned/report.json` together at the end. Until then
the work is in the hidden folder `.cleaned.work` next to it. After an interruption the same command
resumes there; another one (other files, rules or words) starts again.
"""

import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headwater.corpus.cleaning.languages import check_language
from headwater.corpus.cleaning.pages import find_pages
from headwater.corpus.cleaning.report import Report, read_report
from headwater.corpus.cleaning.rules import CleaningConfig
from headwater.corpus.executors import check_executor, run_stages
from headwater.corpus.sources import Sources
from headwater.corpus.work_folder import described, work_folder
from headwater.errors import UserError
from headwater.files import check_free
from headwater.paths import real
from headwater.remote.copies import here

_LOCKED = "another process is cleaning to this folder; wait for it or stop it, or name another one"


def clean(
    inputs: Sequence[Path],
    output: Path,
    *,
    field: str = "text",
    bad_words: Path | None = None,
    config: CleaningConfig | None = None,
    executor: str = "local",
    workers: int | None = None,
) -> Report | None:
    """Clean pages of text.

    Args:
        inputs: files and folders, as `headwater.corpus.cleaning.pages` finds them.
        output: the folder to make; it must not exist yet, or be empty.
        field: the field of JSON lines, or the Parquet column, with the text.
        bad_words: a list with one word per line; pages with one of them are dropped.
        workers: how many tasks at a time; None takes every processor, on a cluster no limit.

    Returns:
        the report; None if a Slurm cluster writes it later.

    Raises:
        OSError: the disk is full.
    """
    config = config or CleaningConfig()
    output = real(output)
    _check(output, config, executor)
    words = _words(bad_words)
    found = find_pages(inputs)
    with work_folder(output, _plan(found, field, config, words), _LOCKED) as work:
        from headwater.corpus.cleaning.stages import stages_of

        stages = stages_of(work, output, found, field, config.rules, words)
        limit = workers or (os.cpu_count() or 1 if executor == "local" else -1)
        run_stages(executor, stages, limit, work / "logs", config.executor, job="clean")
        return None if executor == "slurm" else _finished(work, output)


def _finished(work: Path, output: Path) -> Report:
    """Remove the work folder and return the report; refuse an outcome without a page."""
    if not output.is_dir():
        raise UserError(f"{work / 'logs'}: tasks failed; fix the cause and run it again")
    shutil.rmtree(work, ignore_errors=True)
    report = read_report(output)
    if not report.pages:
        shutil.rmtree(output)
        named = f": {report.unreadable_named[0]}" if report.unreadable_named else ""
        raise UserError(f"no page could be read in the inputs{named}")
    return report


def _check(output: Path, config: CleaningConfig, executor: str) -> None:
    for library in ("datatrove", config.rules.language_detector):
        if find_spec(library) is None:
            raise UserError(f"cleaning needs {library}; pip install 'headwater[clean]'")
    check_free(output)
    check_language(config.rules.language, config.rules.language_detector)
    check_executor(executor, config.executor)


def _words(file: Path | None) -> tuple[str, ...] | None:
    from headwater.corpus.cleaning.rules import read_bad_words

    return None if file is None else read_bad_words(here(file))


def _plan(
    found: Sources, field: str, config: CleaningConfig, words: tuple[str, ...] | None
) -> dict[str, Any]:
    """Return everything that the outcome depends on."""
    return {
        "files": described(found.files),
        "field": field,
        "rules": config.rules.model_dump(),
        "bad_words": None if words is None else list(words),
    }
