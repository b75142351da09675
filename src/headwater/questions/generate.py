"""Documents in, a file of questions with their answers out.

    generate_questions([Path("manuals")], Path("questions.json"), writer="writer")

While it runs, FILE.partial holds what was asked so far (`progress_file`). FILE appears whole.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headwater.checkpoints.hub import resolve
from headwater.checkpoints.parts import weight_sums
from headwater.corpus.held_out import HeldOut
from headwater.errors import UserError
from headwater.files import check_writable, replace_file
from headwater.inference.loaded import LoadedModel, load
from headwater.lock import locked
from headwater.progress import Display, Progress
from headwater.questions.config import QuestionConfig
from headwater.questions.documents import read_documents
from headwater.questions.passages import Passages, cut_passages, digest
from headwater.questions.progress_file import ProgressFile
from headwater.questions.round_trip import Question, Write, check_reader, round_trips, writing
from headwater.questions.rules import REASONS
from headwater.questions.squad_file import squad_json
from headwater.questions.unanswerable import unanswerable

logger = logging.getLogger(__name__)

SAMPLES = 5
DISPLAY = Display(
    "asking",
    logger,
    line="{done:.0f} of {total:.0f} passages  {written:,} questions, {kept:,} kept  "
    "{rate:.2f} passages/s  {left} left",
    every=30.0,
    count="{done:.0f}/{total:.0f} passages",
    rate="{rate:.2f}/s",
    fields="{written:,} questions, {kept:,} kept",
)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a corpus.

    output: the file.
    passages: how many were asked of.
    passages_dropped: how many were not, by reason.
    candidates: answers that were asked for.
    kept: questions in the file.
    dropped: how many were not kept, by the rule that dropped them.
    unanswerable: questions in the file that have no answer, besides.
    samples: some of the questions with their answers.
    """

    output: str
    passages: int
    passages_dropped: dict[str, int]
    candidates: int
    kept: int
    dropped: dict[str, int]
    unanswerable: int
    samples: list[tuple[str, str]]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


def generate_questions(
    corpus: Sequence[str | Path],
    output: str | Path,
    *,
    writer: str = "writer",
    reader: str = "reader",
    config: QuestionConfig | None = None,
    text_field: str = "text",
    held_out: Sequence[str | Path] = (),
    resume: bool = False,
    device: str = "auto",
) -> Report:
    """Ask questions of a corpus and write those that are good to a file of SQuAD's format.

    Args:
        corpus: files and folders (see `documents`).
        output: the file, which must not exist yet.
        writer: a model that learned the task question_generation.
        reader: a model that finds answers; it decides which questions are kept.
        config: which questions are asked and kept; None: the defaults.
        text_field: the column with the text, where there are columns.
        held_out: files with which no passage may overlap (see `HeldOut`).
        resume: go on with what a stopped run left; there need be nothing.
        device: as of `load`.
    """
    config, output = config or QuestionConfig(), Path(output)
    partial = output.with_name(f"{output.name}.partial")
    _check_output(output, partial, resume)
    models = load(writer, device), load(reader, device)
    write = writing(models[0], **config.writing)
    check_reader(models[1])
    texts = HeldOut([Path(file) for file in held_out]) if held_out else None
    passages = cut_passages(read_documents([*map(Path, corpus)], text_field), config, texts)
    settings = _settings(config, passages, *models)
    output.parent.mkdir(parents=True, exist_ok=True)
    with _alone(output):
        _check_output(output, partial, resume)  # another process may have come first
        progress = ProgressFile(partial, settings, passages.chosen)
        _ask(progress, passages, write, models[1], config)
        return _finish(output, progress, passages, config)


def _alone(output: Path) -> AbstractContextManager[object]:
    """Let no other process ask for the same file meanwhile."""
    refusal = f"{output}: another process asks for this file; wait for it, or name another file"
    return locked(output.with_name(f".{output.name}.lock"), refusal, remove=True)


def _settings(
    config: QuestionConfig, passages: Passages, writer: LoadedModel, reader: LoadedModel
) -> dict[str, Any]:
    """Return what must be the same for a run to go on."""
    settings = config.model_dump(mode="json", exclude={"sentence_removed", "near_passage"})
    settings |= {"corpus": passages.fingerprint}
    return settings | {"writer": _weights(writer), "reader": _weights(reader)}


def _ask(
    progress: ProgressFile,
    passages: Passages,
    write: Write,
    reader: LoadedModel,
    config: QuestionConfig,
) -> None:
    """Ask of the passages that were not asked of before."""
    done, earlier = progress.done, _kept(progress)
    written, kept = sum(each.candidates for each in progress.outcomes), len(earlier)
    with progress.writing(), Progress(DISPLAY) as shown:
        shown.start(len(passages.chosen), done)
        try:
            for outcome in round_trips(passages.chosen[done:], write, reader, config, earlier):
                progress.add(outcome)
                written, kept = written + outcome.candidates, kept + len(outcome.kept)
                shown.advance(progress.done, written=written, kept=kept)
        except SystemExit:
            count = f"{progress.done:,} of {len(passages.chosen):,} passages"
            logger.info(f"stopped after {count}; the same command with --resume goes on from there")
            raise


def _finish(
    output: Path, progress: ProgressFile, passages: Passages, config: QuestionConfig
) -> Report:
    """Write the file, remove the one of progress, and count."""
    dropped = sum((each.dropped for each in progress.outcomes), Counter[str]())
    counts = {reason: dropped[reason] for reason in REASONS if dropped[reason]}
    kept = _kept(progress)
    if not kept:
        progress.path.unlink()
        reasons = ", ".join(f"{reason}: {count}" for reason, count in counts.items())
        raise UserError(f"{output}: not written, for no question was kept ({reasons})")
    partners = list(unanswerable(kept, passages.chosen, config))
    replace_file(output, squad_json(kept, partners))
    progress.path.unlink()
    generator = np.random.Generator(np.random.Philox(config.seed))
    chosen = sorted(generator.permutation(len(kept))[:SAMPLES].tolist())
    return Report(
        output=str(output),
        passages=progress.done,
        passages_dropped=passages.dropped,
        candidates=sum(each.candidates for each in progress.outcomes),
        kept=len(kept),
        dropped=counts,
        unanswerable=len(partners),
        samples=[(kept[index].question, kept[index].answer.text) for index in chosen],
    )


def _check_output(output: Path, partial: Path, resume: bool) -> None:
    """Refuse, before any work is done, what cannot be written or would be lost."""
    if output.exists():
        raise UserError(f"{output}: exists already; remove it first or name another file")
    if partial.exists() and not resume:
        raise UserError(
            f"{partial}: a stopped run left this; go on with --resume, or remove it to begin again"
        )
    check_writable(output.parent)


def _kept(progress: ProgressFile) -> list[Question]:
    return [question for each in progress.outcomes for question in each.kept]


def _weights(model: LoadedModel) -> str:
    """Return a digest of a model's weights, with those of the body it was trained on."""
    return digest(*sorted(weight_sums(resolve(model.name)).items()))
