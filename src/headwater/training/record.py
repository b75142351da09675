"""Where the lines of a run go: the log file, the progress display and, if told, TensorBoard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from headwater.errors import UserError
from headwater.training.log import Log
from headwater.training.progress import Progress
from headwater.training.train_state import Place


class Record:
    """Writes the lines that belong to a place in the run.

    Raises:
        UserError: TensorBoard was asked for and is not installed.
    """

    def __init__(self, folder: Path, tensorboard: bool, step: int, progress: Progress) -> None:
        self._board = _open_board(folder / "tensorboard", step) if tensorboard else None
        self._log = Log(folder / "log.jsonl")
        self._progress = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._log.close()
        if self._board is not None:
            self._board.close()

    def sync(self) -> None:
        """Force the log to the disk."""
        self._log.sync()

    def training(self, place: Place, rate: float) -> None:
        """Write the means since the last line."""
        window = place.window
        line: dict[str, Any] = {"step": place.step, "loss": window.loss}
        if len(window.losses) > 1:
            line["losses"] = window.means
        self._write(
            {
                **line,
                "learning_rate": rate,
                "gradient_norm": window.norm / window.steps,
                "examples": place.run.examples,
                "tokens": place.run.tokens,
                "padding": window.padding,
                "seconds": place.seconds,
            }
        )

    def epoch(self, place: Place) -> None:
        """Write what the epoch held; its padding above all."""
        tally = place.epoch_tally
        self._write(
            {
                "step": place.step,
                "epoch": place.epoch + 1,
                "examples": tally.examples,
                "tokens": tally.tokens,
                "padding": tally.padding,
                "seconds": place.seconds,
            }
        )

    def evaluation(self, place: Place, metrics: dict[str, float]) -> None:
        """Write what an evaluation said."""
        seconds = {"seconds": place.seconds, "processor_seconds": place.processor_seconds}
        self._write({"step": place.step, "evaluation": metrics, **seconds})

    def _write(self, line: dict[str, Any]) -> None:
        self._log.write(line)
        self._progress.line(line)
        if self._board is not None:
            for tag, value in _scalars(line):
                self._board.add_scalar(tag, value, line["step"])


def _scalars(line: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a line: `loss`, `losses/x`, `evaluation/x`; of an epoch `epoch/x`."""
    kind = "epoch/" if "epoch" in line else ""
    for name, value in line.items():
        if isinstance(value, dict):
            yield from ((f"{name}/{key}", each) for key, each in value.items())
        elif name not in ("step", "epoch"):
            yield f"{kind}{name}", value


def _open_board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError(
            "tensorboard = true, but TensorBoard is not installed: "
            "pip install 'headwater[tensorboard]'"
        ) from None
    return SummaryWriter(str(folder), purge_step=step + 1)
