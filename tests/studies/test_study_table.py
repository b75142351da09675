"""The statistics of a study's table, and what it says of a claim."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.studies.results_table import Table, judge, spread
from headwater.studies.study import Claim, Result

NUMBERS = st.floats(-1e6, 1e6)


def result(setting: str, column: str, seed: int, value: float) -> Result:
    return Result(setting, column, seed, value, seconds=2.0, steps=5, trained=1, parameters=4)


def series(setting: str, values: list[float], column: str = "a") -> list[Result]:
    return [result(setting, column, seed, value) for seed, value in enumerate(values)]


@given(st.lists(NUMBERS, min_size=2, max_size=8))
def test_the_deviation_is_the_samples(values: list[float]) -> None:
    found = spread(values)
    assert found.count == len(values)
    assert found.mean == pytest.approx(statistics.fmean(values))
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    assert found.deviation == pytest.approx(math.sqrt(squares / (len(values) - 1)), abs=1e-3)


def test_one_value_has_no_deviation() -> None:
    assert spread([3.0]).deviation is None
    assert str(spread([3.0])) == "3.00"
    assert str(spread([12.0, 14.0])) == "13.0 ± 1.4"


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=5))
def test_the_other_way_round_is_the_other_verdict(pairs: list[tuple[float, float]]) -> None:
    results = series("x", [x for x, _ in pairs]) + series("y", [y for _, y in pairs])
    there = judge(Claim("", "x", "y"), Table(tuple(results)))
    back = judge(Claim("", "y", "x"), Table(tuple(results)))
    lowest = judge(Claim("", "y", "x", lowest=True), Table(tuple(results)))
    opposite = {"agrees": "disagrees", "disagrees": "agrees", "open": "open"}
    assert back.verdict == opposite[there.verdict]
    assert lowest.verdict == there.verdict
    assert back.gain.mean == pytest.approx(-there.gain.mean)


def test_seeds_are_compared_in_pairs() -> None:
    """The seeds differ by far more than the settings, which a test without pairs would miss."""
    results = series("x", [10.0, 50.0, 90.0]) + series("y", [9.0, 48.9, 88.8])
    found = judge(Claim("", "x", "y"), Table(tuple(results)))
    assert found.verdict == "agrees"
    assert found.gain.mean == pytest.approx(1.1)


def test_a_small_difference_is_open() -> None:
    results = series("x", [10.0, 11.0, 12.0]) + series("y", [12.0, 10.0, 10.0])
    assert judge(Claim("", "x", "y"), Table(tuple(results))).verdict == "open"
    assert judge(Claim("", "x", "y"), Table((results[0], results[3]))).verdict == "open"  # one seed


def test_a_claim_over_all_columns_takes_their_mean_by_seed() -> None:
    results = [
        *series("x", [1.0, 1.0], "a"),
        *series("x", [5.0, 5.0], "b"),
        *series("y", [2.0, 2.0], "a"),
        *series("y", [2.0, 2.0], "b"),
    ]
    found = judge(Claim("", "x", "y"), Table(tuple(results)))
    assert (found.verdict, found.gain.mean, found.gain.count) == ("agrees", 1.0, 2)
    assert judge(Claim("", "x", "y", ("a",)), Table(tuple(results))).verdict == "disagrees"
    with pytest.raises(KeyError):
        judge(Claim("", "x", "z"), Table(tuple(results)))


def test_a_derived_column_counts_for_a_claim_that_names_it() -> None:
    grid = (*series("x", [1.0, 1.0]), *series("y", [0.0, 0.0]))
    derived = (*series("x", [9.0, 9.0], "mean"), *series("y", [0.0, 0.0], "mean"))
    table = Table(grid, derived)
    assert judge(Claim("", "x", "y"), table).gain.mean == 1.0
    assert judge(Claim("", "x", "y", ("mean",)), table).gain.mean == 9.0


def test_the_table_shows_every_trial() -> None:
    table = Table(
        (*series("x", [80.0, 82.0], "a"), *series("y", [70.0, 70.0], "b")),
        tuple(series("x", [3.0, 5.0], "steps")),
    )
    lines = table.markdown().splitlines()
    assert lines[0] == "|  | a | b | steps | trained | seconds |"
    assert lines[2] == "| x | 81.0 ± 1.4 |  | 4.00 ± 1.41 | 25% | 2.0 |"
    assert lines[3] == "| y |  | 70.0 ± 0.0 |  | 25% | 2.0 |"
    assert table.csv().splitlines() == [
        "setting,column,mean,deviation,n,trained,parameters,seconds",
        "x,a,81,1.41421,2,1,4,2",
        "x,steps,4,1.41421,2,1,4,2",
        "y,b,70,0,2,1,4,2",
    ]
    assert len(table.seeds_csv().splitlines()) == 7
