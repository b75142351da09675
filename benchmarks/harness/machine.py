"""The machine: what it is, and how fast it multiplies matrices, which limits every work."""

import platform
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from benchmarks.harness.turns import Turns
from benchmarks.harness.work import Context, Facts, Side

SIZE = 2048
PACKAGES = (
    *("headwater", "torch", "numpy", "transformers", "tokenizers", "onnxruntime", "ctranslate2"),
    "gensim",
)
FORMATS = {"bfloat16": "bf16", "float32": "fp32"}
"""Number formats of the products, and how tables name them."""


def multiply(turns: Turns, context: Context, dtype: str) -> Facts:
    """Give the operations per second of a product of two square matrices."""
    a, b = torch.randn(2, SIZE, SIZE).to(getattr(torch, dtype))
    for _ in turns:
        for _ in range(4):
            torch.mm(a, b)
            turns.count(2 * SIZE**3)
    return {}


RATES = tuple(Side(dtype, partial(multiply, dtype=dtype)) for dtype in FORMATS)
"""Take turns with the sides of a work whose operations are counted."""


def processor() -> str:
    """Return the processor's name and number of cores."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    fast = [flag for flag in ("amx_bf16", "avx512_bf16", "avx512_vnni", "avx2") if flag in flags]
    return f"{len(named) or 1} x {named[0] if named else name} ({', '.join(fast) or 'plain'})"


def versions() -> dict[str, str]:
    """Return the versions of Python and of every package that is there."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
