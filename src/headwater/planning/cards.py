"""What graphics cards hold and do, by their makers' data sheets. Imports no torch.

Rates are those without sparsity: NVIDIA's sheets print twice as much with an asterisk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from headwater.errors import UserError, did_you_mean

_GB = 10**9


@dataclass(frozen=True, slots=True)
class Card:
    """One kind of card.

    Attributes:
        memory: bytes.
        bf16: peak FLOP/s of matrix products in bf16; None: it has none.
        fp16: the same in fp16, of those without bf16.
        fp32: peak FLOP/s in float32, which is what PyTorch takes unless TF32 is asked for.
        bandwidth: bytes/s of its memory.
        source: the data sheet.
    """

    memory: int
    bf16: float | None
    fp32: float
    bandwidth: float
    source: str
    fp16: float | None = None


CARDS: Mapping[str, Card] = MappingProxyType(
    {
        "t4": Card(16 * _GB, None, 8.1e12, 0.32e12, "NVIDIA T4 data sheet, 2019", fp16=65e12),
        "v100": Card(
            32 * _GB, None, 15.7e12, 0.9e12, "NVIDIA V100 SXM2 data sheet, 2020", fp16=125e12
        ),
        "l4": Card(24 * _GB, 121e12, 30.3e12, 0.3e12, "NVIDIA L4 data sheet, 2023"),
        "rtx4090": Card(
            24 * _GB, 165.2e12, 82.6e12, 1.008e12, "NVIDIA Ada GPU architecture, appendix A"
        ),
        "a10": Card(24 * _GB, 125e12, 31.2e12, 0.6e12, "NVIDIA A10 data sheet, 2021"),
        "l40s": Card(48 * _GB, 362e12, 91.6e12, 0.864e12, "NVIDIA L40S data sheet, 2023"),
        "a100-40": Card(40 * _GB, 312e12, 19.5e12, 1.555e12, "NVIDIA A100 SXM data sheet, 2020"),
        "a100": Card(80 * _GB, 312e12, 19.5e12, 2.039e12, "NVIDIA A100 SXM data sheet, 2021"),
        "h100": Card(80 * _GB, 989.4e12, 67e12, 3.35e12, "NVIDIA H100 SXM data sheet, 2023"),
        "h200": Card(141 * _GB, 989.4e12, 67e12, 4.8e12, "NVIDIA H200 SXM data sheet, 2024"),
        "mi300x": Card(192 * _GB, 1307.4e12, 163.4e12, 5.3e12, "AMD MI300X data sheet, 2023"),
    }
)


def card(name: str) -> Card:
    """Return the card of that name."""
    if name.lower() in CARDS:
        return CARDS[name.lower()]
    raise UserError(f"--card {name}: {did_you_mean(name, CARDS, 'known cards:')}")
