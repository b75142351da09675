"""Building a token store in shards, by many processes here or by tasks on a cluster.

    build_shards([Path("crawl")], load_vocabulary("t5-small"), Path("crawl.store"), workers=8)

Files are grouped into shards by their sizes, so the result is the same for any number of processes.
Until the end the work is in the hidden folder `.crawl.store.work`; after an interruption the same
command does only the shards that are not whole.
"""

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field

from headwater.config import Config
from headwater.corpus.executors import Stage, check_executor, run_stages
from headwater.corpus.held_out import HeldOut
from headwater.corpus.report import report
from headwater.corpus.shard_steps import EncodeShard, JoinShards, bad_lines
from headwater.corpus.shards import ShardedStore, ShardIndex
from headwater.corpus.sources import Sources, find_sources, grouped
from headwater.corpus.store import LOCKED, VOCABULARY, SourceInfo
from headwater.corpus.work_folder import LAST_STAGE, described, work_folder
from headwater.errors import UserError
from headwater.files import check_free, replacing_folder
from headwater.paths import real
from headwater.remote.copies import here
from headwater.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

SHARD = 256_000_000  # bytes on the disk at which a shard is full; a file is never cut


class ShardConfig(Config):
    """Where the shards of a token store are made.

    executor: `datatrove`'s options for a cluster, such as a Slurm `partition`.
    """

    executor: dict[str, Any] = Field(default_factory=dict)


def build_shards(
    inputs: Sequence[Path],
    vocabulary: Vocabulary,
    output: Path,
    *,
    field: str = "text",
    excluded: Sequence[Path] = (),
    executor: str = "local",
    workers: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> ShardIndex | None:
    """Make a token store in shards of raw text.

    Args:
        inputs, output, field, excluded: as of `headwater.corpus.build.build`.
        executor: local, slurm or ray.
        workers: how many tasks at a time; None takes every processor, on a cluster no limit.
        options: further arguments of the cluster's executor.

    Returns:
        the index; None if a Slurm cluster writes it later.

    Raises:
        OSError: the disk is full; the same command goes on once there is room.
    """
    output, options = real(output), dict(options or {})
    _check(output, executor, options)
    found, held_out = find_sources(inputs), [real(here(file)) for file in excluded]
    if held_out:
        HeldOut(held_out)  # refuses here what every task would refuse
    parts = grouped([real(file) for file in found.files], SHARD)
    plan = {"field": field, "vocabulary": vocabulary.fingerprint, "parts": [*map(described, parts)]}
    with work_folder(output, plan | {"held_out": described(held_out)}, LOCKED) as work:
        _save(vocabulary, work / VOCABULARY)
        encode = EncodeShard(work, parts, field, held_out)
        join = JoinShards(work, output, len(parts), [SourceInfo.of(each) for each in found.sources])
        stages = [Stage("shards", encode, len(parts)), Stage(LAST_STAGE, join, 1)]
        limit = workers or (os.cpu_count() or 1 if executor == "local" else -1)
        run_stages(executor, stages, limit, work / "logs", options, job="build")
        return None if executor == "slurm" else _finished(work, output, len(parts), found)


def _check(output: Path, executor: str, options: Mapping[str, Any]) -> None:
    if find_spec("datatrove") is None:
        raise UserError("a store in shards needs datatrove; pip install 'headwater[clean]'")
    check_free(output)
    check_executor(executor, options)


def _save(vocabulary: Vocabulary, target: Path) -> None:
    if not target.is_dir():
        with replacing_folder(target) as folder:
            vocabulary.save(folder)


def _finished(work: Path, output: Path, parts: int, found: Sources) -> ShardIndex:
    if not output.is_dir():
        raise UserError(f"{work / 'logs'}: tasks failed; fix the cause and run it again")
    named = bad_lines(work, parts)
    shutil.rmtree(work, ignore_errors=True)
    info = ShardedStore.open(output).info
    for line in report(info, named, found.passed_over):
        logger.info(line)
    return info
