"""The rates of a mixture are those of the T5 paper's formulas (section 3.5.2)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.data.rates import equal, proportional, temperature

SIZES = st.lists(st.integers(1, 10**6), min_size=1, max_size=8)


def test_the_example_of_the_docs() -> None:
    assert proportional([900, 90, 10], 100).tolist() == pytest.approx([0.5, 0.45, 0.05])
    assert temperature([900, 90, 10], 2, 100).tolist() == pytest.approx(
        [0.4415, 0.4189, 0.1396], abs=1e-4
    )
    assert equal([900, 90, 10]).tolist() == pytest.approx([1 / 3] * 3)


@given(SIZES, st.integers(1, 10**6))
def test_a_cap_counts_no_more_of_any(sizes: list[int], cap: int) -> None:
    total = sum(min(size, cap) for size in sizes)
    expected = [min(size, cap) / total for size in sizes]
    np.testing.assert_allclose(proportional(sizes, cap), expected, rtol=1e-12)


@given(SIZES)
def test_temperature_goes_from_proportional_to_equal(sizes: list[int]) -> None:
    np.testing.assert_allclose(temperature(sizes, 1.0), proportional(sizes), rtol=1e-9)
    np.testing.assert_allclose(temperature(sizes, 1e9), equal(sizes), rtol=1e-6)
    for warmth in (1e-4, 0.5, 2.0, 8.0):
        assert temperature(sizes, warmth).sum() == pytest.approx(1.0)
