"""Where the lines of a run go: the log file, the progress display and, if wished, TensorBoard."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from headwater.errors import UserError
from headwater.progress import Display, Progress
from headwater.training.log import Log
from headwater.training.train_state import TrainState

logger = logging.getLogger(__name__)


class Record:
    """Writes the lines that belong to a train state. Before it, `step` steps were done."""

    def __init__(self, folder: Path, tensorboard: bool, step: int, total: int) -> None:
        self._board = _open_board(folder / "tensorboard", step) if tensorboard else None
        self._log = Log(folder / "log.jsonl")
        rate, fields = "{rate:.2f} steps/s", "loss {loss}"
        self._progress = Progress(Display("training", logger, rate=rate, fields=fields))
        self._progress.start(total, step)
        self._padding = ""  # as last shown: epochs of one small file are all alike

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.close()
        self._log.close()
        if self._board is not None:
            self._board.close()

    def sync(self) -> None:
        """Force the log to the disk."""
        self._log.sync()

    def step(self, state: TrainState, loss: float) -> None:
        """Show that a step is done."""
        self._progress.advance(state.step, loss=_short(loss))

    def training(self, state: TrainState, learning_rate: float) -> None:
        """Write the means since the last line."""
        since = state.log_statistics
        losses = {"losses": since.mean_losses} if len(since.losses) > 1 else {}
        self._write(
            {
                "step": state.step,
                "loss": since.loss,
                **losses,
                "learning_rate": learning_rate,
                "gradient_norm": since.gradient_norm / since.steps,
                "examples": state.run_statistics.examples,
                "tokens": state.run_statistics.tokens,
                "padding": since.padding,
                "seconds": state.seconds,
            }
        )
        self._progress.report(
            f"step {{done}}/{{total}}  loss {_short(since.loss)}  "
            f"learning rate {learning_rate:.2e}  {{rate:.2f}} steps/s  {{left}} left"
        )

    def epoch(self, state: TrainState) -> None:
        """Write what the epoch held; its padding above all."""
        epoch = state.epoch_statistics
        self._write(
            {
                "step": state.step,
                "epoch": state.epoch + 1,
                "examples": epoch.examples,
                "tokens": epoch.tokens,
                "padding": epoch.padding,
                "seconds": state.seconds,
            }
        )
        padding = f"{100 * epoch.padding:.2f}%"
        if padding != self._padding:
            self._progress.report(
                f"step {{done}}/{{total}}  epoch {state.epoch + 1}: padding {padding}"
            )
        self._padding = padding

    def evaluation(self, state: TrainState, metrics: dict[str, float]) -> None:
        """Write what an evaluation gave."""
        seconds = {"seconds": state.seconds, "processor_seconds": state.processor_seconds}
        self._write({"step": state.step, "evaluation": metrics, **seconds})
        scores = "  ".join(f"{name} {_short(value)}" for name, value in metrics.items())
        escaped = scores.replace("{", "{{").replace("}", "}}")
        self._progress.report(
            f"step {{done}}/{{total}}  evaluation: {escaped}",
            f"step {state.step}  evaluation: {scores}",
        )

    def _write(self, line: dict[str, Any]) -> None:
        self._log.write(line)
        if self._board is not None:
            for tag, value in _scalars(line):
                self._board.add_scalar(tag, value, line["step"])


class NoRecord:
    """Of a process that writes nothing: the first one does."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def sync(self) -> None:
        """Write nothing."""

    def step(self, state: TrainState, loss: float) -> None:
        """Show nothing."""

    def training(self, state: TrainState, learning_rate: float) -> None:
        """Write nothing."""

    def epoch(self, state: TrainState) -> None:
        """Write nothing."""

    def evaluation(self, state: TrainState, metrics: dict[str, float]) -> None:
        """Write nothing."""


def _short(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "not finite"


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
