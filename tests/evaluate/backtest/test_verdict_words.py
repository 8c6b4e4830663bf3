"""What a backtest says: the level it speaks of, signs and numbers of outcomes; and the chart that a bad rival left."""

from __future__ import annotations

import pandas as pd
import pytest

from spmforecast.evaluate.backtest.judge import FORECAST, MIX
from spmforecast.evaluate.backtest.verdict import _bias, _held, _of_level, _percent
from spmforecast.report.backtest import _cases
from spmforecast.report.backtest_figures import scores_by_week
from spmforecast.report.folder import Row


def test_signs_are_true_and_nothing_is_minus_nothing() -> None:
    assert _percent(-0.354) == "−35 %"
    assert _percent(-0.001) == "0 %"


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (-0.1036, "On average 10 % less was expected than came."),
        (0.19, "On average 19 % more was expected than came."),
        (-0.001, "On average as much came as was expected."),
        (float("nan"), "Nothing came to hold what was expected against."),
    ],
)
def test_the_side_of_a_bias_is_told_in_words(share: float, told: str) -> None:
    assert _bias(share) == told


@pytest.mark.parametrize(("share", "told"), [(0.8, "as they should"), (0.95, "too many"), (0.5, "too few")])
def test_intervals_are_spoken_of_in_the_plural(share: float, told: str) -> None:
    own = pd.Series({"held_80": share, "band_80_low": 0.7, "band_80_high": 0.9, "cells": 50, "bias": 0.0})
    assert f"would be luck), {told}" in _held(own)


def test_a_mix_says_for_whom_and_when_it_would_have_been_better() -> None:
    same = {"level": "company", "ahead": 1, "week": "all", "held_80": 0.8, "band_80_low": 0.7, "band_80_high": 0.9}
    rest = {"cells": 5, "bias": 0.0, "periods": 3, "ratio_low": 0.9, "ratio_high": 1.2, "p_value": 0.5, "crps": 1.0}
    rows = [{**same, **rest, "method": name, "ratio": ratio} for name, ratio in ((FORECAST, 1.0), (MIX, 1.08))]
    said = _of_level(pd.DataFrame(rows), "company", 1)
    assert said[-1].endswith("would have been 7 % better for the company of the next period.")


def _row(method: str, week: int, crps: float) -> Row:
    return Row({"method": method, "week": str(week)}, {"crps": crps})


def test_a_bad_rival_leaves_the_chart_and_is_named() -> None:
    rows = [_row(name, week, crps) for name, crps in (("a", 1.0), ("b", 1.2), ("bad", 40.0)) for week in (3, 9)]
    assert "Beyond the axis, in at least one week: bad." in scores_by_week(rows, "EUR", "weeks").caption
    assert "Beyond" not in scores_by_week(rows[:4], "EUR", "weeks").caption


def test_a_method_that_was_silent_says_in_how_many_cases_it_spoke() -> None:
    assert _cases(Row({}, {"cells": 30.0}), 50.0) == "30 of 50"
    assert _cases(Row({}, {"cells": 50.0}), 50.0) == "50"
