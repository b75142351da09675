"""What a score was measured on: model, files and machine, beside the scores in evaluation.json."""

import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch

from headwater.device import choose_device, has_bf16
from headwater.paths import as_text
from headwater.version import __version__

FILE = "evaluation.json"
_PROCESSOR = re.compile(r"^model name\s*: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a score was measured on.

    model: as it was given.
    data: the files of the task.
    precision: as it was given; `auto` is bf16 on a processor that has it.
    machine: its processor or GPU, in words.
    headwater, torch: their versions.
    """

    model: str
    task: str
    data: tuple[str, ...]
    examples: int
    precision: str
    machine: str
    headwater: str
    torch: str

    @classmethod
    def here(
        cls, model: str, task: str, data: Sequence[Path], examples: int, device: str, precision: str
    ) -> Self:
        """Note what is measured on this machine, with this program."""
        where = machine(choose_device(device))
        versions = __version__, torch.__version__.partition("+")[0]
        return cls(
            as_text(model), task, tuple(map(as_text, data)), examples, precision, where, *versions
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what `evaluation.json` holds."""
        return asdict(self)


def machine(device: torch.device, about: Path = Path("/proc/cpuinfo")) -> str:
    """Name the kind of a processor or a GPU: `AMD EPYC, x86_64, with bf16`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        found = _PROCESSOR.search(about.read_text("utf-8", "replace"))
    except OSError:
        found = None
    name = found[1].strip() if found else platform.processor() or "unknown processor"
    said = f"{name}, {platform.machine()}" if name != platform.machine() else name
    bf16 = "with bf16" if has_bf16(device) else "without bf16"
    return f"{said}, {bf16}" if device.type == "cpu" else f"{said}, {device.type}"
